"""Which edges a kernel step may trust."""

import math

import torch
from torch import Tensor


def gradients(x: Tensor) -> Tensor:
    """Differences between neighbours, across and down, where both have them: (B, 1, H, W) -> (B, 2, H - 1, W - 1)."""
    across = x[..., :-1, 1:] - x[..., :-1, :-1]
    down = x[..., 1:, :-1] - x[..., :-1, :-1]
    return torch.cat([across, down], dim=1)


def inner(gradient: Tensor, kernel_size: int) -> Tensor:
    """Set gradients nearer to the frame than half a kernel to zero: part of their blur lies outside the photograph.

    Without it a kernel step explains what came in from beyond the frame, and what a transform wraps round, by wrong
    parts of the kernel. None of the released codes does it.

    Args:
        gradient: (B, 2, H, W).
        kernel_size: Odd; the rim is at most a quarter of the picture.
    """
    h, w = gradient.shape[-2:]
    rim = min(kernel_size // 2, min(h, w) // 4)
    mask = torch.zeros_like(gradient[:1, :1])
    mask[..., rim : h - rim, rim : w - rim] = 1
    return gradient * mask


def strength_threshold(gradient: Tensor, count: int) -> Tensor:
    """The largest squared strength that leaves `count` pixels or more in each of four directions: (B, 1, 1, 1).

    The directions are quarters of the half circle of atan(gy / gx), as in Cho and Lee (2009), so that the kernel is
    seen from all sides; 0 where a direction has fewer pixels than that.

    Args:
        gradient: (B, 2, H, W), across and down.
        count: Pixels of each direction.
    """
    strength = gradient.square().sum(dim=1).flatten(1)
    angle = torch.atan2(gradient[:, 1], gradient[:, 0]).flatten(1) % math.pi
    quarter = (angle / (math.pi / 4)).floor().clamp(max=3)
    count = min(count, strength.shape[1])
    if count == 0:
        return torch.zeros_like(strength[:, :1, None, None])
    weakest = [torch.where(quarter == q, strength, 0.0).topk(count, dim=1).values[:, -1] for q in range(4)]
    return torch.stack(weakest).amin(dim=0).view(-1, 1, 1, 1)


def select(gradient: Tensor, threshold: Tensor, relax: float = 0.81) -> tuple[Tensor, Tensor]:
    """Set gradients of a squared strength below the threshold to zero; lower it by `relax` until something is left.

    Args:
        gradient: (B, 2, H, W).
        threshold: (B, 1, 1, 1).
        relax: Below 1 (released code of Cho and Lee's step in Pan et al.: 0.81).

    Returns:
        The strong gradients, and the threshold that was used.
    """
    strength = gradient.square().sum(dim=1, keepdim=True)
    most = strength.amax(dim=(-2, -1), keepdim=True)
    tiny = torch.finfo(most.dtype).tiny
    steps = (torch.log(most.clamp_min(tiny) / threshold.clamp_min(tiny)) / math.log(relax)).ceil().clamp(min=0)
    threshold = torch.where(most < threshold, torch.minimum(threshold * relax**steps, most), threshold)
    return gradient * (strength >= threshold), threshold
