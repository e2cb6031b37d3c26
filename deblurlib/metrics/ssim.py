"""Structural similarity."""

import torch
from torch import Tensor

from deblurlib import contracts
from deblurlib.metrics.pieces import in_pieces

WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03
TILE = 54
"""Positions that one matrix product weighs: with fewer there are more calls, with more there are more zeros."""


def ssim(restored: Tensor, reference: Tensor, *, data_range: float = 1.0) -> Tensor:
    """Structural similarity of Wang et al. (2004): Gaussian window, valid region, mean over channels.

    With the settings of the paper: 11x11 Gaussian window of sigma 1.5, K = (0.01, 0.03), population moments, the mean
    over the positions where the window lies inside the image. No down-sampling. It equals
    skimage.metrics.structural_similarity(gaussian_weights=True, sigma=1.5, use_sample_covariance=False) where that is
    averaged over the map less its 5-pixel rim.

    Args:
        restored: (B, C, H, W) in [0, data_range].
        reference: Same shape, dtype and device.
        data_range: The value of white: 1 for images in [0, 1].

    Returns:
        (B,) in [-1, 1]; 1 for equal images.

    Raises:
        TypeError, ValueError: not images, different shapes, values outside the range by more than half of it, or fewer
            than 11 pixels a side.

    Example:
        >>> x = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0))
        >>> ssim(x, x).item()
        1.0
    """
    contracts.pair(restored, reference, data_range)
    if min(restored.shape[-2:]) < WINDOW:
        raise ValueError(
            f"ssim: {restored.shape[-2]}x{restored.shape[-1]} pixels are fewer than its window, {WINDOW} a side."
        )

    def mean(x: Tensor, y: Tensor) -> Tensor:
        luminance, structure = comparisons(x / data_range, y / data_range)
        return (luminance * structure).mean(dim=(1, 2, 3))

    return in_pieces(mean, restored, reference)


def comparisons(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The two factors of SSIM at every position of the window: luminance, and contrast with structure.

    Args:
        x: (B, C, H, W) in [0, 1].
        y: Same shape.

    Returns:
        Two maps (B, C, H - 10, W - 10); their product is the SSIM map.
    """
    middle_x, middle_y = (t.detach().mean(dim=(-2, -1), keepdim=True) for t in (x, y))
    x, y = x - middle_x, y - middle_y  # variances lose fewer digits around zero
    maps = torch.cat([x, y, x * x + y * y, x * y], dim=1)  # the two variances enter by their sum alone
    mean_x, mean_y, squares, product = gaussian_means(maps).chunk(4, dim=1)
    variances = squares - mean_x.square() - mean_y.square()
    covariance = product - mean_x * mean_y
    mean_x, mean_y = mean_x + middle_x, mean_y + middle_y
    c1, c2 = K1**2, K2**2
    luminance: Tensor = (2 * mean_x * mean_y + c1) / (mean_x.square() + mean_y.square() + c1)
    structure: Tensor = (2 * covariance + c2) / (variances + c2)
    return luminance, structure


def gaussian_means(x: Tensor, size: int = WINDOW, sigma: float = SIGMA) -> Tensor:
    """Means of (B, C, H, W) weighted with a Gaussian window, wherever it lies inside the image.

    The result is smaller by `size` - 1 on both sides. Rows, then columns, as products with a banded matrix, a tile at a
    time: on a CPU that takes two thirds of the time of a grouped convolution.

    Example:
        >>> gaussian_means(torch.ones(1, 1, 11, 12)).shape
        torch.Size([1, 1, 1, 2])
    """
    t = torch.arange(size, dtype=torch.float64) - size // 2
    g = torch.exp(-0.5 * (t / sigma) ** 2)
    band = torch.zeros(TILE, TILE + size - 1, dtype=torch.float64)
    for i in range(TILE):
        band[i, i : i + size] = g / g.sum()
    band = band.to(dtype=x.dtype, device=x.device)
    for side in (-2, -1):
        count = x.shape[side] - size + 1
        tiles = []
        for start in range(0, count, TILE):
            n = min(TILE, count - start)
            part, weights = x.narrow(side, start, n + size - 1), band[:n, : n + size - 1]
            tiles.append(weights @ part if side == -2 else part @ weights.T)
        x = torch.cat(tiles, dim=side)
    return x
