"""Restoring a large photograph in overlapping tiles, so that the memory depends on the tile."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from deblurlib import contracts
from deblurlib.deconvolution.direct import signal_power, wiener
from deblurlib.deconvolution.hand_made import hyper_laplacian, l0_gradient

UNCUT = (hyper_laplacian, l0_gradient)
"""Methods whose step jumps: what a frame changes, however little, carries a pixel over the jump, overlap or not."""

OVERLAP = 5
"""Kernel sizes that two tiles share, as a rule (our choice): with total variation they then agree to 1e-3."""

SMALLEST = 64
"""Pixels that two tiles share at least: a weak prior rings further than a small kernel is wide (our choice)."""


def in_tiles(
    method: Callable[..., Tensor],
    blurred: Tensor,
    kernel: Tensor,
    *,
    tile: int = 1024,
    overlap: int | None = None,
    **options: object,
) -> Tensor:
    """Call `method(tile, kernel, **options)` on overlapping tiles, and join the results with smooth weights.

    In the middle half of an overlap the weights go over from one tile to the next, linearly; the outer quarters, where
    the frame of a tile rings, count for nothing. `wiener` is told the signal power of the whole photograph. Away from
    the frame the result equals the whole photograph's to 1e-3.

    `hyper_laplacian` and `l0_gradient` restore the whole, whatever the tile: their step jumps, and of the differences
    that lie within rounding of the jump some would fall on the other side, tile by tile, and move pixels by hundredths
    even where ten kernel sizes overlap. Their engine takes the step by blocks of rows, and `hyper_laplacian` channel by
    channel, so that a photograph of 12 megapixels needs well below 4 GiB.

    Args:
        method: Any `f(blurred, kernel, **options)` that returns an image of the same shape.
        blurred: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        tile: Pixels a side, overlap included, at most; more than two overlaps. A photograph no larger is not cut.
        overlap: Pixels that neighbours share; without one, five kernel sizes and at least 64.
        options: For `method`.

    Returns:
        (B, C, H, W).

    Raises:
        TypeError, ValueError: a broken contract, or a tile too small for its overlaps, where one is cut.

    Example:
        >>> from deblurlib import images
        >>> from deblurlib.blur import gaussian
        >>> from deblurlib.deconvolution import total_variation
        >>> y, k = images.bundled("camera")[..., 100:310, 200:300], gaussian(5, 1.0)
        >>> tiled = in_tiles(total_variation, y, k, tile=144)
        >>> bool((tiled - total_variation(y, k)).abs()[..., 5:-5, 5:-5].mean() < 1e-4)
        True
    """
    contracts.image(blurred, "blurred")
    contracts.fits(blurred, contracts.kernel(kernel), "blurred")
    if method is wiener and "signal" not in options:
        kept = {name: value for name, value in options.items() if name in ("noise", "prior", "boundary")}
        options["signal"] = signal_power(blurred, kernel, **kept)  # type: ignore[arg-type]
    if method in UNCUT or max(blurred.shape[-2:]) <= tile:
        return method(blurred, kernel, **options)
    if overlap is None:
        overlap = max(SMALLEST, OVERLAP * max(kernel.shape[-2:]))
    if overlap < 0 or tile <= 2 * overlap or tile < max(kernel.shape[-2:]):
        raise ValueError(
            f"tile: {tile} pixels are too few for overlaps of {overlap} and a kernel of {tuple(kernel.shape[-2:])}; "
            f"take more than {max(2 * overlap, *kernel.shape[-2:])}, or a smaller overlap."
        )
    rows, columns = _spans(blurred.shape[-2], tile, overlap), _spans(blurred.shape[-1], tile, overlap)
    x = torch.zeros_like(blurred)
    for top, bottom in rows:
        for left, right in columns:
            part = method(blurred[..., top:bottom, left:right], kernel, **options)
            down = _weights(top, bottom, rows, blurred)
            across = _weights(left, right, columns, blurred)
            x[..., top:bottom, left:right] += part * (down[:, None] * across)
    return x


def _spans(n: int, tile: int, overlap: int) -> list[tuple[int, int]]:
    """Where tiles begin and end along an axis of n pixels: as few as fit, of nearly equal size."""
    if n <= tile:
        return [(0, n)]
    count = -(-(n - overlap) // (tile - overlap))
    step = (n - overlap) / count  # a tile is a step and an overlap long
    starts = [round(i * step) for i in range(count)]
    ends = [round((i + 1) * step) + overlap for i in range(count)]
    return list(zip(starts, ends, strict=True))


def _weights(start: int, end: int, spans: list[tuple[int, int]], like: Tensor) -> Tensor:
    """Of one tile along an axis; the weights of all tiles add up to one at every pixel."""
    place = torch.arange(start, end, dtype=like.dtype, device=like.device) + 0.5
    weights = torch.ones_like(place)
    for (_, before_ends), (after_starts, _) in pairwise(spans):
        shared = max(before_ends - after_starts, 1)
        middle = (before_ends + after_starts) / 2
        ramp = ((place - middle) / (shared / 2) + 0.5).clamp(0, 1)
        if after_starts == start:
            weights = weights * ramp
        elif before_ends == end:
            weights = weights * (1 - ramp)
    return weights
