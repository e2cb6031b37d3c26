"""The steerable pyramid: an image taken apart by scale and orientation, without aliasing."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from deblurlib import contracts

# The published filter design 'sp5Filters' of Simoncelli's matlabPyrTools (Karasaridis and Simoncelli, 1996), given
# here up to its symmetries. Low-pass and high-pass: row i of the octant holds the taps (i, i), (i, i + 1) ...
LOW_0 = ((0.00341614, -0.01551246, -0.03848215), (0.05586982, 0.1592557), (0.40304148,))
HIGH_0 = (
    (-0.00033429, -0.00113093, -0.00171484, -0.00133542, -0.00080639),
    (-0.00350017, -0.00243812, 0.00631653, 0.01261227),
    (-0.00290081, -0.00673482, -0.00981051),
    (-0.07027679, -0.11435863),
    (0.813802,),
)
LOW = (
    (0.00170808, -0.00489834, -0.00775624, -0.01888864, -0.01924108),
    (-0.01046562, -0.01322234, 0.008212, 0.02005976),
    (0.02793492, 0.06554076, 0.07962786),
    (0.12852666, 0.16339236),
    (0.2019308,),
)
# Band filters 0 and 1 of six, upper halves; the lower is the upper one turned by 180 degrees, with its sign changed.
BAND_0 = (
    (0.00277643, -0.00986904, -0.01021852, 0.0, 0.01021852, 0.00986904, -0.00277643),
    (0.00496194, -0.00893064, -0.03075356, 0.0, 0.03075356, 0.00893064, -0.00496194),
    (0.01026699, 0.01189859, -0.08226445, 0.0, 0.08226445, -0.01189859, -0.01026699),
    (0.01455399, 0.02755155, -0.11732297, 0.0, 0.11732297, -0.02755155, -0.01455399),
)
BAND_1 = (
    (-0.00343249, -0.00358461, 0.01047717, 0.00790407, 0.00459034, -0.00128, -0.01166982),
    (-0.00640815, -0.01977507, 0.01486305, 0.04435647, -0.00853965, -0.01161195, -0.00285723),
    (-0.00073141, -0.04084211, -0.04819057, 0.09454202, 0.05394139, -0.03930573, -0.00182078),
    (0.01124321, -0.00228219, -0.1222723, 0.0, 0.1222723, 0.00228219, -0.01124321),
)
ORIENTATIONS = 6


class Pyramid(NamedTuple):
    """An image of (B, C, H, W), taken apart.

    Attributes:
        highpass: (B, C, H, W), what is finer than the first level.
        bands: For each level, fine to coarse, (B, C, orientations, h, w), each of half the side of the one before.
        lowpass: (B, C, h, w), what is coarser than the last level, at half its side.
    """

    highpass: Tensor
    bands: tuple[Tensor, ...]
    lowpass: Tensor


def steerable_pyramid(x: Tensor, *, levels: int = 4) -> Pyramid:
    """The steerable pyramid of Simoncelli and Freeman (1995) with six orientations, by convolution.

    With x reflected about its edge pixels, H0, L0, L and B_k the fixed filters, and D taking every second sample,

        highpass = H0 x,    l_1 = L0 x,    bands_j = B_k l_j (k = 0 ... 5),    l_(j+1) = D L l_j,    lowpass = l_(n+1)

    It equals buildSpyr(x, levels, 'sp5Filters', 'reflect1') of matlabPyrTools and pyrtools'
    SteerablePyramidSpace(x, height=levels, order=5, edge_type='reflect1') to rounding. It is linear in x.

    Args:
        x: (B, C, H, W), float32 or float64, in any units.
        levels: Scales, each half the size of the one before.

    Returns:
        The pyramid, in the dtype of x.

    Raises:
        TypeError, ValueError: not an image, or smaller than 9 * 2^(levels - 1) pixels a side.

    Example:
        >>> pyramid = steerable_pyramid(torch.ones(1, 1, 72, 80))
        >>> [tuple(band.shape) for band in pyramid.bands]
        [(1, 1, 6, 72, 80), (1, 1, 6, 36, 40), (1, 1, 6, 18, 20), (1, 1, 6, 9, 10)]
        >>> round(pyramid.lowpass.mean().item(), 2), round(pyramid.bands[0].abs().max().item(), 6)
        (15.99, 0.0)
    """
    contracts.image(x, data_range=math.inf, smallest=smallest_side(levels))  # linear: any units will do
    return _take_apart(x, levels)


def smallest_side(levels: int) -> int:
    """The pixels a side that a pyramid of so many levels needs: its 9x9 filter fits into the coarsest.

    Raises:
        TypeError, ValueError: not a positive integer.
    """
    if isinstance(levels, bool) or not isinstance(levels, int):
        raise TypeError(f"levels: expected an integer, got {levels!r}.")
    if levels < 1:
        raise ValueError(f"levels: expected at least 1, got {levels}.")
    return int((2 * len(LOW) - 1) * 2 ** (levels - 1))


def oriented_bands(
    x: Tensor, *, levels: int = 4, orientations: tuple[int, ...] = tuple(range(ORIENTATIONS))
) -> list[Tensor]:
    """The bands of `steerable_pyramid` alone, for some orientations, of a tensor that has been checked.

    Returns:
        For each level, fine to coarse, (B, C, len(orientations), h, w).
    """
    return list(_take_apart(x, levels, orientations, residuals=False).bands)


def _take_apart(
    x: Tensor, levels: int, orientations: tuple[int, ...] = tuple(range(ORIENTATIONS)), *, residuals: bool = True
) -> Pyramid:
    filters = torch.stack([band_filters()[k] for k in orientations]).to(x)
    low = octant(LOW).to(x)
    highpass = _correlate(x, octant(HIGH_0).to(x)[None]).squeeze(2) if residuals else x.new_zeros(0)
    x = _correlate(x, octant(LOW_0).to(x)[None]).squeeze(2)
    bands = []
    for level in range(levels):
        bands.append(_correlate(x, filters))
        if residuals or level < levels - 1:
            x = _correlate(x, low[None], stride=2).squeeze(2)
    return Pyramid(highpass, tuple(bands), x)


def _correlate(x: Tensor, filters: Tensor, stride: int = 1) -> Tensor:
    """Correlation of (B, C, H, W) with K odd filters (K, n, n), reflected about the edge pixels: (B, C, K, h, w)."""
    reach = filters.shape[-1] // 2
    padded = F.pad(x, (reach,) * 4, mode="reflect")
    y = F.conv2d(padded.flatten(0, 1)[:, None], filters[:, None], stride=stride)
    return y.view(*x.shape[:2], *y.shape[1:])


def octant(rows: tuple[tuple[float, ...], ...]) -> Tensor:
    """The symmetric square filter of which `rows` holds an eighth, float64.

    Example:
        >>> octant(((1.0, 2.0), (3.0,)))
        tensor([[1., 2., 1.],
                [2., 3., 2.],
                [1., 2., 1.]], dtype=torch.float64)
    """
    n = len(rows)
    quarter = torch.zeros(n, n, dtype=torch.float64)
    for i, row in enumerate(rows):
        for j, tap in enumerate(row, start=i):
            quarter[i, j] = quarter[j, i] = tap
    half = torch.cat([quarter, quarter[:, :-1].flip(1)], dim=1)
    return torch.cat([half, half[:-1].flip(0)])


def band_filters() -> Tensor:
    """The six oriented filters, at steps of 30 degrees: (6, 7, 7) float64."""
    f0, f1 = (
        torch.cat([upper, -upper[:-1].flip(0, 1)])
        for upper in (torch.tensor(b, dtype=torch.float64) for b in (BAND_0, BAND_1))
    )
    return torch.stack([f0, f1, -f1.T, f0.rot90(), f1.rot90(), f1.flip(1)])
