"""The exercises of the chapter on camera shake."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from deblurlib.blur import trajectory
from deblurlib.blur.camera_shake import REFERENCE_STEPS
from deblurlib.blur.kernels import splat
from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

CLOSE = 1e-5
"""Two values this near, relative to the larger, are equal: another order of summation, not another idea."""


def _near(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool(((a.double() - b.double()).abs() <= CLOSE * b.double().abs().max()).all())


def _which(mine: Tensor, mistakes: Iterable[tuple[Tensor, str]]) -> str | None:
    return next((why for wrong, why in mistakes if _near(mine, wrong)), None)


@exercise("step_factors")
def _step_factors(answer: Any) -> str | None:
    names = ("trembling", "spring", "jerks")
    for steps in (500, 128):
        m = REFERENCE_STEPS / steps
        result = answer(steps)
        try:
            mine = [float(v) for v in result]
        except (TypeError, ValueError):
            return f"your answer is {result!r}, expected three numbers: trembling, spring, jerks."
        if len(mine) != 3:
            return f"your answer has {len(mine)} numbers, expected three: trembling, spring, jerks."
        true = (math.sqrt(m), m, m)
        if all(math.isclose(a, b, rel_tol=1e-6) for a, b in zip(mine, true, strict=True)):
            continue
        if all(math.isclose(a, 1 / b, rel_tol=1e-6) for a, b in zip(mine, true, strict=True)):
            return f"for {steps} steps yours are all upside down: fewer steps are longer ones, so each has to do more."
        i = next(i for i in range(3) if not math.isclose(mine[i], true[i], rel_tol=1e-6))
        said = f"for {steps} steps your factor for the {names[i]} is {mine[i]:.4g}, expected {true[i]:.4g}"
        if i == 0 and math.isclose(mine[0], m, rel_tol=1e-6):
            return f"{said}: random pushes do not add up, their variances do; the deviation grows with the root."
        if i > 0 and math.isclose(mine[i], math.sqrt(m), rel_tol=1e-6):
            return f"{said}: only what is random in sign grows with the root; this adds up step by step."
        if math.isclose(mine[i], 1, rel_tol=1e-6):
            return f"{said}: one step now stands for {m:g} of the old ones."
        return f"{said}."
    return None


@exercise("exposures")
def _exposures(answer: Any) -> str | None:
    path = trajectory(1, length=16.0, steps=200, generator=seed(21))[0].double() + 3.0
    fractions, size = (0.1, 0.4, 1.0), 25
    parts = [path[: round(f * len(path))] for f in fractions]
    expected = torch.cat([_develop(p - p.mean(0), size) for p in parts])
    mine = answer(path.clone(), fractions, size)
    if not isinstance(mine, Tensor):
        return f"your answer is of type {type(mine).__name__}, expected a tensor."
    if mine.shape != expected.shape:
        return f"your answer has shape {tuple(mine.shape)}, expected {tuple(expected.shape)}: one kernel a fraction."
    if _near(mine, expected):
        return None
    sums = [round(float(k.sum()), 3) for k in mine]
    shares = torch.tensor(fractions, dtype=torch.float64).reshape(-1, 1, 1, 1)
    low = [0, *(len(p) for p in parts[:-1])]
    box = (path.amin(0) + path.amax(0)) / 2
    mistakes = (
        (expected * shares, f"your kernels sum to {sums}: divide by the instants exposed, not by those of the path"),
        (expected * len(path) * shares, f"your kernels sum to {sums}: share out one unit of light among the instants"),
        (expected / expected.amax((-2, -1), True), f"your peaks are 1 and your sums {sums}; it is the sum that is 1"),
        (
            torch.cat([_develop(p - path.mean(0), size) for p in parts]),
            "you centred the whole path; a short exposure has seen its beginning alone, and has its own centroid",
        ),
        (
            torch.cat([_develop(p - box, size) for p in parts]),
            "you centred the box of the whole path, as the original does; centre what was exposed, by its mean",
        ),
        (
            torch.cat([_develop(p - (p.amin(0) + p.amax(0)) / 2, size) for p in parts]),
            "you centred each box, which ignores where the hand lingered; subtract the mean of the exposed part",
        ),
        (torch.cat([_develop(p - path[0], size) for p in parts]), "you centred the start of the path"),
        (
            torch.cat([_develop((p - p.mean(0)).round(), size) for p in parts]),
            "you rounded to whole pixels; share each instant's light among the four nearest",
        ),
        (
            torch.cat([_develop(p[a:] - p[a:].mean(0), size) for p, a in zip(parts, low, strict=True)]),
            "each of yours begins where the one before ended; every exposure begins when the shutter opens",
        ),
        (expected.transpose(-1, -2), "your rows and columns have changed places"),
    )
    if why := _which(mine, mistakes):
        return f"{why}."
    worst = int((mine.double() - expected).abs().flatten(1).amax(1).argmax())
    return f"your kernel for {fractions[worst]:g} of the path differs by {float((mine - expected).abs().max()):.2g}."


def _develop(points: Tensor, size: int) -> Tensor:
    return splat(points[None], size)


@exercise("displacement_cost")
def _displacement_cost(answer: Any) -> str | None:
    x = torch.rand(1, 3, 8, 12, generator=seed(22), dtype=torch.float64)
    true = torch.tensor(
        [[float((x.roll((r, c), dims=(-2, -1)) - x).square().mean()) for c in range(12)] for r in range(8)],
        dtype=torch.float64,
    )
    mine = answer(x.clone())
    if not isinstance(mine, Tensor):
        return f"your answer is of type {type(mine).__name__}, expected a tensor."
    mine = mine.squeeze()
    if mine.is_complex():
        return f"your answer is complex ({mine.dtype}); errors are real, so end with irfft2."
    if mine.shape == (3, *true.shape):
        return "your answer has three channels; the mean squared error is one number for all of them: take their mean."
    if mine.shape != true.shape:
        return f"your answer has shape {tuple(mine.shape)}, expected (8, 12), one number for each displacement."
    if bool(((mine.double() - true).abs() <= 1e-5 * true.max()).all()):
        return None
    agreement = float(x.square().mean()) - true / 2
    said = f"at (0, 1) your answer is {float(mine[0, 1]):.4g}, expected {float(true[0, 1]):.4g}"
    mistakes = (
        (true / 2, "the factor 2 is missing: a squared difference is two squares less twice the product"),
        (agreement, "this is the agreement R itself; the error is 2 (R(0) - R(d))"),
        (true * x[0, 0].numel(), "this is a sum over the pixels; a mean is asked for"),
        (true * x.numel(), "this is a sum over the pixels and channels; a mean is asked for"),
        (true * 3, "you added the channels up; take their mean"),
        (true.sqrt(), "this is the root of the mean squared error"),
        (-true, "the sign is turned: R is largest where nothing is displaced"),
        (torch.fft.fftshift(true), "zero displacement lies in the middle of yours; leave it at [0, 0]"),
    )
    why = _which(mine, mistakes)
    return f"{said}: {why}." if why else f"{said}."
