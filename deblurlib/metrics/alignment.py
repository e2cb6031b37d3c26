"""Bringing a restoration onto its reference: a blind method knows the image only up to a shift."""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from deblurlib import contracts

STEP = 0.25
"""Of Levin's protocol, in pixels."""

CROP = 15
"""Rim of the reference that is left out, in pixels: Levin et al. (2009)."""

METHODS = ("levin", "fourier")
STEPS = 8
CONVERGED = 1e-4


def align(
    restored: Tensor,
    reference: Tensor,
    *,
    max_shift: float = 5.0,
    crop: int = CROP,
    method: str = "levin",
    data_range: float = 1.0,
) -> Tensor:
    """Shift a restoration so that it lies on its reference best: `find_shift`, then `shift`.

    Args:
        restored: (B, C, H, W) in [0, data_range].
        reference: Same shape, dtype and device.
        max_shift: As for `find_shift`.
        crop: As for `find_shift`.
        method: As for `find_shift`.
        data_range: The value of white.

    Returns:
        The restoration, shifted, of the same shape; pixels from outside repeat the edge. Score it without a rim of
        `max_shift` pixels, or of `crop` as the protocol does.

    Raises:
        TypeError, ValueError: as `find_shift`.

    Example:
        >>> x = torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(0))
        >>> moved = x.roll((2, -3), dims=(-2, -1))
        >>> torch.equal(align(moved, x)[..., 5:-5, 5:-5], x[..., 5:-5, 5:-5])
        True
    """
    found = find_shift(restored, reference, max_shift=max_shift, crop=crop, method=method, data_range=data_range)
    if method == "levin":
        return shift(restored, found)
    margin = math.ceil(max_shift) + 1
    return torch.stack([_Interpolant(x, margin)(s) for x, s in zip(_wide(restored, margin), found, strict=True)])


def find_shift(
    restored: Tensor,
    reference: Tensor,
    *,
    max_shift: float = 5.0,
    crop: int = CROP,
    method: str = "levin",
    data_range: float = 1.0,
) -> Tensor:
    """The shift that brings a restoration onto its reference, in pixels.

    It minimises sum((restored(y + dy, x + dx) - reference(y, x))^2) over the reference without its rim and over
    |dy|, |dx| <= max_shift, for all channels together.

    'levin' is the protocol of Levin et al. (2009): bilinear interpolation, steps of a quarter pixel; whole pixels
    first, then quarters within one pixel of the best, which finds the minimum of the whole grid in practice. Bilinear
    interpolation smooths, so that a noisy restoration may move by a quarter for that alone.

    'fourier' gets the errors of all whole pixels from fast Fourier transforms at once, however large `max_shift` is,
    and goes on from the best by Gauss-Newton steps on the image's Fourier interpolant, to 1e-4 of a pixel.

    Args:
        restored: (B, C, H, W) in [0, data_range].
        reference: Same shape, dtype and device.
        max_shift: How far to look in each direction, in pixels.
        crop: Rim of the reference that is left out, at least max_shift + 1 pixels.
        method: 'levin' or 'fourier'.
        data_range: The value of white.

    Returns:
        (B, 2), dy and dx: aligned(y, x) = restored(y + dy, x + dx).

    Raises:
        TypeError, ValueError: not images, different shapes, an unknown method, a rim narrower than max_shift + 1
            pixels, or one that leaves nothing.

    Example:
        >>> x = torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(0))
        >>> find_shift(x.roll((2, -3), dims=(-2, -1)), x).tolist()
        [[2.0, -3.0]]
    """
    contracts.pair(restored, reference, data_range)
    contracts.choice(method, "method", METHODS)
    contracts.number(max_shift, "max_shift", low=0)
    if isinstance(crop, bool) or not isinstance(crop, int):
        raise TypeError(f"crop: expected an integer, got {crop!r}.")
    if crop < max_shift + 1:
        raise ValueError(
            f"crop: {crop} pixels are too few for a max_shift of {max_shift:g}, expected one more at least."
        )
    if min(restored.shape[-2:]) <= 2 * crop:
        h, w = restored.shape[-2:]
        raise ValueError(
            f"align: {h}x{w} pixels are too few, it needs more than {2 * crop} a side to crop {crop} each."
        )
    search = _levin if method == "levin" else _fourier
    with torch.no_grad():
        found = [search(x.double(), y.double(), max_shift, crop) for x, y in zip(restored, reference, strict=True)]
    return torch.tensor(found, dtype=restored.dtype, device=restored.device)


def shift(x: Tensor, by: Tensor) -> Tensor:
    """Move an image by parts of pixels, with bilinear interpolation; pixels from outside repeat the edge.

    Args:
        x: (B, C, H, W).
        by: (B, 2), dy and dx, less than a side.

    Returns:
        Same shape: result(y, x) = x(y + dy, x + dx).

    Raises:
        TypeError, ValueError: not an image, or `by` of another shape.

    Example:
        >>> shift(torch.tensor([[[[0.0, 1.0, 2.0]] * 2]]), torch.tensor([[0.0, 0.5]]))[0, 0, 0]
        tensor([0.5000, 1.5000, 2.0000])
    """
    contracts.image(x, data_range=math.inf)
    if tuple(by.shape) != (len(x), 2):
        raise ValueError(f"by: expected shape ({len(x)}, 2), got {tuple(by.shape)}.")
    margin = math.ceil(float(by.detach().abs().max())) + 1
    padded = _wide(x, margin)
    moved = [_bilinear(p, dy, dx, margin, x.shape[-2:]) for p, (dy, dx) in zip(padded, by.tolist(), strict=True)]
    return torch.stack(moved)


