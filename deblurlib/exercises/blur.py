"""The exercises of the chapter 'How a sharp image becomes blurred'."""

import math
from collections.abc import Iterable
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blur import Blur
from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

CLOSE = 1e-4
"""Two values this near are equal: float32 in another order of summation, not another idea."""

BEYOND = {
    "constant": "your rim is too dark, black lies beyond your frame, 'reflect' puts a mirror there",
    "circular": "your rim shows the opposite side, the image repeats beyond your frame, 'reflect' mirrors it",
    "replicate": "your rim is a little off, the last pixel goes on beyond your frame, 'reflect' mirrors the image",
}


def _image(*shape: int) -> Tensor:
    return torch.rand(shape, generator=seed(5))


def _lopsided(h: int, w: int) -> Tensor:
    """A kernel without any symmetry: most light at the lower left, the brightest pixel at the upper right."""
    k = torch.rand(h, w, generator=seed(6)) * torch.linspace(0.1, 1, h)[:, None] * torch.linspace(1, 0.2, w)
    k[1, w - 2] = 2 * k.max()
    k[0], k[:, 0] = 0, 0
    return (k / k.sum())[None, None]


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool(((a.double() - b.double()).abs() < CLOSE).all())


def _no_image(y: object, expected: Tensor) -> str | None:
    """What is wrong with the form of an answer that should look like `expected`."""
    if y is None:
        return "your answer is None: does the function return its result?"
    if not isinstance(y, Tensor):
        return f"your answer is of type {type(y).__name__}, expected a tensor."
    if y.is_complex():
        return f"your answer is complex ({y.dtype}); a picture is real, so end with irfft2, or keep the real part."
    if y.shape != expected.shape:
        return f"your answer has shape {tuple(y.shape)}, expected {tuple(expected.shape)}."
    return None


def _differs(y: Tensor, expected: Tensor) -> str:
    """The right picture in another brightness, or else the place where it is most wrong."""
    ratio = float(y.double().mean() / expected.double().mean())
    if math.isfinite(ratio) and abs(ratio - 1) > 0.01 and _close(y / ratio, expected):
        return (
            f"your picture is {ratio:.3g} times as bright as it should be: the kernel sums to one already, "
            "so nothing else is divided or averaged."
        )
    place = int((y.double() - expected.double()).abs().nan_to_num(torch.inf).argmax())
    row, column = divmod(place % (y.shape[-2] * y.shape[-1]), y.shape[-1])
    mine, theirs = float(y.flatten()[place]), float(expected.flatten()[place])
    return f"at row {row}, column {column} your answer is {mine:.4f}, expected {theirs:.4f}."


@exercise("convolve_valid")
def _convolve_valid(answer: Any) -> str | None:
    x, k = _image(2, 3, 16, 20), _lopsided(5, 7)
    expected = Blur(k, "valid")(x)
    y = answer(x.clone(), k.clone())
    if isinstance(y, Tensor) and y.ndim == 4 and y.shape[-2:] == x.shape[-2:]:
        return (
            f"your answer has {y.shape[-2]}x{y.shape[-1]} pixels, as many as the image: you padded, but 'valid' keeps "
            f"the {expected.shape[-2]}x{expected.shape[-1]} that need nothing from beyond the frame."
        )
    if isinstance(y, Tensor) and y.ndim == 4 and y.shape[1] == 1:
        return (
            f"your answer has 1 channel for an image of {x.shape[1]}: conv2d added the colours up; "
            "give it one copy of the kernel for each channel, and groups=channels."
        )
    if problem := _no_image(y, expected):
        return problem
    if _close(y, expected):
        return None
    mistakes = (
        (k, "this is correlation, for conv2d leaves the kernel as it is; flip both of its axes first"),
        (k.flip(-1), "you flipped left and right alone; half a turn flips both axes, kernel.flip(-2, -1)"),
        (k.flip(-2), "you flipped up and down alone; half a turn flips both axes, kernel.flip(-2, -1)"),
    )
    for weight, why in mistakes:
        if _close(y, F.conv2d(x, weight.expand(3, 1, -1, -1), groups=3)):
            return f"your first pixel is {y[0, 0, 0, 0]:.4f}, expected {expected[0, 0, 0, 0]:.4f}: {why}."
    return _differs(y, expected)


