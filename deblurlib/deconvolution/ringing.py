"""Taking the ringing out of a restoration: Pan's difference of two priors."""

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib import contracts
from deblurlib.deconvolution.hand_made import l0_gradient, total_variation

SPREAD, TOLERANCE = 3.0, 0.1
"""Of the bilateral filter, in pixels and in units of the range (Pan et al. 2014, released code)."""


def remove_ringing(
    blurred: Tensor,
    kernel: Tensor,
    *,
    tv_weight: float = 2e-3,
    l0_weight: float = 1e-3,
    strength: float = 1.0,
    boundary: str = "extend",
    clip: bool = True,
) -> Tensor:
    """Pan et al. (2014): x = x_tv - strength bilateral(x_tv - x_l0).

    Total variation keeps the texture and rings; L0 has no ringing and no texture. Their difference is both, and the
    bilateral filter keeps of it what is smooth: the ringing.

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        tv_weight: Of the total variation, above 0 (released code: 1e-3 to 1e-2).
        l0_weight: Of the L0 prior, above 0 (released code: 5e-4 to 2e-3).
        strength: Of the removal, at least 0 (released code: 1).
        boundary: 'extend' for a photograph, 'wrap' for an image made by `Blur(kernel, "wrap")`.
        clip: Whether to clip the result to [0, 1].

    Returns:
        (B, C, H, W).

    Raises:
        TypeError, ValueError: a broken contract, a weight of 0 or less, a negative strength.

    Example:
        >>> from deblurlib.blur import Blur, gaussian
        >>> x = torch.zeros(1, 1, 32, 32)
        >>> x[..., 12:20, 12:20] = 1.0
        >>> k = gaussian(7, 1.5)
        >>> y = Blur(k)(x)
        >>> bool((remove_ringing(y, k, boundary="wrap") - x).abs().mean() < 0.3 * (y - x).abs().mean())
        True
    """
    contracts.number(strength, "strength", low=0)
    contracts.number(tv_weight, "tv_weight", low=0, open_low=True)
    contracts.number(l0_weight, "l0_weight", low=0, open_low=True)
    smooth = total_variation(blurred, kernel, weight=tv_weight, isotropic=False, boundary=boundary, clip=False)
    flat = l0_gradient(blurred, kernel, weight=l0_weight, boundary=boundary, clip=False)
    x = smooth - strength * bilateral(smooth - flat)
    return x.clamp(0, 1) if clip else x


def bilateral(x: Tensor, *, spread: float = SPREAD, tolerance: float = TOLERANCE) -> Tensor:
    """The bilateral filter (Tomasi & Manduchi 1998): a mean over neighbours that are near and alike in all channels.

    weight = exp(-distance^2 / (2 spread^2)) exp(-|x - x'|^2 / (2 tolerance^2)), over a window of two spreads each way
    (our choice); beyond the frame the edge pixel goes on. Values may lie anywhere: it smooths differences, too.

    Args:
        x: (B, C, H, W).
        spread: In pixels, above 0.
        tolerance: In the units of x, above 0.

    Returns:
        (B, C, H, W).

    Example:
        >>> step = torch.tensor([0.0, 0.0, 0.0, 1.0, 1.0, 1.0]).expand(1, 1, 6, 6)
        >>> bool((bilateral(step) - step).abs().max() < 1e-6)
        True
    """
    contracts.image(x, operator=True)
    contracts.number(spread, "spread", low=0, open_low=True)
    contracts.number(tolerance, "tolerance", low=0, open_low=True)
    height, width = x.shape[-2:]
    reach = max(1, round(2 * spread))
    padded = F.pad(x, (reach, reach, reach, reach), mode="replicate")
    total, weights = torch.zeros_like(x), torch.zeros_like(x[:, :1])
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            neighbour = padded[..., reach + dy : reach + dy + height, reach + dx : reach + dx + width]
            unlike = (neighbour - x).square().sum(dim=1, keepdim=True) / (2 * tolerance**2)
            weight = torch.exp(-unlike - (dy * dy + dx * dx) / (2 * spread**2))
            total = total + weight * neighbour
            weights = weights + weight
    return total / weights
