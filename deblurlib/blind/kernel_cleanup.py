"""Keeping an estimate a kernel: no negative values, no dust, in the middle of its frame, sum one."""

import torch
import torch.nn.functional as F
from torch import Tensor


def normalise(kernel: Tensor) -> Tensor:
    """Clip to non-negative values, and divide by the sum; what has no light at all becomes a point at the centre.

    Example:
        >>> normalise(torch.tensor([[[[-1.0, 3.0, 1.0]]]])).flatten().tolist()
        [0.0, 0.75, 0.25]
    """
    kernel = kernel.clamp(min=0)
    total = kernel.sum(dim=(-2, -1), keepdim=True)
    point = torch.zeros_like(kernel)
    point[..., kernel.shape[-2] // 2, kernel.shape[-1] // 2] = 1.0
    return torch.where(total > 0, kernel / total.clamp_min(torch.finfo(kernel.dtype).tiny), point)


def threshold(kernel: Tensor, part: float) -> Tensor:
    """Cut values below `part` of the largest one, and normalise.

    Example:
        >>> threshold(torch.tensor([[[[0.02, 0.49, 0.49]]]]), 0.05).flatten().tolist()
        [0.0, 0.5, 0.5]
    """
    return normalise(kernel * (kernel >= part * kernel.amax(dim=(-2, -1), keepdim=True)))


def components(kernel: Tensor) -> Tensor:
    """Number the connected parts of a kernel, of eight neighbours each, for a whole batch at once.

    Each pixel is a tree of its own at first. In each round every tree that touches another one joins the highest number
    around, as in Borůvka's algorithm, so that trees at least double: floor(log2(h w)) rounds are enough for any shape,
    and nobody has to look whether they were. Two trees that choose each other are the only cycle (with three, each
    would have to be higher than the one before the last), and the higher one of them stays.

    Args:
        kernel: (B, 1, h, w), its light above 0.

    Returns:
        (B, 1, h, w) int64: 0 in the dark, and one number from 1 for each part, the largest of h w raster numbers in it.

    Example:
        >>> components(torch.tensor([[[[1.0, 0.0, 1.0, 1.0]]]])).flatten().tolist()
        [1, 0, 4, 4]
    """
    h, w = kernel.shape[-2:]
    own = torch.arange(h * w + 1, device=kernel.device).expand(len(kernel), -1)
    lit = (kernel > 0).flatten(1)
    numbers = own[:, 1:] * lit
    for joined in range((h * w).bit_length() - 1):
        around = F.unfold(numbers.to(torch.float32).view(-1, 1, h, w), 3, padding=1).long()
        highest = torch.where(around == numbers[:, None], 0, around).amax(dim=1) * lit
        parent = torch.zeros_like(own).scatter_reduce(1, numbers, highest, "amax")
        parent = torch.where(parent > 0, parent, own)
        mutual = (parent.gather(1, parent) == own) & (own > parent)
        parent = torch.where(mutual, own, parent)
        for _ in range((h * w >> joined).bit_length()):  # a chain of trees, half as long each time
            parent = parent.gather(1, parent)
        numbers = parent.gather(1, numbers)
    return numbers.view_as(kernel)


def prune(kernel: Tensor, mass: float) -> Tensor:
    """Drop the connected parts that hold less light than `mass`, but never the heaviest one, and normalise.

    The default of Pan et al. (2014), 0.1, is the largest single source of failures on Levin's pictures, whose long
    trajectories break into parts at times.

    Args:
        kernel: (B, 1, h, w), sum 1.
        mass: From 0 to 1.

    Example:
        >>> k = torch.tensor([[[[0.03, 0.0, 0.97]]]])
        >>> [prune(k, mass).flatten().tolist()[0] > 0 for mass in (0.02, 0.1)]
        [True, False]
    """
    kernel = normalise(kernel)
    numbers = components(kernel).flatten(1)
    values = kernel.flatten(1)
    light = values.new_zeros(values.shape[0], values.shape[1] + 1).scatter_add(1, numbers, values)
    light[:, 0] = 0
    enough = light.amax(dim=1, keepdim=True).clamp(max=mass)
    kept = (light >= enough).gather(1, numbers) & (numbers > 0)
    return normalise((values * kept).view_as(kernel))


def centroid(kernel: Tensor) -> Tensor:
    """Where the light of a kernel lies, in pixels from the centre h // 2: (B, 2), down and across.

    Example:
        >>> centroid(torch.tensor([[[[0.0, 0.5, 0.5]]]])).tolist()
        [[0.0, 0.5]]
    """
    h, w = kernel.shape[-2:]
    rows = torch.arange(h, dtype=kernel.dtype, device=kernel.device) - h // 2
    columns = torch.arange(w, dtype=kernel.dtype, device=kernel.device) - w // 2
    total = kernel.sum(dim=(-3, -2, -1))
    down = (kernel.sum(dim=(-3, -1)) * rows).sum(dim=-1) / total
    across = (kernel.sum(dim=(-3, -2)) * columns).sum(dim=-1) / total
    return torch.stack([down, across], dim=1)


def moved(kernel: Tensor, by: Tensor, *, repeat: bool = False) -> Tensor:
    """Move each picture of a batch by whole pixels of its own; zeros come in, or the rim is repeated.

    Args:
        kernel: (B, C, h, w).
        by: (B, 2) int64, down and across.
        repeat: The rim.
    """
    for axis, n in ((0, kernel.shape[-2]), (1, kernel.shape[-1])):
        source = torch.arange(n, device=kernel.device) - by[:, axis, None]
        inside = (source >= 0) & (source < n)
        shape = (-1, 1, n, 1) if axis == 0 else (-1, 1, 1, n)
        index = source.clamp(0, n - 1).view(shape).expand_as(kernel)
        kernel = kernel.gather(-2 + axis, index)
        kernel = kernel if repeat else kernel * inside.view(shape)
    return kernel


def recentre(kernel: Tensor) -> Tensor:
    """Move a kernel by whole pixels so that its centroid lies at the centre, and normalise.

    Example:
        >>> recentre(torch.tensor([[[[1.0, 0.0, 0.0]]]])).flatten().tolist()
        [0.0, 1.0, 0.0]
    """
    return normalise(moved(kernel, -centroid(kernel).round().long()))


def follow(u: Tensor, kernel: Tensor) -> Tensor:
    """Move a picture against the way that `recentre` moves its kernel, so that both still fit."""
    return moved(u, centroid(kernel).round().long(), repeat=True)
