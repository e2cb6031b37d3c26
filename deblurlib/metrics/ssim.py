"""Structural similarity."""

import torch
from torch import Tensor
from torch.nn import functional as F

from deblurlib import contracts

WINDOW, SIGMA = 11, 1.5
K1, K2 = 0.01, 0.03


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
    x, y = restored / data_range - 0.5, reference / data_range - 0.5  # variances lose fewer digits around zero
    channels = x.shape[1]
    t = torch.arange(WINDOW, dtype=torch.float64) - WINDOW // 2
    g = torch.exp(-0.5 * (t / SIGMA) ** 2)
    g = (g / g.sum()).to(dtype=x.dtype, device=x.device)
    maps = torch.cat([x, y, x * x, y * y, x * y], dim=1)
    window = torch.outer(g, g).expand(5 * channels, 1, WINDOW, WINDOW)
    mean_x, mean_y, xx, yy, xy = F.conv2d(maps, window, groups=5 * channels).chunk(5, dim=1)
    var_x, var_y, cov = xx - mean_x**2, yy - mean_y**2, xy - mean_x * mean_y
    mean_x, mean_y = mean_x + 0.5, mean_y + 0.5
    c1, c2 = K1**2, K2**2
    similarity: Tensor = (
        (2 * mean_x * mean_y + c1) * (2 * cov + c2) / ((mean_x**2 + mean_y**2 + c1) * (var_x + var_y + c2))
    )
    return similarity.mean(dim=(1, 2, 3))
