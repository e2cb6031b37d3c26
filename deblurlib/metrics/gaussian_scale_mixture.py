"""Wavelet coefficients of an image and of its distortion, as IFC and VIF model them.

The reference's coefficients are a Gaussian scale mixture: a 3x3 block is sqrt(s) u, u normal with covariance C, and s
changes from block to block. The distortion is a local gain g with noise of variance v: y = g x + noise.
"""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from deblurlib.metrics.steerable_pyramid import oriented_bands, smallest_side

LEVELS = 4
ORIENTATIONS = (0, 3)
"""Vertical and horizontal detail: the subbands 4, 7, ... 25 of the authors' releases."""

BLOCK = 3
TINY = 1e-15
"""Below this a variance counts as zero, as in the releases."""

SMALLEST = smallest_side(LEVELS)


class Band(NamedTuple):
    """What is known of the blocks of one level, in both orientations, K blocks each.

    Attributes:
        gain: (B, 2, K), g, at least 0.
        noise: (B, 2, K), v, above 0.
        scale: (B, 2, K), s.
        eigenvalues: (B, 2, 9), of C.
    """

    gain: Tensor
    noise: Tensor
    scale: Tensor
    eigenvalues: Tensor

    def information(self, gain: Tensor, noise: Tensor) -> Tensor:
        """Bits that the blocks carry through a channel: sum of log2(1 + gain^2 s eigenvalue / noise), (B,)."""
        ratio = gain.square() * self.scale / noise
        # Nine factors share one logarithm. In float64 their product cannot overflow on 256 grey levels.
        factors = torch.addcmul(ratio.new_ones(()), ratio[..., None, :], self.eigenvalues[..., None])
        if factors.dtype == torch.float64:
            return factors.prod(dim=-2).log2().sum(dim=(1, 2))
        return factors.log2().sum(dim=(1, 2, 3))


def mixtures(restored: Tensor, reference: Tensor, dtype: torch.dtype) -> Iterator[Band]:
    """The model of each level, fine to coarse, of grey levels (B, 1, H, W) with at least 72 pixels a side.

    The pyramid and the sums over whole bands are computed in `dtype`: in float32 that is several times as fast, and
    good to 2e-5 of VIF; IFC, which divides by the noise alone, needs float64. All that is a small difference of large
    sums is in the dtype of the images.
    """
    both = torch.cat([restored, reference]).to(dtype)
    for level, bands in enumerate(oriented_bands(both, levels=LEVELS, orientations=ORIENTATIONS)):
        h, w = (side // BLOCK * BLOCK for side in bands.shape[-2:])
        y, x = bands[:, 0, :, :h, :w].chunk(2)
        window = 2 ** (LEVELS - level) + 1
        rim = -(-(window // 2) // BLOCK)
        gain, noise = _channel(y.to(restored.dtype), x.to(restored.dtype), window)
        scale, eigenvalues = _source(x, restored.dtype)
        gain, noise, scale = (t[..., rim:-rim, rim:-rim].flatten(-2) for t in (gain, noise, scale))
        yield Band(gain, noise, scale, eigenvalues)


def _channel(y: Tensor, x: Tensor, window: int) -> tuple[Tensor, Tensor]:
    """Gain and noise of y = g x + noise in a square window around the centre of each block: two (B, 2, h/3, w/3)."""
    count = window**2
    mean_x, mean_y, xx, yy, xy = (_sums(t, window) for t in (x, y, x * x, y * y, x * y))
    xx = (xx - mean_x.square() / count).clamp(min=0)
    yy = (yy - mean_y.square() / count).clamp(min=0)
    xy = xy - mean_x * mean_y / count
    gain = xy / (xx + TINY)
    noise = (yy - gain * xy) / count
    nothing_sent, nothing_received = xx < TINY, yy < TINY
    noise = torch.where(nothing_sent | (gain < 0), yy, noise)  # a sum, not a mean: so it is in the releases
    gain = torch.where(nothing_sent | nothing_received, 0, gain).clamp(min=0)
    return gain, torch.where(nothing_received, TINY, noise).clamp(min=TINY)


def _sums(t: Tensor, window: int) -> Tensor:
    """Sums over a window around the centre of each 3x3 block, reflected about the edge pixels."""
    reach = window // 2
    t = F.pad(t, (reach - 1, reach - 1) * 2, mode="reflect")  # the first centre is pixel 1
    t = F.avg_pool2d(t, (1, window), (1, BLOCK))
    return F.avg_pool2d(t, (window, 1), (BLOCK, 1)) * window**2


def _source(x: Tensor, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Scale s of each block, (B, 2, h/3, w/3), and eigenvalues of the covariance C of all blocks, (B, 2, 9)."""
    h, w = x.shape[-2:]
    size = (h - BLOCK + 1, w - BLOCK + 1)
    corners = [(i, j) for i in range(BLOCK) for j in range(BLOCK)]
    overlapping = torch.stack([x[..., i : i + size[0], j : j + size[1]] for i, j in corners], dim=2).flatten(-2)
    mean = overlapping.mean(dim=-1, keepdim=True, dtype=dtype)
    covariance = (overlapping @ overlapping.mT).to(dtype) / overlapping.shape[-1] - mean @ mean.mT
    # A flat image has C = 0: the ridge makes that s = 0, and is far below rounding elsewhere.
    spread = covariance.diagonal(dim1=-2, dim2=-1).mean(dim=-1)[..., None, None]
    ridge = torch.finfo(dtype).eps * spread + 1e-20
    precision = torch.linalg.inv(covariance + ridge * torch.eye(BLOCK**2, dtype=dtype, device=x.device))
    blocks = torch.stack([x[..., i::BLOCK, j::BLOCK] for i, j in corners], dim=2).flatten(-2).to(dtype)
    scale = ((precision @ blocks) * blocks).mean(dim=2).clamp(min=0).unflatten(-1, (h // BLOCK, w // BLOCK))
    return scale, torch.linalg.eigvalsh(covariance).clamp(min=0)
