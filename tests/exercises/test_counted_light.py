"""The checkers of the chapter on Richardson–Lucy: the solution passes, and each wrong answer draws its own message."""

import pytest
import torch

from deblurlib.blur import Blur, transfer_function
from deblurlib.exercises import check


def step(x, y, kernel, *, seen=True, times=False, turned=False, upside=False, mode="ratio"):
    blur = Blur(kernel, "valid")
    back = Blur(kernel.flip(-2, -1), "valid") if turned else blur
    predicted = blur(x)
    sent = {"ratio": y / predicted, "difference": y - predicted}[mode]
    factor = back.adjoint(1 / sent if upside else sent)
    part = back.adjoint(torch.ones_like(y))
    return x * (factor / part if seen else factor * part if times else factor)


def noise(kernel, shape, steps, *, start=True, power=2, half=False, corner=False, root=0.5, sizes=False):
    full = torch.fft.fft2(torch.fft.irfft2(transfer_function(kernel, shape), s=shape))
    full = torch.fft.fft2(kernel, s=shape) if corner else full
    full = transfer_function(kernel, shape) if half else full
    left = (1 - full.abs() ** power) ** steps * ((1 - full) if start else 1)
    f = ((1 - left) / full).abs()
    return f.mean().item() if sizes else f.square().mean().item() ** root


def full_ratio(y, predicted):
    ratio = y / predicted
    return torch.where(y >= 1, ratio.clamp(min=1), ratio)


RIGHT = {"half_seen_step": step, "noise_after": noise, "full_ratio": full_ratio}

WRONG = [
    ("half_seen_step", lambda x, y, k: None, "does the function return"),
    ("half_seen_step", lambda x, y, k: 1.0, "of type float"),
    ("half_seen_step", lambda x, y, k: step(x, y, k)[..., 1:-1, 2:-2], "shape"),
    ("half_seen_step", lambda x, y, k: x / 0, "NaN or infinite"),
    ("half_seen_step", lambda x, y, k: step(x, y, k, seen=False), "saw only in part"),
    ("half_seen_step", lambda x, y, k: step(x, y, k, seen=False, times=True), "count double"),
    ("half_seen_step", lambda x, y, k: step(x, y, k, turned=True), "use the adjoint"),
    ("half_seen_step", lambda x, y, k: step(x, y, k, upside=True), "upside down"),
    ("half_seen_step", lambda x, y, k: step(x, y, k, mode="difference"), "sent differences"),
    ("half_seen_step", lambda x, y, k: x + step(x, y, k) / x, "added the factor"),
    ("half_seen_step", lambda x, y, k: step(x, y, k) / x, "factor alone"),
    ("half_seen_step", lambda x, y, k: x, "expected"),
    ("noise_after", lambda k, s, t: None, "does the function return"),
    ("noise_after", lambda k, s, t: k, "one number"),
    ("noise_after", lambda k, s, t: noise(k, s, t, sizes=True), "average the squares"),
    ("noise_after", lambda k, s, t: noise(k, s, t, root=1.0), "take the root"),
    ("noise_after", lambda k, s, t: noise(k, s, t, start=False), "begin with flat grey"),
    ("noise_after", lambda k, s, t: noise(k, s, t, power=1), "passes the kernel twice"),
    ("noise_after", lambda k, s, t: noise(k, s, t - 1), "one step behind"),
    ("noise_after", lambda k, s, t: noise(k, s, t + 1), "one step ahead"),
    ("noise_after", lambda k, s, t: noise(k, s, 10**9), "for ever"),
    ("noise_after", lambda k, s, t: noise(k, s, t, half=True), "use fft2"),
    ("noise_after", lambda k, s, t: noise(k, s, t, corner=True), "corner lies at the origin"),
    ("noise_after", lambda k, s, t: 1.0, "expected"),
    ("full_ratio", lambda y, m: y / m, "at their word"),
    ("full_ratio", lambda y, m: torch.where(y >= 1, 1, y / m), "left the full pixels out"),
    ("full_ratio", lambda y, m: (y / m).clamp(min=1), "let them say so"),
    ("full_ratio", lambda y, m: torch.where(y >= 1, (y / m).clamp(max=1), y / m), "other way round"),
    ("full_ratio", lambda y, m: torch.where(y >= 1, 0, y / m), "asks for darkness"),
    ("full_ratio", lambda y, m: y, "expected"),
]


@pytest.mark.parametrize("name", RIGHT)
def test_the_solution_passes(name):
    assert check(name, RIGHT[name]).passed


@pytest.mark.parametrize("name", RIGHT)
def test_a_blank_is_no_mistake(name):
    def blank(*_):
        raise NotImplementedError("your turn")

    assert check(name, blank).passed is None


@pytest.mark.parametrize(("name", "answer", "message"), WRONG)
def test_each_mistake_has_its_message(name, answer, message):
    result = check(name, answer)
    assert result.passed is False and message in result.message, result.message
