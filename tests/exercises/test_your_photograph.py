"""The checkers of the chapter on one's own photograph: the solution passes, each wrong answer draws its own message."""

import pytest
import torch
import torch.nn.functional as F

from deblurlib.blur import from_linear, to_linear
from deblurlib.exercises import check


def mixed(a, b):
    return from_linear((to_linear(a) + to_linear(b)) / 2)


def rim(kernels, reach):
    return 1 - kernels[..., reach:-reach, reach:-reach].sum(dim=(1, 2, 3)) / all_of(kernels)


def all_of(kernels):
    return kernels.sum(dim=(1, 2, 3))


def sides(kernels, reach, which):
    four = [kernels[..., :reach, :], kernels[..., -reach:, :], kernels[..., :reach], kernels[..., -reach:]]
    return sum(all_of(side) for side in four[which]) / all_of(kernels)


def window(worth, side, width=None, turn=False, move=0):
    sums = F.avg_pool2d(worth[None, None], side, stride=1)[0, 0]
    top, left = divmod(int(sums.argmax()), width or sums.shape[1])
    return (left, top) if turn else (top + move, left + move)


RIGHT = {"mixed": mixed, "rim_light": rim, "best_window": window}

WRONG = [
    ("mixed", lambda a, b: None, "None"),
    ("mixed", lambda a, b: mixed(a, b)[0], "shape"),
    ("mixed", lambda a, b: (a + b) / 2, "mean of the values"),
    ("mixed", lambda a, b: (to_linear(a) + to_linear(b)) / 2, "an amount of light"),
    ("mixed", lambda a, b: from_linear((a + b) / 2), "as if they were light"),
    ("mixed", lambda a, b: to_linear((a + b) / 2), "mean first"),
    ("mixed", lambda a, b: to_linear((from_linear(a) + from_linear(b)) / 2), "exchanged"),
    ("mixed", lambda a, b: from_linear(to_linear(a) + to_linear(b)), "all the light"),
    ("mixed", torch.maximum, "brighter"),
    ("mixed", lambda a, b: mixed(a, b) / 2, "what adds up"),
    ("rim_light", lambda *a: None, "None"),
    ("rim_light", lambda *a: rim(*a).mean(), "rim of its own"),
    ("rim_light", lambda *a: 1 - rim(*a), "share inside"),
    ("rim_light", lambda k, n: rim(k, n) * all_of(k), "not its share"),
    ("rim_light", lambda k, n: 1 - (1 - rim(k, n)) * all_of(k), "for one"),
    ("rim_light", lambda k, n: rim(k, 1), "one pixel wide"),
    ("rim_light", lambda k, n: sides(k, n, slice(4)), "counted twice"),
    ("rim_light", lambda k, n: sides(k, n, slice(2)), "left and the right"),
    ("rim_light", lambda k, n: sides(k, n, slice(2, 4)), "top and the bottom"),
    ("rim_light", lambda k, n: rim(k, n) * all_of(k) / k.sum(), "all kernels together"),
    ("rim_light", lambda *a: rim(*a) + 0.1, "draw"),
    ("best_window", lambda *a: None, "None"),
    ("best_window", lambda *a: 7, "two whole numbers"),
    ("best_window", lambda *a: window(*a, turn=True), "exchanged"),
    ("best_window", lambda w, n: divmod(int(w.argmax()), w.shape[1]), "best *pixel*"),
    ("best_window", lambda *a: window(*a, move=2), "middle"),
    ("best_window", lambda *a: window(*a, move=3), "last pixel"),
    ("best_window", lambda w, n: window(w, n, width=w.shape[1]), "counts windows"),
    ("best_window", lambda *a: (0, 0), "its sum"),
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
