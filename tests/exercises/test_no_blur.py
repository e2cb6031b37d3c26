"""The checkers of the chapter on no blur: the solution passes, and each wrong answer draws its own message."""

import pytest
import torch
import torch.nn.functional as F

from deblurlib.exercises import check


def bar(w, n, alpha, steps=min, height=lambda w, n: 1 / n, flanks=2):
    return flanks * steps(w, n) * height(w, n) ** alpha


def pair(y, x, k, sigma, weight, alpha, turn=True, half=2, power=2, total=torch.sum, weights=None, down=True, sign=1):
    error = (F.conv2d(x, k.flip(-1, -2) if turn else k) - y).square()
    g = [x.diff(dim=-1)[..., :-1, :], x.diff(dim=-2)[..., :-1]][: 2 if down else 1]
    first, second = weights or (1, weight)
    price = total(torch.cat(g).abs().pow(alpha))
    return first * total(error) / (half * sigma**power) + sign * second * price


def nearest(v, clip=True, shift=None):
    low, high = v.min() - 1, v.max()
    for _ in range(60):
        c = (low + high) / 2
        low, high = (c, high) if (v - c).clamp(min=0).sum() > 1 else (low, c)
    c = c if shift is None else shift(v)
    return (v - c).clamp(min=0) if clip else v - c


def even(v):
    return (v.sum() - 1) / len(v)


RIGHT = {"bar_price": bar, "pair_energy": pair, "nearest_kernel": nearest}

WRONG = [
    ("bar_price", lambda *a: None, "None"),
    ("bar_price", lambda *a: bar(*a, flanks=1), "two flanks"),
    ("bar_price", lambda *a: bar(*a, steps=max), "does not reach"),
    ("bar_price", lambda *a: bar(*a, steps=lambda w, n: w), "no more steps"),
    ("bar_price", lambda w, n, alpha: bar(w, n, 1.0), "exponent is missing"),
    ("bar_price", lambda *a: bar(*a, height=lambda w, n: n), "grow with the motion"),
    ("bar_price", lambda *a: bar(*a, height=lambda w, n: 1 / min(w, n)), "whatever the bar"),
    ("bar_price", lambda w, n, alpha: 2 * (min(w, n) / n) ** alpha, "pays for itself"),
    ("bar_price", lambda *a: 2, "sharp bar"),
    ("bar_price", lambda *a: bar(*a) + 1, "count the steps"),
    ("pair_energy", lambda *a: None, "None"),
    ("pair_energy", lambda *a: torch.ones(3), "one number"),
    ("pair_energy", lambda *a: pair(*a, turn=False), "correlates"),
    ("pair_energy", lambda *a: pair(*a, half=1), "one half"),
    ("pair_energy", lambda *a: pair(*a, power=1), "square."),
    ("pair_energy", lambda *a: pair(*a, power=0), "noise is missing"),
    ("pair_energy", lambda *a: pair(*a, weights=(1, 1)), "weight is missing"),
    ("pair_energy", lambda *a: pair(*a, weights=(a[4], 1)), "belongs to the differences"),
    ("pair_energy", lambda *a: pair(*a, weights=(1, 0)), "price of the differences is missing"),
    ("pair_energy", lambda *a: pair(*a, weights=(0, a[4])), "does not explain is missing"),
    ("pair_energy", lambda *a: pair(*a[:5], 1.0), "exponent is missing"),
    ("pair_energy", lambda *a: pair(*a[:5], 2.0), "you squared"),
    ("pair_energy", lambda *a: pair(*a, down=False), "none down"),
    ("pair_energy", lambda *a: pair(*a, total=torch.mean), "means"),
    ("pair_energy", lambda *a: pair(*a, sign=-1), "minus sign"),
    ("pair_energy", lambda *a: pair(*a) + 9, "by itself"),
    ("nearest_kernel", lambda v: None, "None"),
    ("nearest_kernel", lambda v: nearest(v)[1:], "expected (7,)"),
    ("nearest_kernel", lambda v: v.clamp(min=0) / v.clamp(min=0).sum(), "clipped and scaled"),
    ("nearest_kernel", lambda v: v / v.sum(), "you scaled, and"),
    ("nearest_kernel", lambda v: nearest(v, clip=False, shift=even), "you subtracted the same"),
    ("nearest_kernel", lambda v: nearest(v, shift=even), "raised the sum"),
    ("nearest_kernel", lambda v: v.clamp(min=0) - even(v.clamp(min=0)), "before you subtracted"),
    ("nearest_kernel", lambda v: v.softmax(dim=0), "softmax"),
    ("nearest_kernel", lambda v: (v == v.max()).double(), "a point"),
    ("nearest_kernel", lambda v: v, "nothing has changed"),
    ("nearest_kernel", lambda v: v * 0.9, "which c"),
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


def test_every_misconception_has_a_sentence_of_its_own():
    said = [check(name, answer).message for name, answer, _ in WRONG if "None" not in check(name, answer).message]
    assert len(set(said)) == len(said)
