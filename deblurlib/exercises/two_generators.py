"""The exercises of the chapter 'Encoder–decoder against ResBlock'."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from deblurlib.exercises.check import exercise
from deblurlib.profile import seed


def _number(given: object) -> str | None:
    if given is None:
        return "your answer is None: does the function return its result?"
    if isinstance(given, bool) or not isinstance(given, int | float):
        return f"your answer is of type {type(given).__name__}, expected a number."
    return None


def _count(given: Any, expected: int, mistakes: Sequence[tuple[float, str]], what: str) -> str | None:
    """None for the right number; else the message of the first known mistake."""
    if complaint := _number(given):
        return complaint
    if given == expected:
        return None
    start = f"{what} your answer is {given}, expected {expected}"
    return next((f"{start}: {reason}" for wrong, reason in mistakes if given == wrong), f"{start}.")


@exercise("layers_to_see")
def _layers_to_see(answer: Any) -> str | None:
    for reach, halvings in ((40, 2), (17, 0), (31, 3), (100, 1), (4, 3)):
        step = 2**halvings
        missing = reach - step
        mistakes = [
            (math.ceil((reach - 1) / 2), "you left out the halvings: at the bottom one step is worth several pixels."),
            (math.ceil(missing / step), "a 3×3 layer looks one step to *either* side, and adds two."),
            (math.ceil(missing / (4 * halvings)) if halvings else -1, "n halvings are worth 2^n pixels, not 2 n."),
            (math.ceil((reach - 1) / (2 * step)), "the halvings see 2^n pixels themselves, not one."),
            (
                math.ceil(reach / (2 * step)),
                "the field starts with what the halvings see, and need not be added again.",
            ),
            (max(0, missing // (2 * step)), "you rounded down: the last pixels are not seen."),
        ]
        expected = math.ceil(missing / (2 * step))  # from -1/2 up: never negative
        told = _count(answer(reach, halvings), expected, mistakes, f"for {reach} pixels and {halvings} halvings")
        if told:
            return told
    return None


@exercise("operations")
def _operations(answer: Any) -> str | None:
    for inside, outside, kernel, stride, height, width in ((4, 16, 3, 1, 20, 30), (8, 24, 5, 2, 12, 40)):
        places = (height // stride) * (width // stride)
        expected = 2 * kernel**2 * inside * outside * places
        mistakes = [
            (expected // 2, "you counted multiply-adds; each is a multiplication and an addition."),
            (
                2 * kernel**2 * inside * outside * height * width,
                "you counted the places of the input; the stride skips most of them.",
            ),
            (
                2 * kernel**2 * inside * outside * (height * width // stride),
                "a stride leaves out rows and columns: it divides the places twice.",
            ),
            (2 * kernel * inside * outside * places, "a kernel has k² weights, not k."),
            (2 * kernel**2 * outside * places, "every output channel looks at all input channels."),
            (2 * kernel**2 * inside * places, "every output channel has a kernel of its own."),
            (kernel**2 * inside * outside + outside, "these are the parameters; they work at every place."),
        ]
        what = f"for {inside} to {outside} channels, kernel {kernel}, stride {stride}, {height}x{width} pixels"
        told = _count(answer(inside, outside, kernel, stride, height, width), expected, mistakes, what)
        if told:
            return told
    return None


@exercise("any_size")
def _any_size(answer: Any) -> str | None:
    multiple = 8
    sides: list[tuple[int, int]] = []

    def network(x: Tensor) -> Tensor:
        height, width = x.shape[-2:]
        sides.append((height, width))
        if height % multiple or width % multiple:
            raise ValueError(f"the network was given {height}x{width} pixels; {multiple} divides not both sides.")
        return F.avg_pool2d(F.pad(x, (2, 2, 2, 2), mode="replicate"), 5, stride=1) + 0.1 * x

    for height, width in ((21, 30), (16, 24)):
        x = torch.rand(2, 3, height, width, generator=seed(height))
        bottom, right = -height % multiple, -width % multiple
        sides.clear()
        given = answer(network, x.clone(), multiple)
        if not isinstance(given, Tensor):
            return f"your answer is of type {type(given).__name__}, expected a tensor."
        if not sides:
            return "the network was never called."
        seen = sides[-1]
        if given.shape != x.shape:
            size, expected = "x".join(map(str, given.shape[-2:])), f"{height}x{width}"
            return f"your answer has {size} pixels, expected {expected}: cut away what was added."
        if seen != (height + bottom, width + right):
            return (
                f"the network was given {seen[0]}x{seen[1]} pixels, expected {height + bottom}x{width + right}: "
                "no more than needed, and nothing where a side divides already."
            )
        right_answer = network(F.pad(x, (0, right, 0, bottom), mode="reflect"))[..., :height, :width]
        if bool(torch.allclose(given, right_answer, atol=1e-6)):
            continue
        error = float((given - right_answer).abs().max())
        start = f"somewhere your answer is {error:.3f} off"
        for wrong, reason in _ways(network, x, bottom, right):
            if bool(torch.allclose(given, wrong, atol=1e-5)):
                return f"{start}: {reason}"
        return f"{start}."
    return None


def _ways(network: Callable[[Tensor], Tensor], x: Tensor, bottom: int, right: int) -> list[tuple[Tensor, str]]:
    """What usual mistakes give, each with the idea behind it."""
    height, width = x.shape[-2:]

    def padded(mode: str) -> Tensor:
        return network(F.pad(x, (0, right, 0, bottom), mode=mode))

    size = (height + bottom, width + right)
    resized = network(F.interpolate(x, size=size, mode="bilinear", align_corners=False))
    above = network(F.pad(x, (right, 0, bottom, 0), mode="reflect"))
    return [
        (padded("constant")[..., :height, :width], "you padded with black, an edge that is in no photograph."),
        (padded("replicate")[..., :height, :width], "you repeated the last pixels; a mirror goes on with the texture."),
        (
            padded("reflect")[..., bottom:, right:],
            "you cut above and on the left what was added below and on the right.",
        ),
        (above[..., bottom:, right:], "you padded above and on the left; expected below and on the right."),
        (
            F.interpolate(resized, size=(height, width), mode="bilinear", align_corners=False),
            "you resized the photograph, which blurs it; pad, and cut.",
        ),
    ]


@exercise("brightness_error")
def _brightness_error(answer: Any) -> str | None:
    x, factor = torch.rand(1, 3, 12, 16, generator=seed(2)), 0.5

    def network(image: Tensor) -> Tensor:
        return image + 0.3 * (9 * image).sin()  # unfaithful, now brighter, now darker

    given = answer(network, x.clone(), factor)
    if isinstance(given, Tensor) and given.numel() == 1:
        given = float(given)
    if complaint := _number(given):
        return complaint
    whole, dark = network(x), network(factor * x)
    gap = dark / factor - whole
    expected = float(gap.abs().mean())
    if abs(given - expected) < 1e-6:
        return None
    start = f"your answer is {given:.4f}, expected {expected:.4f}"
    mistakes = [
        (float((dark - whole).abs().mean()), "you forgot to bring the dark one back to the brightness of x."),
        (float((dark / factor - x).abs().mean()), "you compared with x; a restoration is not its input."),
        (float((dark * factor - whole).abs().mean()), "you multiplied by the factor again; divide by it."),
        (float((dark - factor * whole).abs().mean()), "you compared at the brightness of the dark one, not of x."),
        (float(gap.mean()), "differences of both signs cancel: take the absolute value before the mean."),
        (float(gap.square().mean()), "you averaged squares; asked for is the absolute difference."),
    ]
    return next((f"{start}: {reason}" for wrong, reason in mistakes if abs(given - wrong) < 1e-6), f"{start}.")
