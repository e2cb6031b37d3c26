"""The pyramid of every blind method: a small kernel on a small picture first, then a larger one, and so on."""

import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blind.kernel_cleanup import normalise, recentre, threshold


@dataclass(frozen=True)
class Pyramid:
    """How the scales follow each other."""

    ratio: float = math.sqrt(0.5)
    """Of the sizes of neighbouring scales (Levin et al. 2011, released code; Pan et al. 2014 the same)."""
    smallest: int = 5
    """The kernel of the coarsest scale has about this size (released codes)."""
    last_threshold: float = 1 / 20
    """Values of the last kernel below this part of its largest one are cut (Pan et al. 2014, released code)."""

    def levels(self, kernel_size: int) -> list[tuple[float, int]]:
        """The factor of each scale and the size of its kernel, the coarsest first.

        Example:
            >>> [size for factor, size in Pyramid().levels(19)]
            [7, 11, 15, 19]
        """
        extra = max(0, math.floor(math.log(self.smallest / kernel_size) / math.log(self.ratio) + 1e-9))
        factors = [self.ratio**level for level in range(extra, -1, -1)]
        return [(factor, math.ceil(kernel_size * factor - 1e-9) // 2 * 2 + 1) for factor in factors]

    def smaller(self, image: Tensor, factor: float) -> Tensor:
        """The photograph at a scale."""
        return downsample(image, factor)


@dataclass(frozen=True)
class Scale:
    """One scale of the pyramid: the picture, and the size that its kernel has."""

    index: int
    """From 0, the coarsest."""
    factor: float
    """Side of the picture over that of the photograph."""
    size: int
    """Side of the kernel."""
    blurred: Tensor
    """(B, 1, h, w)."""


@dataclass(frozen=True)
class Round:
    """What a blind method has after one round: for films, progress bars and histories."""

    scale: int
    """From 0, the coarsest."""
    iteration: int
    """From 1, within the scale."""
    kernel: Tensor
    """(B, 1, n, n)."""
    latent: Tensor
    """(B, 1, h, w), the sharp picture as the method sees it; or its gradients, (B, 2, h, w)."""


Watch = Callable[[Round], None]
Rounds = Callable[[Scale, Tensor], Iterator[tuple[Tensor, Tensor]]]
"""The rounds of one scale: from the scale and the kernel to begin with, one (kernel, latent) after another."""


def scales(blurred: Tensor, kernel_size: int, pyramid: Pyramid) -> Iterator[Scale]:
    """The scales of a photograph, the coarsest first; those too small for their kernel are left out.

    Args:
        blurred: (B, 1, H, W).
        kernel_size: Odd, of the finest scale.
        pyramid: Ratio and smallest size.

    Example:
        >>> [(s.size, s.blurred.shape[-1]) for s in scales(torch.rand(1, 1, 90, 90), 19, Pyramid())]
        [(7, 31), (11, 43), (15, 62), (19, 90)]
    """
    index = 0
    for factor, size in pyramid.levels(kernel_size):
        picture = pyramid.smaller(blurred, factor)
        if factor < 1 and min(picture.shape[-2:]) < 2 * size:
            continue
        yield Scale(index, factor, size, picture)
        index += 1


def downsample(image: Tensor, factor: float) -> Tensor:
    """Make a picture smaller: a Gaussian against aliasing, then bilinear sampling, without what needs pixels beyond.

    The Gaussian is exp(-2 (factor i)^2), its tails of 5 % on either side cut (Levin et al. 2011, released code).

    Args:
        image: (B, C, H, W).
        factor: Above 0, at most 1.

    Example:
        >>> downsample(torch.ones(1, 1, 20, 20), 0.5).unique().tolist()
        [1.0]
    """
    if factor == 1:
        return image
    weights = [math.exp(-2 * (factor * i) ** 2) for i in range(-50, 51)]
    least = 0.05 * sum(weights)
    reach = 50 - sum(tail <= least for tail in itertools.accumulate(weights))
    taps = torch.exp(-2 * (factor * torch.arange(-reach, reach + 1, dtype=torch.float64, device=image.device)).square())
    taps = (taps / taps.sum()).to(image)
    channels = image.shape[1]
    for shape in ((1, 1, -1, 1), (1, 1, 1, -1)):
        image = F.conv2d(image, taps.view(shape).expand(channels, -1, -1, -1), groups=channels)
    rows, columns = (_sampling(n, factor, image) for n in image.shape[-2:])
    return rows @ image @ columns.mT


def _sampling(n: int, factor: float, like: Tensor) -> Tensor:
    """The matrix that reads n values at 0, 1 / factor, 2 / factor ... with linear interpolation."""
    places = torch.arange(0, n - 1 + 1e-9, 1 / factor, dtype=torch.float64, device=like.device)
    grid = torch.arange(n, dtype=torch.float64, device=like.device)
    return (1 - (places[:, None] - grid).abs()).clamp(min=0).to(like)


def enlarge(kernel: Tensor, size: int, ratio: float) -> Tensor:
    """Carry a kernel to the next finer scale: bicubic interpolation about its centre, no negative values, sum 1.

    Args:
        kernel: (B, 1, n, n).
        size: The odd side to return.
        ratio: The magnification, above 1.

    Example:
        >>> k = torch.zeros(1, 1, 5, 5); k[..., 2, 1:4] = 1 / 3
        >>> enlarge(k, 7, 2**0.5)[0, 0, 3].sum() > 0.6
        tensor(True)
    """
    n = kernel.shape[-1]
    places, taps = (torch.arange(m, dtype=torch.float64, device=kernel.device) - m // 2 for m in (size, n))
    distance = (places[:, None] / ratio - taps).abs()
    near = 1.5 * distance**3 - 2.5 * distance**2 + 1  # Keys (1981) with a = -1/2, as MATLAB's imresize
    far = -0.5 * distance**3 + 2.5 * distance**2 - 4 * distance + 2
    weights = torch.where(distance < 1, near, torch.where(distance < 2, far, 0.0)).to(kernel)
    return normalise((weights @ kernel @ weights.mT).clamp(min=0))


def coarse_to_fine(
    blurred: Tensor,
    kernel_size: int,
    rounds: Rounds,
    *,
    pyramid: Pyramid,
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """Run the rounds of a method scale by scale, each scale from the kernel of the scale before.

    The coarsest scale begins with two taps of one half side by side (Levin et al. 2011, released code). At the end of
    each scale the kernel moves by whole pixels so that its centroid lies at the centre.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        kernel_size: Odd, at least 3.
        rounds: What the method does at one scale.
        pyramid: How the scales follow each other.
        watch: Called with a `Round` after each.

    Returns:
        The kernel (B, 1, kernel_size, kernel_size), and the last latent picture.
    """
    kernel = latent = blurred
    before = 1.0
    for scale in scales(blurred, kernel_size, pyramid):
        first = enlarge(kernel, scale.size, scale.factor / before) if scale.index else two_taps(scale.size, blurred)
        for iteration, (kernel, latent) in enumerate(rounds(scale, first), start=1):
            if watch is not None:
                watch(Round(scale.index, iteration, kernel, latent))
        kernel, before = recentre(kernel), scale.factor
    return recentre(threshold(kernel, pyramid.last_threshold)), latent


def two_taps(size: int, like: Tensor) -> Tensor:
    """The kernel to begin with, (B, 1, size, size): one half at the centre, one half at its left."""
    kernel = like.new_zeros(like.shape[0], 1, size, size)
    kernel[..., size // 2, size // 2 - 1 : size // 2 + 1] = 0.5
    return kernel
