"""The checkers of the chapter on priors: the solution passes, and each wrong answer draws its own message."""

import pytest
import torch

from deblurlib.blur import transfer_function
from deblurlib.deconvolution.splitting import differences, differences_adjoint, gradient_power
from deblurlib.exercises import check


def soft(v, threshold):
    return v.sign() * (v.abs() - threshold).clamp_min(0)


def l0(v, measure, threshold):
    return torch.where(measure > threshold, v, 0)


def joint(v):
    return v.square().sum(dim=(0, 2), keepdim=True)


def division(y, kernel, w, penalty, *, up=1.0, down=1.0, sign=1.0, plain=False, flat=False, turned=False):
    shape = y.shape[-2:]
    transfer = transfer_function(kernel, shape)
    pulled = differences(w[0])[0] + differences(w[1])[1] if plain else sign * differences_adjoint(w)
    gain = 1 if flat else gradient_power(shape, y)
    data = (transfer if turned else transfer.conj()) * torch.fft.rfft2(y)
    spectrum = data + up * penalty * torch.fft.rfft2(pulled)
    return torch.fft.irfft2(spectrum / (transfer.abs().square() + down * penalty * gain), s=shape)


RIGHT = {
    "soft_threshold": lambda v, weight, penalty: soft(v, weight / (2 * penalty)),
    "l0_step": lambda v, weight, penalty: l0(v, joint(v), weight / penalty),
    "division_step": division,
}

WRONG = [
    ("soft_threshold", lambda v, a, b: None, "does the function return"),
    ("soft_threshold", lambda v, a, b: 0.0, "of type float"),
    ("soft_threshold", lambda v, a, b: v[:2], "shape"),
    ("soft_threshold", lambda v, a, b: v / 0, "NaN or infinite"),
    ("soft_threshold", lambda v, a, b: soft(v, a / b), "derivative 2 penalty"),
    ("soft_threshold", lambda v, a, b: soft(v, a), "weight alone"),
    ("soft_threshold", lambda v, a, b: l0(v, v.abs(), a / (2 * b)), "hard threshold"),
    ("soft_threshold", lambda v, a, b: v.sign() * (v.abs() - a / (2 * b)), "changed its sign"),
    ("soft_threshold", lambda v, a, b: (v - a / (2 * b)).clamp_min(0), "negative differences"),
    ("soft_threshold", lambda v, a, b: v / (1 + a / b), "in proportion"),
    ("soft_threshold", lambda v, a, b: v + 1, "expected"),
    ("l0_step", lambda v, a, b: l0(v, v.square(), a / b), "every number alone"),
    ("l0_step", lambda v, a, b: l0(v, v.square().sum(0, keepdim=True), a / b), "each channel alone"),
    ("l0_step", lambda v, a, b: l0(v, v.square().sum(2, keepdim=True), a / b), "each direction alone"),
    ("l0_step", lambda v, a, b: l0(v, joint(v).sqrt(), a / b), "compare the length"),
    ("l0_step", lambda v, a, b: l0(v, joint(v), a / (2 * b)), "not slopes"),
    ("l0_step", lambda v, a, b: l0(v, joint(v), b / a), "upside down"),
    ("l0_step", lambda v, a, b: v - l0(v, joint(v), a / b), "kept the small"),
    ("division_step", lambda y, k, w, p: torch.fft.rfft2(y), "complex"),
    ("division_step", lambda *a: division(*a, plain=True), "its adjoint"),
    ("division_step", lambda *a: division(*a, sign=-1.0), "wrong sign"),
    ("division_step", lambda *a: division(*a, up=2.5), "in the numerator"),
    ("division_step", lambda *a: division(*a, down=2.5), "in the denominator"),
    ("division_step", lambda *a: division(*a, flat=True), "not of x"),
    ("division_step", lambda *a: division(*a, turned=True), "its conjugate"),
    ("division_step", lambda *a: division(*a, up=0.0), "Tikhonov"),
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