@exercise("image_shift")
def _image_shift(answer: Any) -> str | None:
    k = _lopsided(7, 11)
    result = answer(k.clone())
    try:
        down, right = (float(v) for v in result)
    except (TypeError, ValueError):
        return f"your answer is {result!r}, expected two numbers, (down, right)."
    h, w = k.shape[-2:]
    rows, columns = k[0, 0].sum(1), k[0, 0].sum(0)
    corner = float(rows @ torch.arange(float(h))), float(columns @ torch.arange(float(w)))
    true = corner[0] - h // 2, corner[1] - w // 2
    peak = divmod(int(k.argmax()), w)
    box = [(float(lit[0]) + float(lit[-1])) / 2 for lit in (rows.nonzero(), columns.nonzero())]
    mistakes = (
        (corner, "you measured from the corner of the kernel; the pixel that stays in place is [h // 2, w // 2]"),
        ((corner[0] - h / 2, corner[1] - w / 2), "h / 2 lies half a pixel beside the centre pixel, which is h // 2"),
        ((true[1], true[0]), "you gave (right, down); rows come first"),
        ((-true[0], -true[1]), "the direction is opposite: light below the kernel's centre moves the picture down"),
        ((peak[0] - h // 2, peak[1] - w // 2), "you took the brightest pixel; all light counts, by its share"),
        ((box[0] - h // 2, box[1] - w // 2), "you took the middle of the box, which ignores where light is dense"),
    )
    said = f"your answer is ({down:.3g}, {right:.3g}), expected ({true[0]:.3g}, {true[1]:.3g})"
    return None if _near((down, right), true) else _explain(said, (down, right), mistakes)


@exercise("surviving_contrast")
def _surviving_contrast(answer: Any) -> str | None:
    k = _lopsided(7, 11)
    for period in (9.5, 5.0):
        result = answer(k.clone(), period)
        try:
            mine = complex(result)
        except (TypeError, ValueError):
            return f"your answer is {result!r}, expected one number."
        gain, across = _wave_gain(k, 1 / period, -1), _wave_gain(k, 1 / period, -2)
        true = abs(gain)
        centred = gain * complex(math.cos(a := 2 * math.pi / period * (k.shape[-1] // 2)), math.sin(a))
        mistakes = (
            ((true**2,), "that is |K|², the power that survives; contrast is an amplitude, |K|"),
            ((abs(_wave_gain(k, period, -1)),), "stripes of p pixels have 1 / p cycles in a pixel, not p"),
            ((abs(_wave_gain(k, 1 / period / 2 / math.pi, -1)),), "the factor 2π is missing: a period is a full turn"),
            ((abs(across),), "this answers for horizontal stripes; vertical ones change from column to column"),
            ((gain.real,), "you kept the real part, which falls when stripes merely move; take abs()"),
            ((centred.real,), "you kept the real part, which falls when stripes merely move; take abs()"),
            ((1 - true,), "this is the part that is lost"),
        )
        if abs(mine.imag) > CLOSE:
            return f"your answer is complex, {mine:.3g}; its abs() is the contrast, its angle where the stripes went."
        if not _near((mine.real,), (true,)):
            said = f"for stripes of {period:g} pixels your answer is {mine.real:.3g}, expected {true:.3g}"
            return _explain(said, (mine.real,), mistakes)
    return None


def _wave_gain(k: Tensor, frequency: float, dim: int) -> complex:
    """What a kernel leaves of a wave of so many cycles a pixel along one axis, measured from the kernel's corner."""
    light = k[0, 0].double().sum(0 if dim == -1 else 1)
    turns = -2 * math.pi * frequency * torch.arange(len(light), dtype=light.dtype)
    return complex(float(light @ turns.cos()), float(light @ turns.sin()))


def _near(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return all(abs(p - q) < CLOSE for p, q in zip(a, b, strict=True))


def _explain(said: str, mine: tuple[float, ...], mistakes: Iterable[tuple[tuple[float, ...], str]]) -> str:
    return next((f"{said}: {why}." for wrong, why in mistakes if _near(mine, wrong)), f"{said}.")


@exercise("mended_blur")
def _mended_blur(answer: Any) -> str | None:
    x, k = _image(1, 3, 24, 30), _lopsided(7, 9)
    expected = Blur(k, "reflect")(x)
    y = answer(x.clone(), k.clone())
    if problem := _no_image(y, expected):
        return problem
    if _close(y, expected):
        return None
    h, w = k.shape[-2:]
    for boundary, mirrored in product(("reflect", *BEYOND), (False, True)):
        for down, right in ((0, 0), (h // 2, w // 2), (h - 1, w - 1)):
            if _close(y, _with_bugs(x, k, boundary, mirrored, (h - 1 - down, w - 1 - right))):
                return _what_is_left(boundary, mirrored, down, right)
    return _differs(y, expected)


def _with_bugs(x: Tensor, k: Tensor, boundary: str, mirrored: bool, cut: tuple[int, int]) -> Tensor:
    """Blur with any of the bugs of the bug hunt, in the way of the notebook's broken function."""
    h, w = k.shape[-2:]
    padded = F.pad(x, (w // 2, w // 2, h // 2, h // 2), mode=boundary)
    size = padded.shape[-2:]
    spectrum = torch.fft.rfft2(padded) * torch.fft.rfft2(k.flip(-2, -1) if mirrored else k, s=size)
    y: Tensor = torch.fft.irfft2(spectrum, s=size)
    return y[..., cut[0] : cut[0] + x.shape[-2], cut[1] : cut[1] + x.shape[-1]]


def _what_is_left(boundary: str, mirrored: bool, down: int, right: int) -> str:
    found = []
    if down or right:
        found.append(
            f"your picture lies {down} pixels too low and {right} too far right, "
            "for the cut starts before the kernel's centre has reached the first pixel"
        )
    if boundary != "reflect":
        found.append(BEYOND[boundary])
    if mirrored:
        found.append("your star is mirrored, for a product of spectra convolves already, and a flip makes it correlate")
    return f"{len(found)} {'bug is' if len(found) == 1 else 'bugs are'} left: {'; '.join(found)}."
