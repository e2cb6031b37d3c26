"""Predicting the sharp edges that a blurred picture came from: smooth, sharpen, keep what can be trusted."""

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blind.edges import gradients


def bilateral(x: Tensor, radius: int, spatial: float, tonal: float) -> Tensor:
    """The bilateral filter: an average over neighbours that are near and alike (Tomasi & Manduchi 1998).

    Args:
        x: (B, 1, H, W).
        radius: Of the square window.
        spatial: Standard deviation of the distance, in pixels.
        tonal: Standard deviation of the difference in value.

    Example:
        >>> x = torch.zeros(1, 1, 8, 8); x[..., 4:] = 1.0
        >>> bool((bilateral(x, 2, 2.0, 0.05) - x).abs().max() < 1e-6)
        True
    """
    padded = F.pad(x, (radius,) * 4, mode="replicate")
    h, w = x.shape[-2:]
    total, weights = torch.zeros_like(x), torch.zeros_like(x)
    for dy in range(2 * radius + 1):
        for dx in range(2 * radius + 1):
            neighbour = padded[..., dy : dy + h, dx : dx + w]
            distance = (dy - radius) ** 2 + (dx - radius) ** 2
            weight = torch.exp((neighbour - x).square() / (-2 * tonal**2) - distance / (2 * spatial**2))
            total, weights = total + weight * neighbour, weights + weight
    return total / weights


def gaussian_smooth(x: Tensor, sigma: float) -> Tensor:
    """A Gaussian filter whose frame goes on beyond the frame."""
    radius = max(1, round(3 * sigma))
    t = torch.arange(-radius, radius + 1, dtype=x.dtype, device=x.device)
    taps = torch.exp(-t.square() / (2 * sigma**2))
    taps = taps / taps.sum()
    padded = F.pad(x, (radius,) * 4, mode="replicate")
    return F.conv2d(F.conv2d(padded, taps.view(1, 1, -1, 1)), taps.view(1, 1, 1, -1))


def shock_filter(x: Tensor, step: float, times: int = 1) -> Tensor:
    """The shock filter of Osher and Rudin (1990): u <- u - step sign(u_nn) |grad u|, slopes become steps.

    u_nn is the second derivative along the gradient; |grad u| takes on each axis the smaller of the two one-sided
    differences, or none where they disagree in sign (minmod), so that no new extremes appear.

    Args:
        x: (B, 1, H, W).
        step: Of time, at most 1.
        times: Steps.

    Example:
        >>> ramp = torch.tensor([0.0, 0.0, 0.1, 0.5, 0.9, 1.0, 1.0]).expand(1, 1, 7, 7)
        >>> bool((shock_filter(ramp, 0.5).diff(dim=-1).amax() > ramp.diff(dim=-1).amax()))
        True
    """
    for _ in range(times):
        p = F.pad(x, (1, 1, 1, 1), mode="replicate")
        middle = p[..., 1:-1, 1:-1]
        up, down, left, right = p[..., :-2, 1:-1], p[..., 2:, 1:-1], p[..., 1:-1, :-2], p[..., 1:-1, 2:]
        gy, gx = (down - up) / 2, (right - left) / 2
        yy, xx = down - 2 * middle + up, right - 2 * middle + left
        xy = (p[..., 2:, 2:] - p[..., 2:, :-2] - p[..., :-2, 2:] + p[..., :-2, :-2]) / 4
        along = gx.square() * xx + 2 * gx * gy * xy + gy.square() * yy
        slope = torch.hypot(_minmod(right - middle, middle - left), _minmod(down - middle, middle - up))
        x = x - step * torch.sign(along) * slope
    return x


def _minmod(a: Tensor, b: Tensor) -> Tensor:
    return torch.where(a * b > 0, torch.minimum(a.abs(), b.abs()), 0.0)


def usefulness(blurred: Tensor, side: int = 5, noise: float = 0.5) -> Tensor:
    """The r-map of Xu and Jia (2010): |sum of the gradients| / (sum of their strengths + noise) in a window.

    Gradients of one edge add up; those of details smaller than the kernel, which mislead, cancel.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        side: Odd, of the window (released re-implementation: 5).
        noise: Keeps flat parts out (paper: 0.5).

    Returns:
        (B, 1, H - 1, W - 1) in [0, 1).
    """
    g = gradients(blurred)
    both = torch.cat([g, g.square().sum(dim=1, keepdim=True).sqrt()], dim=1)
    total = F.avg_pool2d(both, side, stride=1, padding=side // 2) * side**2
    return total[:, :2].square().sum(dim=1, keepdim=True).sqrt() / (total[:, 2:] + noise)
