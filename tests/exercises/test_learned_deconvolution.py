"""The checkers of the chapter on learned deconvolution: each wrong answer draws its own message."""

import pytest
import torch

from deblurlib.blur import transfer_function
from deblurlib.exercises import check


def schedule(noise, rounds, strongest):
    return [strongest * (noise / strongest) ** (i / (rounds - 1)) for i in range(rounds)]


def step(y, k, z, p, turn=torch.conj, pull=1.0, stay=1.0):
    transfer = transfer_function(k, y.shape[-2:])
    spectrum = turn(transfer) * torch.fft.rfft2(y) + pull * p * torch.fft.rfft2(z)
    return torch.fft.irfft2(spectrum / (transfer.abs().square() + stay * p), s=y.shape[-2:])


def from_the_corner(y, k, z, p):
    transfer = torch.fft.rfft2(k, s=y.shape[-2:])
    spectrum = transfer.conj() * torch.fft.rfft2(y) + p * torch.fft.rfft2(z)
    return torch.fft.irfft2(spectrum / (transfer.abs().square() + p), s=y.shape[-2:])


def factors(inverse, rank, power=1, keep=None, turned=False):
    u, s, v = torch.linalg.svd(inverse)
    keep = keep or slice(0, rank)
    return u[:, keep] * s[keep] ** power, (v.T if turned else v)[keep]


RIGHT = {"strength_schedule": schedule, "data_step": step, "separable_filter": factors}

WRONG = [
    ("strength_schedule", lambda *a: schedule(*a)[::-1], "weakest"),
    ("strength_schedule", lambda n, r, s: [s + (n - s) * i / (r - 1) for i in range(r)], "equal differences"),
    ("strength_schedule", lambda n, r, s: [s * (n / s) ** (i / r) for i in range(r)], "divide by the 5 rounds"),
    ("strength_schedule", lambda *a: [s * s for s in schedule(*a)], "variances"),
    ("strength_schedule", lambda *a: [255 * s for s in schedule(*a)], "grey levels"),
    ("strength_schedule", lambda *a: schedule(*a)[1:], "4 strengths"),
    ("strength_schedule", lambda *a: None, "None"),
    ("strength_schedule", lambda *a: [0.1] * 5, "strength 5 of 5"),
    ("strength_schedule", lambda *a: 0.1, "one number"),
    ("data_step", lambda *a: step(*a, turn=lambda t: t), "conjugate"),
    ("data_step", lambda *a: step(*a, pull=20.0), "full weight"),
    ("data_step", lambda *a: step(*a, pull=0.0), "Wiener filter"),
    ("data_step", from_the_corner, "corner"),
    ("data_step", lambda y, k, z, p: step(y, k, z, 1 / p), "weighs the photograph"),
    ("data_step", lambda *a: step(*a)[..., :-1], "s=blurred.shape"),
    ("data_step", lambda *a: None, "None"),
    ("data_step", lambda *a: step(*a) + 0.1, "at row"),
    ("separable_filter", lambda *a: factors(*a, power=0), "missing"),
    ("separable_filter", lambda *a: factors(*a, power=2), "both factors"),
    ("separable_filter", lambda *a: factors(*a, turned=True), "wrong side"),
    ("separable_filter", lambda *a: factors(*a, keep=slice(-3, None)), "smallest"),
    ("separable_filter", lambda *a: factors(*a)[::-1], "have shape"),
    ("separable_filter", lambda inverse, rank: inverse, "two tensors"),
    ("separable_filter", lambda *a: None, "None"),
    ("separable_filter", lambda i, r: (i[:, :r], i[:r]), "closer"),
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
