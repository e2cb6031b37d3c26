"""The checkers of the chapter on other priors: each wrong answer draws its own message."""

import math

import pytest
import torch
import torch.nn.functional as F

from deblurlib.exercises import check

R = math.sqrt(2) / 4
FILTERS = [torch.tensor(h).double() for h in ([0.25, 0.5, 0.25], [R, 0.0, -R], [-0.25, 0.5, -0.25])]


def soft(v, w):
    return v.sign() * (v.abs() - w).clamp_min(0)


def frame(x, weight, shrink=soft, low=False, flip=True, scale=1.0, keep=True):
    out = torch.zeros_like(x)
    for i, h in enumerate(FILTERS):
        if i == 0 and not keep:
            continue
        band = sum(scale * h[t] * x.roll(t - 1, -1) for t in range(3))
        band = shrink(band, weight) if low or i else band
        out = out + sum(scale * h[t] * band.roll(1 - t if flip else t - 1, -1) for t in range(3))
    return out


def values(s, cost, tiny, sign=1):
    inside = (s + tiny) ** 2 - 4 * cost
    return torch.where(inside < 0, 0.0, ((s - tiny) + sign * inside.clamp_min(0).sqrt()) / 2).clamp_min(0)


def fits(scene, form, flip=False, normalise=True, view=lambda x: x):
    kernel = (form.flip(-1, -2) if flip else form)[None]
    sums = F.conv2d(scene[None], kernel)[0, 0]
    if normalise:
        sums = sums / F.conv2d(scene[None].square(), torch.ones_like(kernel))[0, 0].sqrt()
    return divmod(int(view(sums).argmax()), sums.shape[-1])


RIGHT = {"frame_shrink": frame, "shrink_singular_values": values, "where_it_fits": fits}

WRONG = [
    ("frame_shrink", lambda x, w: x, "nothing has been shrunk"),
    ("frame_shrink", lambda x, w: frame(x, w, low=True), "averages too"),
    ("frame_shrink", lambda x, w: frame(x, w, shrink=lambda v, t: torch.where(v.abs() > t, v, 0.0)), "hard threshold"),
    ("frame_shrink", lambda x, w: frame(x, w, flip=False), "adjoint"),
    ("frame_shrink", lambda x, w: frame(x, w, scale=2.0), "twice too strong"),
    ("frame_shrink", lambda x, w: frame(x, w, keep=False), "detail alone"),
    ("frame_shrink", lambda x, w: None, "None"),
    ("frame_shrink", lambda x, w: frame(x, w)[:1], "shape"),
    ("shrink_singular_values", lambda s, c, e: (s - c).clamp_min(0), "nuclear norm"),
    ("shrink_singular_values", lambda s, c, e: (s - c / (s + e)).clamp_min(0), "before"),
    ("shrink_singular_values", lambda s, c, e: values(s, c, e, sign=-1), "smaller root"),
    ("shrink_singular_values", lambda s, c, e: torch.where(s >= 2 * c**0.5 - e, s, 0.0), "keep what passes"),
    ("shrink_singular_values", lambda s, c, e: s, "nothing has been shrunk"),
    ("shrink_singular_values", lambda s, c, e: (s - c * (s + e)).clamp_min(0), "grows with the value"),
    ("shrink_singular_values", lambda s, c, e: ((s - e) + ((s + e) ** 2 - 4 * c).sqrt()) / 2, "NaN"),
    ("where_it_fits", lambda a, b: fits(a, b, view=torch.abs), "negative"),
    ("where_it_fits", lambda a, b: fits(a, b, flip=True), "on its head"),
    ("where_it_fits", lambda a, b: fits(a, b, normalise=False), "is loud"),
    ("where_it_fits", lambda a, b: tuple(n + 4 for n in fits(a, b)), "middle"),
    ("where_it_fits", lambda a, b: fits(a, b)[::-1], "column first"),
    ("where_it_fits", lambda a, b: None, "None"),
    ("where_it_fits", lambda a, b: 3, "two numbers"),
    ("where_it_fits", lambda a, b: (1, 2, 3), "has 3 numbers"),
    ("where_it_fits", lambda a, b: (0, 0), "expected row 23, column 11."),
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
