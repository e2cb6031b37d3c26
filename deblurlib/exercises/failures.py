"""The exercises of the chapter 'An atlas of failures'."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from deblurlib.blur import Blur, add_noise, gaussian
from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

CLOSE = 1e-4
"""Two values this near, relatively, are equal: another order of the same operations, not another idea."""


def _no_number(given: object) -> str | None:
    """What is wrong with the form of an answer that should be one number."""
    if given is None:
        return "your answer is None: does the function return its result?"
    if isinstance(given, Tensor) and given.numel() != 1:
        return f"your answer is a tensor of shape {tuple(given.shape)}, expected one number."
    if not isinstance(given, (int, float, Tensor)):
        return f"your answer is of type {type(given).__name__}, expected a number."
    return None


def _judge(given: Any, right: float, known: Iterable[tuple[float, str]], otherwise: str) -> str | None:
    if complaint := _no_number(given):
        return complaint
    mine = float(given)
    if math.isclose(mine, right, rel_tol=CLOSE, abs_tol=1e-9):
        return None
    reason = next((text for value, text in known if math.isclose(mine, value, rel_tol=CLOSE, abs_tol=1e-9)), otherwise)
    return f"your answer is {mine:.4g}, expected {right:.4g}: {reason}"


@exercise("blurred_again")
def _blurred_again(answer: Any) -> str | None:
    kernel = torch.rand(1, 1, 5, 7, generator=seed(6)).double() * torch.linspace(0.1, 1, 7)
    kernel, noise = kernel / kernel.sum(), 0.02
    x = Blur(gaussian(5, 0.7).double(), "reflect")(torch.rand(1, 1, 40, 44, generator=seed(7)).double())
    y = add_noise(Blur(kernel, "reflect")(x), noise, generator=seed(8))
    y[..., :2, :] = 0.9  # what came in from outside
    x = x + 0.05 * torch.randn(x.shape, generator=seed(9)).double()
    rim = (..., slice(2, -2), slice(3, -3))

    def rms(t: Tensor) -> float:
        return float(t[rim].square().mean().sqrt())

    rest = Blur(kernel, "reflect")(x) - y
    turned = Blur(kernel.flip(-2, -1), "reflect")(x) - y
    whole = float(rest.square().mean().sqrt())
    known = [
        (rms(x - y) / noise, "you compared the restoration itself; blur it again first."),
        (rms(turned) / noise, "your kernel is turned: `conv2d` correlates, and blur is convolution."),
        (
            whole / noise,
            "the rim counts in yours, where nobody knows what came in from outside: leave half a kernel out.",
        ),
        (rms(rest) ** 2 / noise, "the root is missing."),
        (rms(rest), "this is in units of the range; divide by the noise."),
        (rms(rest) ** 2 / noise**2, "this is the ratio of the powers; its root is asked for."),
        (float(rest[rim].abs().mean()) / noise, "this is the mean of |k*x - y|; take the root of the mean square."),
        (abs(float(rest[rim].mean())) / noise, "differences of both signs cancelled; square them first."),
    ]
    given = answer(x.clone(), y.clone(), kernel.clone(), noise)
    return _judge(given, rms(rest) / noise, known, "blur again, subtract, leave the rim out, root mean square, divide.")


@exercise("period_two")
def _period_two(answer: Any) -> str | None:
    x = 0.4 + 0.1 * torch.rand(1, 1, 20, 30, generator=seed(3)).double()
    x[..., ::2, 1::2] += 0.06  # the mean with the signs is negative
    sign = torch.ones(20, 30).double()
    sign[1::2] *= -1
    rows = sign.clone()
    sign[:, 1::2] *= -1
    waves = {"both": sign, "rows": rows, "columns": sign * rows}
    size = {name: abs(float((x * wave).mean())) for name, wave in waves.items()}
    size_of_sum = abs(float((x * sign).sum()))
    known = [
        (-size["both"], "the sign only says which squares are the brighter ones; asked for is the magnitude."),
        (size["rows"], "your sign changes from row to row alone: these are stripes."),
        (size["columns"], "your sign changes from column to column alone: these are stripes."),
        (size_of_sum, "you took the sum; a larger picture would have a larger one."),
        (float((x * sign).abs().mean()), "the magnitude comes after the mean: inside it, this is the mean brightness."),
        (2 * size["both"], "this is the difference of white and black squares; half of it is the amplitude."),
    ]
    return _judge(
        answer(x.clone()), size["both"], known, "the mean of x with the signs of a chessboard, as a magnitude."
    )
