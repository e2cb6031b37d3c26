"""The simple kernels: nothing moved, the lens was out of focus, the camera slid along a line."""

import math

import torch
from torch import Tensor

from deblurlib.contracts import floating, number, odd_size

SUBSAMPLES = 16
"""Samples a pixel and axis when a shape with a hard edge is turned into pixels (our choice)."""


def splat(points: Tensor, size: int) -> Tensor:
    """Drop equal amounts of light at sub-pixel positions: the bilinear splat, one batched matrix product.

    k[i, j] = mean over t of hat(i - row_t) hat(j - column_t), hat(d) = max(0, 1 - |d|).

    Args:
        points: (B, T, 2) rows and columns, in pixels from the centre of the kernel.
        size: Side of the kernel, odd, in pixels.

    Returns:
        (B, 1, size, size) kernels. Light that falls outside is lost, so a kernel sums to one if all points lie within
        (size - 1) / 2 pixels of the centre.
    """
    grid = torch.arange(size, dtype=points.dtype, device=points.device) - size // 2
    hats = (1 - (points.unsqueeze(-1) - grid).abs()).clamp_(min=0)  # (B, T, 2, size)
    rows, columns = hats.unbind(dim=2)
    return (rows.transpose(1, 2) @ columns / points.shape[1]).unsqueeze(1)


def delta(size: int = 1, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """The kernel that does nothing: all light in the centre pixel.

    Args:
        size: Side in pixels, odd.
        dtype: Of the result, torch.float32 or torch.float64.

    Returns:
        (1, 1, size, size).

    Raises:
        TypeError: another dtype, or a size that is no integer.
        ValueError: `size` is even or not positive.

    Example:
        >>> delta(3)[0, 0].tolist()
        [[0.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]
    """
    size = odd_size(size)
    k = torch.zeros(1, 1, size, size, dtype=floating(dtype))
    k[..., size // 2, size // 2] = 1
    return k


def gaussian(size: int, sigma: float, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """A Gaussian kernel, sampled at pixel centres and divided by its sum.

    Args:
        size: Side in pixels, odd; 6 sigma or more loses nothing that can be seen.
        sigma: Standard deviation in pixels, above 0.
        dtype: Of the result, torch.float32 or torch.float64.

    Returns:
        (1, 1, size, size).

    Raises:
        TypeError: another dtype, or a size that is no integer.
        ValueError: `size` is even, or `sigma` is not positive.

    Example:
        >>> [round(v, 4) for v in gaussian(3, 1.0)[0, 0, 1].tolist()]
        [0.1238, 0.2042, 0.1238]
    """
    size = odd_size(size)
    number(sigma, "sigma", low=0, open_low=True)
    t = torch.arange(size, dtype=torch.float64) - size // 2
    g = torch.exp(-0.5 * (t / sigma) ** 2)
    k = torch.outer(g, g)
    return (k / k.sum()).to(floating(dtype))[None, None]


def disk(radius: float, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """An out-of-focus lens: a disk of uniform light, its edge pixels weighted by the area that they cover.

    Args:
        radius: In pixels, above 0.
        dtype: Of the result, torch.float32 or torch.float64.

    Returns:
        (1, 1, size, size), size the smallest odd number that holds the disk.

    Raises:
        TypeError: another dtype.
        ValueError: `radius` is not positive.

    Example:
        >>> disk(1.5).shape, round(disk(1.5)[0, 0, 1, 1].item(), 3)
        (torch.Size([1, 1, 3, 3]), 0.142)
    """
    number(radius, "radius", low=0, open_low=True)
    size = 2 * math.ceil(radius - 0.5) + 1
    if size == 1:  # smaller than a pixel, and perhaps than the gap between two samples
        return delta(1, dtype=dtype)
    t = (torch.arange(size * SUBSAMPLES, dtype=torch.float64) + 0.5) / SUBSAMPLES - size / 2
    inside = (t[:, None] ** 2 + t[None, :] ** 2 <= radius**2).double()
    k = inside.reshape(size, SUBSAMPLES, size, SUBSAMPLES).mean(dim=(1, 3))
    return (k / k.sum()).to(floating(dtype))[None, None]


def linear_motion(length: float, angle: float, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """A camera that slides at constant speed along a straight line.

    Args:
        length: Of the path in pixels, 0 or more.
        angle: Of the path in degrees, counter-clockwise from the horizontal as the picture is seen.
        dtype: Of the result, torch.float32 or torch.float64.

    Returns:
        (1, 1, size, size), size the smallest odd number that holds the path at every angle.

    Raises:
        TypeError: another dtype.
        ValueError: `length` is negative, or one of the two is not finite.

    Example:
        >>> [round(v, 3) for v in linear_motion(2.0, 0.0)[0, 0, 1].tolist()]
        [0.25, 0.5, 0.25]
    """
    number(length, "length", low=0)
    number(angle, "angle", low=-math.inf)
    size = 2 * math.ceil(length / 2) + 1
    count = max(1, math.ceil(length * SUBSAMPLES))
    t = ((torch.arange(count, dtype=torch.float64) + 0.5) / count - 0.5) * length
    theta = math.radians(angle)
    points = torch.stack([-t * math.sin(theta), t * math.cos(theta)], dim=-1)
    return splat(points[None], size).to(floating(dtype))
