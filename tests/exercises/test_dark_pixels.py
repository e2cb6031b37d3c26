"""The checkers of the chapter on the dark channel: each wrong answer draws its own message."""

import pytest
import torch
import torch.nn.functional as F

from deblurlib.exercises import check


def black(d, weight, penalty, limit=None, swap=False, value=None):
    limit = weight / penalty if limit is None else limit
    keep = (d.square() if value is None else value(d)) > limit
    return torch.where(~keep if swap else keep, d, 0.0)


def darkest(x, window):
    return -F.max_pool2d(-x.amin(dim=1, keepdim=True), window, stride=1, padding=window // 2)


def floor(x, window, size, extra=-1):
    return darkest(x, window + size + extra)


RIGHT = {"black_or_not": black, "darkest_in_sight": darkest, "dark_floor": floor}

WRONG = [
    ("black_or_not", lambda *a: black(*a, swap=True), "swapped: dark"),
    ("black_or_not", lambda *a: black(*a, value=lambda d: d), "*square*"),
    ("black_or_not", lambda d, w, p: black(d, w, p, limit=(w / p) ** 0.5, value=lambda d: d), "negative"),
    ("black_or_not", lambda d, w, p: black(d, p, w), "weight and penalty are swapped"),
    ("black_or_not", lambda d, w, p: black(d, 2 * w, p), "no half"),
    ("black_or_not", lambda d, w, p: d.sign() * (d.abs() - (w / p) ** 0.5).clamp(min=0), "shrank"),
    ("black_or_not", lambda d, w, p: d, "nothing became black"),
    ("black_or_not", lambda d, w, p: d + 1, "once more"),
    ("black_or_not", lambda *a: None, "None"),
    ("black_or_not", lambda *a: 0.0, "expected a tensor"),
    ("darkest_in_sight", lambda x, n: -F.max_pool2d(-x, n, stride=1, padding=n // 2), "3 channels"),
    ("darkest_in_sight", lambda x, n: darkest(x, n)[..., 2:-2, 2:-2], "left out"),
    ("darkest_in_sight", lambda x, n: -F.max_pool2d(F.pad(-x.amin(1, True), (2,) * 4), n, 1), "padded with"),
    ("darkest_in_sight", lambda x, n: darkest(x.mean(1, keepdim=True), n), "mean of the colours"),
    ("darkest_in_sight", lambda x, n: darkest(x[:, :1], n), "first colour"),
    ("darkest_in_sight", lambda x, n: -darkest(-x, n), "brightest"),
    ("darkest_in_sight", lambda x, n: darkest(x, 2 * n + 1), "not the reach"),
    ("darkest_in_sight", lambda x, n: x.amin(1, keepdim=True), "look around"),
    ("darkest_in_sight", lambda x, n: darkest(x, n) + 0.1, "at row"),
    ("darkest_in_sight", lambda x, n: None, "None"),
    ("dark_floor", lambda x, n, m: darkest(x, n), "from outside the window"),
    ("dark_floor", lambda x, n, m: darkest(x, m), "more than one"),
    ("dark_floor", lambda *a: floor(*a, extra=1), "share a pixel"),
    ("dark_floor", lambda x, n, m: darkest(x, n + 2 * m), "each direction"),
    ("dark_floor", lambda x, n, m: darkest(x, n + 2 * (m - 1)), "each direction"),
    ("dark_floor", lambda *a: floor(*a) + 0.1, "no lower bound"),
    ("dark_floor", lambda *a: floor(*a) - 0.1, "at row"),
    ("dark_floor", lambda *a: None, "None"),
]


@pytest.mark.parametrize("name", RIGHT)
def test_the_solution_passes(name):
    assert check(name, RIGHT[name]).passed


@pytest.mark.parametrize("name", RIGHT)
def test_a_blank_is_not_done_yet(name):
    def blank(*_):
        raise NotImplementedError

    assert check(name, blank).passed is None


@pytest.mark.parametrize(("name", "answer", "words"), WRONG)
def test_each_mistake_draws_its_own_message(name, answer, words):
    result = check(name, answer)
    assert result.passed is False
    assert words in result.message
