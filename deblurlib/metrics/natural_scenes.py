"""The features of natural scenes that NIQE looks at: how locally normalised grey levels are distributed."""

import functools
import math

import torch
from torch import Tensor
from torch.nn import functional as F

from deblurlib.metrics.ssim import gaussian_means

BLOCK = 96
WINDOW, SIGMA = 7, 7 / 6
SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Neighbours whose products are looked at: right, below, and the two diagonals."""

SHAPES = (0.2, 10.0, 0.001)
"""First, last and step of the shapes that are tried in fitting a distribution."""

FEATURES = 36


def features(grey: Tensor) -> tuple[Tensor, Tensor]:
    """Features and sharpness of every 96x96 block of each image.

    At full and at half size the grey levels are normalised, (I - mu) / (sigma + 1), with mu and sigma from a Gaussian
    window of 7x7 and standard deviation 7/6. Each block gives 18 numbers a scale: shape and width of an asymmetric
    generalised Gaussian fitted to the normalised values, and shape, mean, left and right width of those fitted to the
    products with four neighbours (wrapped around within the block).

    Args:
        grey: (B, 1, H, W) in [0, 255], at least 96 pixels a side; what is beyond whole blocks is cut off.

    Returns:
        (B, blocks, 36), NaN where a block is flat, and (B, blocks) the mean of sigma at full size.
    """
    h, w = (side // BLOCK * BLOCK for side in grey.shape[-2:])
    x, size, columns, sharpness = grey[..., :h, :w], BLOCK, [], grey
    for scale in (1, 2):
        if scale == 2:
            x, size = half_size(x), BLOCK // 2
        padded = F.pad(x, (WINDOW // 2,) * 4, mode="replicate")
        mean = gaussian_means(padded, WINDOW, SIGMA)
        deviation = (gaussian_means(padded.square(), WINDOW, SIGMA) - mean.square()).abs().sqrt()
        if scale == 1:
            sharpness = _blocks(deviation, size).mean(dim=(-2, -1))
        blocks = _blocks((x - mean) / (deviation + 1), size)
        alpha, left, right = fit_asymmetric(blocks)
        columns += [alpha, (left + right) / 2]
        for shift in SHIFTS:
            alpha, left, right = fit_asymmetric(blocks * blocks.roll(shift, dims=(-2, -1)))
            mean = (right - left) * (torch.lgamma(2 / alpha) - torch.lgamma(1 / alpha)).exp()
            columns += [alpha, mean, left, right]
    batch = len(grey)
    return torch.stack(columns, dim=1).view(batch, -1, FEATURES), sharpness.view(batch, -1)


def fit_asymmetric(samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Fit an asymmetric generalised Gaussian to samples by its moments (Lasmar et al., 2009).

    The density falls off as exp(-(-x / left)^alpha) below zero and exp(-(x / right)^alpha) above.

    Args:
        samples: (N, ...), one fit for each of the N.

    Returns:
        alpha in [0.2, 10] in steps of 0.001, left and right, each (N,); widths are NaN without samples of that sign.

    Example:
        >>> x = torch.randn(1, 100_000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> [round(t.item(), 1) for t in fit_asymmetric(x)]  # a normal distribution: 2 and the root of 2
        [2.0, 1.4, 1.4]
    """
    x = samples.flatten(1)
    square = x.square()
    below, above = x < 0, x > 0
    left = ((square * below).sum(dim=1) / below.sum(dim=1)).sqrt()
    right = ((square * above).sum(dim=1) / above.sum(dim=1)).sqrt()
    ratio = left / right
    target = x.abs().mean(dim=1).square() / square.mean(dim=1)
    target = target * (ratio**3 + 1) * (ratio + 1) / (ratio.square() + 1).square()
    shapes, expected = (t.to(x) for t in _shapes())
    i = torch.searchsorted(expected, target.nan_to_num(nan=0)).clamp(1, len(shapes) - 1)
    i = torch.where(target - expected[i - 1] <= expected[i] - target, i - 1, i)
    alpha = shapes[i]
    width = ((torch.lgamma(1 / alpha) - torch.lgamma(3 / alpha)) / 2).exp()
    return alpha, left * width, right * width


def half_size(x: Tensor) -> Tensor:
    """Shrink (B, C, H, W) by two as MATLAB's imresize(x, 0.5) does: bicubic (a = -1/2), antialiased, mirrored edges.

    Example:
        >>> half_size(torch.arange(8.0).view(1, 1, 1, 8).expand(1, 1, 8, 8))[0, 0, 0].tolist()
        [0.44921875, 2.48828125, 4.51171875, 6.55078125]
    """
    h, w = (_half(side).to(x) for side in x.shape[-2:])
    return h @ x @ w.T


def _half(n: int) -> Tensor:
    """The matrix that halves a side of n pixels, (ceil(n / 2), n)."""
    centres = 2 * torch.arange(math.ceil(n / 2), dtype=torch.float64) + 0.5
    taps = torch.arange(8) - 3
    places = 2 * torch.arange(len(centres))[:, None] + taps
    t = ((places - centres[:, None]) / 2).abs()
    near, far = 1.5 * t**3 - 2.5 * t**2 + 1, -0.5 * t**3 + 2.5 * t**2 - 4 * t + 2
    weights = torch.where(t <= 1, near, torch.where(t <= 2, far, 0.0))
    weights = weights / weights.sum(dim=1, keepdim=True)
    places = places.remainder(2 * n)
    places = torch.minimum(places, 2 * n - 1 - places)  # mirrored, the edge pixel twice
    return torch.zeros(len(centres), n, dtype=torch.float64).scatter_add_(1, places, weights)


@functools.cache
def _shapes() -> tuple[Tensor, Tensor]:
    """The shapes alpha, and the ratio mean|x|^2 / mean x^2 that each leads to, which grows with alpha."""
    first, last, step = SHAPES
    alpha = first + step * torch.arange(round((last - first) / step) + 1, dtype=torch.float64)
    ratio = (2 * torch.lgamma(2 / alpha) - torch.lgamma(1 / alpha) - torch.lgamma(3 / alpha)).exp()
    return alpha, ratio


def _blocks(x: Tensor, size: int) -> Tensor:
    """Whole blocks of (B, 1, H, W), image by image and row by row: (B * blocks, size, size)."""
    h, w = (side // size for side in x.shape[-2:])
    return x.reshape(len(x), h, size, w, size).transpose(2, 3).flatten(0, 2)
