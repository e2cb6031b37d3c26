"""The exercises of the chapter 'The dark channel'."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.exercises.check import exercise
from deblurlib.exercises.known_kernel import FORGOTTEN, _close, _matches, _no_picture, _scene, _worst
from deblurlib.profile import seed


def _darkest(x: Tensor, window: int) -> Tensor:
    low: Tensor = F.max_pool2d(-x.amin(dim=1, keepdim=True), window, stride=1, padding=window // 2)
    return -low


def _grain(*shape: int) -> Tensor:
    return (_scene(*shape) + 0.1 * torch.rand(*shape, generator=seed(4)).double()).clamp(0, 1)


@exercise("black_or_not")
def _black_or_not(answer: Any) -> str | None:
    d, weight, penalty = torch.tensor([0.02, 0.15, 0.24, 0.26, 0.6, -0.1, -0.5]).double(), 0.02, 0.32
    limit = weight / penalty  # 0.0625 = 0.25²
    zero = torch.zeros_like(d)
    expected = torch.where(d.square() > limit, d, zero)
    given = answer(d.clone(), weight, penalty)
    if given is None:
        return FORGOTTEN
    if not isinstance(given, Tensor) or given.shape != d.shape:
        shape = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        return f"your answer is {shape}, expected a tensor of shape {tuple(d.shape)}."
    if _close(given, expected):
        return None
    known = [
        (torch.where(d.square() > limit, zero, d), "the two cases are swapped: dark becomes black, bright stays."),
        (torch.where(d > limit, d, zero), "you compared d with weight / penalty; it is its *square* that costs."),
        (
            torch.where(d > limit**0.5, d, zero),
            "negative numbers can stay, too: the cost of becoming zero is a square.",
        ),
        (torch.where(d.square() > penalty / weight, d, zero), "weight and penalty are swapped."),
        (torch.where(d.square() > 2 * limit, d, zero), "there is no half in this cost, so there is no 2 in the limit."),
        (
            d.sign() * (d.abs() - limit**0.5).clamp(min=0),
            "you shrank what stays: a count does not care how large it is.",
        ),
        (d, "nothing became black."),
    ]
    place = int((given.double() - expected).abs().argmax())
    reason = next((text for value, text in known if _close(given, value)), "compare the two costs once more.")
    return f"{float(d[place]):.2f} became {float(given[place]):.2f}, expected {float(expected[place]):.2f}: {reason}"


@exercise("darkest_in_sight")
def _darkest_in_sight(answer: Any) -> str | None:
    x, window = _grain(2, 3, 22, 27), 5
    expected = _darkest(x, window)
    given = answer(x.clone(), window)
    if isinstance(given, Tensor) and given.shape == x.shape:
        return f"your answer has {x.shape[1]} channels, expected 1: the darkest of *all* colours counts."
    if isinstance(given, Tensor) and tuple(given.shape) == (2, 1, 18, 23):
        return "your answer has 18 rows and 23 columns, expected 22 and 27: at the frame a window is cut, not left out."
    if complaint := _no_picture(given, expected):
        return complaint
    if _close(given, expected):
        return None
    black = -F.max_pool2d(F.pad(-x.amin(dim=1, keepdim=True), (2,) * 4), window, stride=1)
    mistakes = {
        "the frame is black: what you padded with, zero, won every minimum.": black,
        "you took the mean of the colours before the minimum.": _darkest(x.mean(dim=1, keepdim=True), window),
        "you looked at the first colour only.": _darkest(x[:, :1], window),
        "you took the brightest, not the darkest.": -_darkest(-x, window),
        f"your windows have {2 * window + 1} pixels a side; `window` is the side, not the reach.": _darkest(
            x, 2 * window + 1
        ),
        "you took the darkest colour of each pixel and did not look around.": x.amin(dim=1, keepdim=True),
    }
    return _matches(given, mistakes) or _worst(given, expected)


@exercise("dark_floor")
def _dark_floor(answer: Any) -> str | None:
    x, window, size = _grain(1, 3, 40, 44), 5, 7
    expected = _darkest(x, window + size - 1)
    given = answer(x.clone(), window, size)
    if complaint := _no_picture(given, expected):
        return complaint
    if _close(given, expected):
        return None
    for side, why in (
        (window, "the kernel brings in light from outside the window, too."),
        (size, "this is where the light of one pixel comes from; the window has more than one."),
        (window + size, "two sides share a pixel: for 3 and 3 the answer is 5."),
        (window + size + 1, "two sides share a pixel: for 3 and 3 the answer is 5."),
        (window + size // 2, "the kernel reaches out on *both* sides of the window."),
        (window + 2 * size, "the kernel reaches half its size in each direction."),
        (window + 2 * (size - 1), "the kernel reaches half its size in each direction."),
    ):
        if side % 2 and _close(given, _darkest(x, side)):
            return f"your window is {side} pixels wide, expected {window + size - 1}: {why}"
    above = float((given.double() - expected).max())
    if above > 0:
        return (
            f"at some pixel your bound is {above:.3f} above what a kernel can reach: it is no lower bound. "
            + _worst(given, expected)
        )
    return _worst(given, expected)
