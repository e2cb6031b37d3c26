"""Structural similarity over five scales."""

import torch
from torch import Tensor
from torch.nn import functional as F

from deblurlib import contracts
from deblurlib.metrics.luma import at_least
from deblurlib.metrics.pieces import in_pieces
from deblurlib.metrics.ssim import WINDOW, comparisons

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponent of each scale, fine to coarse: Wang et al. (2003), section 3.2. They add up to 1."""

SMALLEST = WINDOW * 2 ** (len(WEIGHTS) - 1)
"""Sides of 176 pixels: the window must fit into the coarsest scale."""


def ms_ssim(restored: Tensor, reference: Tensor, *, data_range: float = 1.0) -> Tensor:
    """Multi-scale structural similarity of Wang, Simoncelli and Bovik (2003), mean over channels.

    Contrast and structure at five scales, luminance at the coarsest alone (their equation 7):

        l_5^0.1333 * prod_j cs_j^w_j,    w = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)

    Each factor is a mean over the valid region of its scale, the mean of l * cs at the coarsest; a negative mean counts
    as 0. From scale to scale 2x2 pixels become their mean, the last row or column doubled where the side is odd. These
    are the settings of the authors' msssim.m, 'product', whose values on grey images it meets within 5e-3. piq and
    pytorch-msssim pad odd sides with zeros instead.

    Args:
        restored: (B, C, H, W) in [0, data_range].
        reference: Same shape, dtype and device.
        data_range: The value of white: 1 for images in [0, 1].

    Returns:
        (B,) in [0, 1]; 1 for equal images.

    Raises:
        TypeError, ValueError: not images, different shapes, values outside the range by more than half of it, or fewer
            than 176 pixels a side.

    Example:
        >>> x = torch.rand(1, 1, 176, 180, generator=torch.Generator().manual_seed(0))
        >>> round(ms_ssim(x, x).item(), 6), round(ms_ssim(0.8 * x, x).item(), 3)
        (1.0, 0.977)
    """
    contracts.pair(restored, reference, data_range)
    at_least(restored, (SMALLEST, SMALLEST), "ms_ssim")
    return in_pieces(_product, restored / data_range, reference / data_range)


def _product(x: Tensor, y: Tensor) -> Tensor:
    result = x.new_ones(x.shape[:2])
    for scale, weight in enumerate(WEIGHTS):
        if scale:
            x, y = halve(x), halve(y)
        luminance, structure = comparisons(x, y)
        last = scale == len(WEIGHTS) - 1
        mean = (luminance * structure if last else structure).mean(dim=(-2, -1))
        positive = mean > 0
        # The power's slope at zero is infinite, so a zero must not come near it.
        result = result * torch.where(positive, torch.where(positive, mean, 1.0) ** weight, 0.0)
    return result.mean(dim=1)


def halve(x: Tensor) -> Tensor:
    """Means of 2x2 pixels; an odd side has its last row or column doubled.

    Example:
        >>> halve(torch.tensor([[[[0.0, 1.0, 2.0], [2.0, 3.0, 4.0]]]]))
        tensor([[[[1.5000, 3.0000]]]])
    """
    return F.avg_pool2d(F.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2), mode="replicate"), 2)
