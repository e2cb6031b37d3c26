"""The checkers of the chapter on architectures: the solution passes, and each wrong answer draws its own message."""

import math

import pytest
import torch
from torch.nn import functional as F

from deblurlib.exercises import check


def any_size(network, x, multiple, *, mode="reflect", cut=True, from_top=False, above=False, extra=0, resize=False):
    height, width = x.shape[-2:]
    bottom, right = -height % multiple + extra, -width % multiple + extra
    if resize:
        y = network(F.interpolate(x, size=(height + bottom, width + right), mode="bilinear"))
        return F.interpolate(y, size=(height, width), mode="bilinear")
    y = network(F.pad(x, (right, 0, bottom, 0) if above else (0, right, 0, bottom), mode=mode))
    if from_top:
        return y[..., bottom:, right:]
    return y[..., :height, :width] if cut else y


RIGHT = {
    "layers_to_see": lambda reach, n: max(0, math.ceil((reach - 2**n) / 2 ** (n + 1))),
    "operations": lambda a, b, k, s, h, w: 2 * k * k * a * b * (h // s) * (w // s),
    "any_size": any_size,
    "brightness_error": lambda f, x, a: (f(a * x) / a - f(x)).abs().mean().item(),
}

WRONG = [
    ("layers_to_see", lambda r, n: None, "does the function return"),
    ("layers_to_see", lambda r, n: str(r), "of type str"),
    ("layers_to_see", lambda r, n: math.ceil((r - 1) / 2), "left out the halvings"),
    ("layers_to_see", lambda r, n: max(0, math.ceil((r - 2**n) / 2**n)), "either"),
    ("layers_to_see", lambda r, n: math.ceil((r - 1) / 2 ** (n + 1)), "2^n pixels themselves"),
    ("layers_to_see", lambda r, n: math.ceil(r / 2 ** (n + 1)), "not be added again"),
    ("layers_to_see", lambda r, n: max(0, (r - 2**n) // 2 ** (n + 1)), "rounded down"),
    ("layers_to_see", lambda r, n: 99, "expected"),
    ("operations", lambda a, b, k, s, h, w: torch.zeros(1), "of type Tensor"),
    ("operations", lambda a, b, k, s, h, w: k * k * a * b * (h // s) * (w // s), "multiply-adds"),
    ("operations", lambda a, b, k, s, h, w: 2 * k * k * a * b * h * w, "places of the input"),
    ("operations", lambda a, b, k, s, h, w: 2 * k * k * a * b * (h * w // s), "divides the places twice"),
    ("operations", lambda a, b, k, s, h, w: 2 * k * a * b * (h // s) * (w // s), "k² weights"),
    ("operations", lambda a, b, k, s, h, w: 2 * k * k * b * (h // s) * (w // s), "all input channels"),
    ("operations", lambda a, b, k, s, h, w: 2 * k * k * a * (h // s) * (w // s), "a kernel of its own"),
    ("operations", lambda a, b, k, s, h, w: k * k * a * b + b, "these are the parameters"),
    ("operations", lambda a, b, k, s, h, w: -1, "expected"),
    ("any_size", lambda f, x, m: None, "of type NoneType"),
    ("any_size", lambda f, x, m: x, "never called"),
    ("any_size", lambda f, x, m: f(x), "raised ValueError"),
    ("any_size", lambda *a: any_size(*a, cut=False), "cut away what was added"),
    ("any_size", lambda *a: any_size(*a, extra=8), "no more than needed"),
    ("any_size", lambda *a: any_size(*a, mode="constant"), "padded with black"),
    ("any_size", lambda *a: any_size(*a, mode="replicate"), "repeated the last pixels"),
    ("any_size", lambda *a: any_size(*a, from_top=True), "cut above"),
    ("any_size", lambda *a: any_size(*a, above=True, from_top=True), "you padded above"),
    ("any_size", lambda *a: any_size(*a, resize=True), "which blurs it"),
    ("any_size", lambda *a: any_size(*a) + 1, "off"),
    ("brightness_error", lambda f, x, a: None, "does the function return"),
    ("brightness_error", lambda f, x, a: (f(a * x) - f(x)).abs().mean(), "bring the dark one back"),
    ("brightness_error", lambda f, x, a: (f(a * x) / a - x).abs().mean(), "compared with x"),
    ("brightness_error", lambda f, x, a: (f(a * x) * a - f(x)).abs().mean(), "divide by it"),
    ("brightness_error", lambda f, x, a: (f(a * x) - a * f(x)).abs().mean(), "brightness of the dark one"),
    ("brightness_error", lambda f, x, a: (f(a * x) / a - f(x)).mean(), "both signs cancel"),
    ("brightness_error", lambda f, x, a: (f(a * x) / a - f(x)).square().mean(), "averaged squares"),
    ("brightness_error", lambda f, x, a: 1.0, "expected"),
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
