"""The exercises of the chapter 'Richardson–Lucy: light that is counted'."""

import math
from typing import Any

import torch
from torch import Tensor

from deblurlib.blur import Blur, transfer_function
from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

CLOSE = 1e-4
"""Two values this near are equal: another order of the same operations, not another idea."""


def _form(given: object, like: Tensor) -> str | None:
    """What is wrong with the form of an answer that should look like `like`."""
    if given is None:
        return "your answer is None: does the function return its result?"
    if not isinstance(given, Tensor):
        return f"your answer is of type {type(given).__name__}, expected a tensor."
    if given.shape != like.shape:
        return f"your answer has shape {tuple(given.shape)}, expected {tuple(like.shape)}."
    if not bool(torch.isfinite(given).all()):
        return f"{int((~torch.isfinite(given)).sum())} numbers of your answer are NaN or infinite."
    return None


def _judge(given: Any, expected: Tensor, mistakes: list[tuple[Tensor, str]]) -> str | None:
    """None for the right answer; else the message of the first known mistake, with the reader's worst number."""
    if complaint := _form(given, expected):
        return complaint
    error = (given.double() - expected).abs()
    if bool((error < CLOSE).all()):
        return None
    worst = int(error.argmax())
    values = float(given.flatten()[worst]), float(expected.flatten()[worst])
    start = f"at one pixel your answer is {values[0]:.4f}, expected {values[1]:.4f}"
    for wrong, reason in mistakes:
        if bool(((given.double() - wrong).abs() < CLOSE).all()):
            return f"{start}: {reason}"
    return f"{start}."


@exercise("half_seen_step")
def _half_seen_step(answer: Any) -> str | None:
    x = 0.2 + torch.rand(2, 3, 14, 16, generator=seed(1)).double()
    kernel = torch.rand(1, 1, 3, 5, generator=seed(2)).double() * torch.linspace(0.2, 1, 5).double()
    kernel = kernel / kernel.sum()
    y = 0.2 + torch.rand(2, 3, 12, 12, generator=seed(3)).double()
    blur, turned = Blur(kernel, "valid"), Blur(kernel.flip(-2, -1), "valid")
    seen, predicted = blur.adjoint(torch.ones_like(y)), blur(x)
    factor = blur.adjoint(y / predicted)
    expected = x * factor / seen
    mistakes = [
        (x * factor, "the light that the photograph saw only in part is missing: divide by what it saw of each pixel."),
        (x * factor * seen, "what was half seen has to count double, not half: divide by the part that was seen."),
        (
            x * turned.adjoint(y / predicted) / turned.adjoint(torch.ones_like(y)),
            "your factors do not go back to where the light came from: use the adjoint, not the blur.",
        ),
        (
            x * blur.adjoint(predicted / y) / seen,
            "your ratio is upside down: what was brighter than predicted has to become brighter.",
        ),
        (
            x * blur.adjoint(y - predicted) / seen,
            "you sent differences back; a picture that is multiplied needs ratios.",
        ),
        (x + factor / seen, "you have added the factor; each pixel is multiplied by it."),
        (factor / seen, "this is the factor alone: multiply the estimate by it."),
    ]
    return _judge(answer(x.clone(), y.clone(), kernel.clone()), expected, mistakes)


@exercise("noise_after")
def _noise_after(answer: Any) -> str | None:
    kernel = torch.rand(1, 1, 5, 5, generator=seed(4)).double() * torch.linspace(0.1, 1, 5).double()
    kernel, shape = kernel / kernel.sum(), (24, 31)
    half = transfer_function(kernel, shape)
    full = torch.fft.fft2(torch.fft.irfft2(half, s=shape))

    def response(steps: int, *, start: bool = True, power: float = 2.0, spectrum: Tensor = full) -> Tensor:
        """What t steps make of each wave, from the photograph or from flat grey."""
        left = (1 - spectrum.abs() ** power) ** steps * ((1 - spectrum) if start else 1)
        return (1 - left) / spectrum

    def gain(f: Tensor) -> float:
        return float(f.abs().square().mean().sqrt())

    for steps in (3, 40):
        given = answer(kernel.clone(), shape, steps)
        if given is None:
            return "your answer is None: does the function return its result?"
        if not isinstance(given, int | float | Tensor) or (isinstance(given, Tensor) and given.numel() != 1):
            return f"your answer is of type {type(given).__name__}, expected one number."
        value, right = float(given), gain(response(steps))
        if math.isclose(value, right, rel_tol=1e-3):
            continue
        begin = f"after {steps} steps your answer is {value:.4f}, expected {right:.4f}"
        mistakes = [
            (float(response(steps).abs().mean()), "you averaged sizes; powers add up: average the squares."),
            (right**2, "this is the factor of the variance; take the root."),
            (gain(response(steps, start=False)), "you begin with flat grey; the method begins with the photograph."),
            (gain(response(steps, power=1.0)), "a wave passes the kernel twice in a step: |K|², not |K|."),
            (gain(response(steps - 1)), "you are one step behind."),
            (gain(response(steps + 1)), "you are one step ahead."),
            (gain(1 / full), "this is the inverse filter's, where the steps lead after for ever."),
            (
                gain(response(steps, spectrum=half)),
                "rfft2 holds most waves for two; each frequency has to count once: use fft2.",
            ),
            (
                gain(response(steps, spectrum=torch.fft.fft2(kernel, s=shape))),
                "the kernel's corner lies at the origin; 1 - K needs its centre there.",
            ),
        ]
        for wrong, reason in mistakes:
            if math.isclose(value, wrong, rel_tol=1e-3):
                return f"{begin}: {reason}"
        return f"{begin}."
    return None


@exercise("full_ratio")
def _full_ratio(answer: Any) -> str | None:
    y = torch.tensor([0.2, 0.5, 0.9, 1.0, 1.0, 1.0]).double().reshape(1, 1, 2, 3)
    predicted = torch.tensor([0.1, 0.8, 0.9, 0.4, 1.0, 2.5]).double().reshape(1, 1, 2, 3)
    ratio, white = y / predicted, y >= 1
    expected = torch.where(white, ratio.clamp(min=1), ratio)
    mistakes = [
        (ratio, "you took the full pixels at their word; 1 there says 'at least 1'."),
        (
            torch.where(white, 1, ratio),
            "you left the full pixels out; where less than white is predicted they do have something to say.",
        ),
        (ratio.clamp(min=1), "pixels that are not full may be darker than predicted; let them say so."),
        (
            torch.where(white, ratio.clamp(max=1), ratio),
            "this is the other way round: full pixels may ask for more light, not for less.",
        ),
        (
            torch.where(white, 0, ratio),
            "a ratio of zero asks for darkness; whoever has no opinion says 1.",
        ),
    ]
    return _judge(answer(y.clone(), predicted.clone()), expected, mistakes)
