"""The total variation of a picture that goes on beyond its frame, smooth where gradients vanish."""

import torch
import torch.nn.functional as F
from torch import Tensor

SMALLEST = 1e-3
"""Gradients are taken as this long at least where something divides by them (Perrone & Favaro 2014, released code)."""


def steps(u: Tensor) -> Tensor:
    """Forward differences across and down, none across the rim: (B, 1, H, W) -> (B, 2, H, W)."""
    across = F.pad(u[..., :, 1:] - u[..., :, :-1], (0, 1))
    down = F.pad(u[..., 1:, :] - u[..., :-1, :], (0, 0, 0, 1))
    return torch.cat([across, down], dim=1)


def steps_adjoint(v: Tensor) -> Tensor:
    """The adjoint of `steps`: (B, 2, H, W) -> (B, 1, H, W)."""
    across, down = v[:, :1, :, :-1], v[:, 1:, :-1, :]
    return F.pad(across, (1, 0)) - F.pad(across, (0, 1)) + F.pad(down, (0, 0, 1, 0)) - F.pad(down, (0, 0, 0, 1))


def clamped_length(v: Tensor, smallest: float = SMALLEST) -> Tensor:
    """How long each gradient is, at least `smallest`: (B, 2, H, W) -> (B, 1, H, W)."""
    return v.square().sum(dim=1, keepdim=True).sqrt().clamp_min(smallest)


def variation(u: Tensor, smallest: float = SMALLEST) -> Tensor:
    """The total variation of each picture of a batch, (B,): the sum of the lengths of its gradients.

    A length l below e = `smallest` counts as (l^2 / e + e) / 2, which meets l at e with the same slope (Huber).

    Example:
        >>> u = torch.zeros(1, 1, 3, 4); u[..., 2:] = 0.5
        >>> round(float(variation(u, 1e-9)), 4)
        1.5
    """
    v = steps(u)
    length = clamped_length(v, smallest)
    return ((v.square().sum(dim=1, keepdim=True) / length + length) / 2).sum(dim=(1, 2, 3))


def variation_gradient(u: Tensor, smallest: float = SMALLEST) -> Tensor:
    """The gradient of `variation`, -div (grad u / |grad u|): (B, 1, H, W).

    Example:
        >>> u = torch.zeros(1, 1, 1, 4); u[..., 2:] = 0.5
        >>> variation_gradient(u).flatten().tolist()
        [0.0, -1.0, 1.0, 0.0]
    """
    v = steps(u)
    return steps_adjoint(v / clamped_length(v, smallest))