def _wide(x: Tensor, margin: int) -> Tensor:
    return F.pad(x, (margin,) * 4, mode="replicate")


def _bilinear(x: Tensor, dy: float, dx: float, margin: int, size: tuple[int, ...]) -> Tensor:
    """The window of `size` pixels of x (C, h, w) that begins at (margin + dy, margin + dx)."""
    top, left = math.floor(dy), math.floor(dx)
    a, b = dy - top, dx - left
    part = x[:, margin + top :, margin + left :]
    h, w = size
    rows = part[:, :h] if a == 0 else (1 - a) * part[:, :h] + a * part[:, 1 : h + 1]
    return rows[..., :w] if b == 0 else (1 - b) * rows[..., :w] + b * rows[..., 1 : w + 1]


def _levin(x: Tensor, y: Tensor, max_shift: float, crop: int) -> tuple[float, float]:
    target = y[:, crop:-crop, crop:-crop]

    def error(dy: float, dx: float) -> float:
        return float((_bilinear(x, dy, dx, crop, target.shape[-2:]) - target).square().sum())

    def best(rows: list[float], columns: list[float]) -> tuple[float, float]:
        tried = [(error(dy, dx), abs(dy) + abs(dx), dy, dx) for dy in rows for dx in columns]
        return min(tried)[2:]  # of equal errors the smallest shift

    whole = [float(i) for i in range(-math.floor(max_shift), math.floor(max_shift) + 1)]
    dy, dx = best(whole, whole)
    quarters = [STEP * i for i in range(-math.floor(1 / STEP), math.floor(1 / STEP) + 1)]
    rows, columns = ([s + q for q in quarters if abs(s + q) <= max_shift] for s in (dy, dx))
    return best(rows, columns)


def _fourier(x: Tensor, y: Tensor, max_shift: float, crop: int) -> tuple[float, float]:
    target = y[:, crop:-crop, crop:-crop]
    whole, found = _whole_pixels(x, target, math.floor(max_shift), crop)
    interpolant = _Interpolant(x, crop)
    for _ in range(STEPS):
        slopes = torch.stack([interpolant(found, axis).flatten() for axis in (0, 1)], dim=1)
        normal = slopes.T @ slopes
        if float(torch.linalg.det(normal)) <= 1e-12 * float(normal.trace()) ** 2:
            return float(whole[0]), float(whole[1])  # no detail in one direction: no place between pixels is better
        step = torch.linalg.solve(normal, slopes.T @ (target - interpolant(found)).flatten()).clamp(-0.5, 0.5)
        found = (found + step).clamp(-max_shift, max_shift)
        if float(step.abs().max()) < CONVERGED:
            break
    if float((found - whole).abs().max()) > 1.5:
        found = whole  # it walked off into another minimum
    return float(found[0]), float(found[1])


def _whole_pixels(x: Tensor, target: Tensor, reach: int, crop: int) -> tuple[Tensor, Tensor]:
    """The best whole shift, and the lowest point of a parabola through it and its neighbours on each axis.

    All sums over the window come from two correlations with it, by Fourier transforms.
    """
    region = x[:, crop - reach : x.shape[-2] - crop + reach, crop - reach : x.shape[-1] - crop + reach]
    size, count = region.shape[-2:], 2 * reach + 1
    middle = region.mean()  # so that large sums do not hide small differences
    region, target = region - middle, target - middle

    def correlate(a: Tensor, b: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(a) * torch.fft.rfft2(b, s=size).conj()
        summed: Tensor = torch.fft.irfft2(spectrum, s=size)[..., :count, :count].sum(dim=0)
        return summed

    errors = correlate(region.square(), torch.ones_like(target)) - 2 * correlate(region, target)
    place = divmod(int(errors.argmin()), count)
    whole, between = torch.tensor(place).to(x) - reach, x.new_zeros(2)
    for axis, line in enumerate((errors[:, place[1]], errors[place[0]])):
        i = place[axis]
        if 0 < i < count - 1:
            bend = line[i - 1] - 2 * line[i] + line[i + 1]
            between[axis] = (line[i - 1] - line[i + 1]) / (2 * bend) if bend > 0 else 0
    return whole, whole + between


class _Interpolant:
    """The Fourier interpolant of x (C, h, w), which can be looked at between pixels, less `crop` on each side.

    The image is mirrored first, so that it has no jump where the transform joins its edges.
    """

    def __init__(self, x: Tensor, crop: int) -> None:
        (h, w), self.crop = x.shape[-2:], crop
        even = torch.cat([x, x.flip(-1)], dim=-1)
        even = torch.cat([even, even.flip(-2)], dim=-2)
        self.size, self.spectrum = even.shape[-2:], torch.fft.rfft2(even)
        self.frequencies = (
            2 * math.pi * torch.fft.fftfreq(2 * h, dtype=x.dtype, device=x.device)[:, None],
            2 * math.pi * torch.fft.rfftfreq(2 * w, dtype=x.dtype, device=x.device)[None],
        )

    def __call__(self, by: Tensor, slope: int | None = None) -> Tensor:
        """The image moved by dy and dx; or its slope along an axis there."""
        wy, wx = self.frequencies
        ramp = torch.exp(1j * wy * by[0]) * torch.exp(1j * wx * by[1])
        spectrum = self.spectrum * (ramp if slope is None else 1j * self.frequencies[slope] * ramp)
        moved: Tensor = torch.fft.irfft2(spectrum, s=self.size)
        h, w = (side // 2 - self.crop for side in self.size)
        return moved[..., self.crop : h, self.crop : w]
