"""The exercises of the chapter on blur that varies across the picture."""

import math
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from deblurlib.blur import Blur, average_frames, from_linear, smooth_windows, to_linear
from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

CLOSE = 1e-4
"""Two values this near are equal: float32 in another order of summation, not another idea."""


def _no_image(y: object, expected: Tensor) -> str | None:
    if not isinstance(y, Tensor):
        return f"your answer is of type {type(y).__name__}, expected a tensor."
    if y.shape != expected.shape:
        return f"your answer has shape {tuple(y.shape)}, expected {tuple(expected.shape)}."
    return None


def _judge(y: Tensor, expected: Tensor, mistakes: Iterable[tuple[Tensor, str]]) -> str | None:
    if _close(y, expected):
        return None
    place = int((y.double() - expected.double()).abs().nan_to_num(torch.inf).argmax())
    said = f"a pixel of yours is {float(y.flatten()[place]):.4f}, expected {float(expected.flatten()[place]):.4f}"
    return next((f"{said}: {why}." for wrong, why in mistakes if _close(y, wrong)), f"{said}.")


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool(((a.double() - b.double()).abs() < CLOSE).all())


@exercise("average_light")
def _average_light(answer: Any) -> str | None:
    x = torch.rand(5, 3, 6, 8, generator=seed(31)) ** 2
    expected = average_frames(x)
    y = answer(x.clone())
    if isinstance(y, Tensor) and y.shape == expected.shape[1:]:
        return "your answer has lost its batch; keep it: mean(dim=0, keepdim=True)."
    if problem := _no_image(y, expected):
        return problem
    light = to_linear(x).mean(0, keepdim=True)
    mistakes = (
        (x.mean(0, keepdim=True), "this is the mean of file values; light adds, file values do not"),
        (light, "this is light, not a file: bend it back with from_linear"),
        (to_linear(x).sum(0, keepdim=True), "this is the sum of the light; an exposure of one frame's brightness is"
            " the mean"),
        (from_linear(x.mean(0, keepdim=True)), "you bent values that were bent already; straighten the frames first"),
        (to_linear(x.mean(0, keepdim=True)), "you straightened after the mean; the mean is of light"),
        (from_linear(x).mean(0, keepdim=True), "you bent the frames a second time; to_linear straightens them"),
        (average_frames(x, curve="gamma"), "this is the power 2.2, near the standard's curve but not equal to it"),
        (to_linear(from_linear(x).mean(0, keepdim=True)), "to_linear and from_linear have changed places"),
    )  # fmt: skip
    return _judge(y, expected, mistakes)


def _scene() -> tuple[Tensor, Tensor, Tensor]:
    """An image, three lopsided kernels, and three windows from left to right."""
    x = torch.rand(1, 2, 12, 18, generator=seed(32))
    k = torch.rand(3, 1, 5, 5, generator=seed(33)) * torch.linspace(0.1, 1, 5) * torch.linspace(1, 0.2, 5)[:, None]
    return x, k / k.sum((-2, -1), True), smooth_windows(18, 3)[:, None, None, None, :].expand(3, 1, 1, 12, 18)


def _blurs(k: Tensor) -> list[Blur]:
    return [Blur(one[None], "zero") for one in k]


@exercise("filter_flow")
def _filter_flow(answer: Any) -> str | None:
    x, k, w = _scene()
    parts = list(zip(_blurs(k), w, strict=True))
    expected = torch.stack([b(u * x) for b, u in parts]).sum(0)
    y = answer(x.clone(), k.clone(), w.clone())
    if problem := _no_image(y, expected):
        return problem
    mistakes = (
        (
            torch.stack([u * b(x) for b, u in parts]).sum(0),
            "you windowed the blurred pictures; a window says from which kernel a sharp pixel's light gets its shape",
        ),
        (torch.stack([b(x) for b, _ in parts]).sum(0), "you left the windows out, and added whole pictures up"),
        (torch.stack([b(u * x) for b, u in parts]).mean(0), "you took the mean; the windows sum to one already"),
        (
            torch.stack([b.adjoint(u * x) for b, u in parts]).sum(0),
            "yours correlates; blur is true convolution, Blur(kernel)(image)",
        ),
        (
            torch.stack([Blur(one[None])(u * x) for one, u in zip(k, w, strict=True)]).sum(0),
            "yours wraps round; the task asks for darkness beyond the frame, 'zero'",
        ),
        (torch.stack([u * b(u * x) for b, u in parts]).sum(0), "you windowed twice, before and after"),
    )
    return _judge(y, expected, mistakes)


@exercise("flow_adjoint")
def _flow_adjoint(answer: Any) -> str | None:
    y, k, w = _scene()
    parts = list(zip(_blurs(k), w, strict=True))
    expected = torch.stack([u * b.adjoint(y) for b, u in parts]).sum(0)
    x = answer(y.clone(), k.clone(), w.clone())
    if problem := _no_image(x, expected):
        return problem
    mistakes = (
        (torch.stack([b(u * y) for b, u in parts]).sum(0), "this is the blur itself, not its adjoint"),
        (
            torch.stack([b.adjoint(u * y) for b, u in parts]).sum(0),
            "the order is that of the blur; the adjoint of 'window, then blur' is 'adjoint of the blur, then window'",
        ),
        (torch.stack([u * b(y) for b, u in parts]).sum(0), "the order is right, and the kernels are not turned round"),
        (torch.stack([b.adjoint(y) for b, _ in parts]).sum(0), "you left the windows out"),
        (
            torch.stack([u * Blur(b.kernel).adjoint(y) for b, u in parts]).sum(0),
            "yours wraps round; the adjoint belongs to darkness beyond the frame, 'zero'",
        ),
        (torch.stack([u * b.adjoint(y) for b, u in parts]).mean(0), "you took the mean; an adjoint has no mean in it"),
    )
    return _judge(x, expected, mistakes)


@exercise("sensor_fit")
def _sensor_fit(answer: Any) -> str | None:
    photons, read = 400.0, 0.03
    means = torch.linspace(0.05, 0.95, 10, dtype=torch.float64)
    variances = means / photons + read**2
    result = answer(means.clone(), variances.clone())
    try:
        mine = [float(v) for v in result]
    except (TypeError, ValueError):
        return f"your answer is {result!r}, expected two numbers: photons, read."
    if len(mine) != 2:
        return f"your answer has {len(mine)} numbers, expected two: photons, read."
    if _same(mine[0], photons) and _same(mine[1], read):
        return None
    said = f"your answer is ({mine[0]:.4g}, {mine[1]:.4g}), expected ({photons:g}, {read:g})"
    through_zero = float((means @ means) / (means @ variances))
    cases = (
        (_same(mine[0], read) and _same(mine[1], photons), "the two have changed places"),
        (_same(mine[0], 1 / photons), "your first number is the slope; the slope is 1 / photons"),
        (_same(mine[0], photons) and _same(mine[1], read**2), "the intercept is a variance; read is its root"),
        (_same(mine[0], through_zero), "your line goes through zero; read noise lifts it, so fit an intercept too"),
        (_same(mine[0], math.sqrt(photons)), "you took a root of the photons; their variance, not its root, is linear"),
        (
            _same(mine[1], math.sqrt(float(variances[0]))),
            "your read noise is the noise of the darkest card, which has photons in it; go on to where the line starts",
        ),
    )
    return next((f"{said}: {why}." for found, why in cases if found), f"{said}.")


def _same(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=1e-4)
