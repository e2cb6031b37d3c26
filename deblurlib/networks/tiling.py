"""Run a network on a photograph of any size in bounded memory, tile by overlapping tile."""

from collections.abc import Callable

import torch
from torch import Tensor


def tiled(network: Callable[[Tensor], Tensor], x: Tensor, *, tile: int = 512, overlap: int = 64) -> Tensor:
    """Apply a network tile by tile; the result equals the whole image's where the network is local.

    Each tile is read with `overlap` pixels of context on every side, and only its middle is kept. For a network without
    global statistics (no normalisation) whose receptive field reaches no further than the overlap, and whose tiles
    start on multiples of its stride, tiled and whole results are equal. Instance normalisation forbids it: each tile is
    divided by its own contrast, which no overlap can tell of the whole.

    Args:
        network: Takes and returns (B, C, h, w).
        x: (B, C, H, W).
        tile: Side of the part that is kept, in pixels; a multiple of the network's stride.
        overlap: Context in pixels; likewise.

    Returns:
        (B, C, H, W).

    Example:
        >>> from torch.nn import functional as F
        >>> x = torch.rand(1, 1, 70, 50)
        >>> box = lambda t: F.avg_pool2d(t, 3, stride=1, padding=1, count_include_pad=False)
        >>> bool(torch.allclose(tiled(box, x, tile=32, overlap=8), box(x)))
        True
    """
    height, width = x.shape[-2:]
    if max(height, width) <= tile + 2 * overlap:
        return network(x)
    result = torch.empty_like(x)
    for top in range(0, height, tile):
        for left in range(0, width, tile):
            y0, x0 = max(0, top - overlap), max(0, left - overlap)
            y1, x1 = min(height, top + tile + overlap), min(width, left + tile + overlap)
            part = network(x[..., y0:y1, x0:x1])
            bottom, right = min(height, top + tile), min(width, left + tile)
            result[..., top:bottom, left:right] = part[..., top - y0 : bottom - y0, left - x0 : right - x0]
    return result
