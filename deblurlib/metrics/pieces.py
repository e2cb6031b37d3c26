"""A batch in pieces that a processor's cache holds."""

from collections.abc import Callable

import torch
from torch import Tensor

PIECE = 2**17
"""Pixels in a piece: two images of 256x256. With whole batches memory is what limits the speed, twofold."""


def in_pieces(metric: Callable[[Tensor, Tensor], Tensor], restored: Tensor, reference: Tensor) -> Tensor:
    """Apply a metric to a batch: on a CPU a few images at a time, on another device all at once.

    Args:
        metric: Of two (B, C, H, W), to (B, ...).
        restored: (B, C, H, W).
        reference: Same shape.

    Returns:
        What `metric` gives for all.
    """
    size = max(1, PIECE // restored[0, 0].numel()) if restored.device.type == "cpu" else len(restored)
    if len(restored) <= size:
        return metric(restored, reference)
    pieces = zip(torch.split(restored, size), torch.split(reference, size), strict=True)
    return torch.cat([metric(x, y) for x, y in pieces])
