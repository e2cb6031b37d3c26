"""Where in a photograph its kernel is best seen: many strong edges, nothing burnt out."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib import contracts
from deblurlib.blind.edges import gradients

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the grey picture (Rec. 601)."""

BURNT = 0.98
"""From here a pixel counts as saturated: it no longer adds light up as the model says (our choice)."""

STRONGEST = 0.1
"""A gradient counts as no stronger than this, so that one edge does not outweigh a texture (our choice)."""


@dataclass(frozen=True)
class Window:
    """A part of a photograph, in pixels."""

    top: int
    left: int
    height: int
    width: int

    def cut(self, x: Tensor) -> Tensor:
        """The part itself.

        Raises:
            ValueError: it is empty, or reaches beyond the photograph.
        """
        h, w = x.shape[-2:]
        inside = 0 <= self.top <= h - self.height and 0 <= self.left <= w - self.width
        if min(self.height, self.width) < contracts.SMALLEST_SIDE or not inside:
            raise ValueError(f"window: {self} does not lie inside the photograph, {h}x{w} pixels.")
        return x[..., self.top : self.top + self.height, self.left : self.left + self.width]


def grey(image: Tensor) -> Tensor:
    """One channel from one or three: (B, 1, H, W).

    Example:
        >>> grey(torch.ones(1, 3, 2, 2)).shape
        torch.Size([1, 1, 2, 2])
    """
    if image.shape[1] == 1:
        return image
    weights = torch.tensor(LUMA, dtype=image.dtype, device=image.device).view(1, 3, 1, 1)
    return (image * weights).sum(dim=1, keepdim=True)


def choose_window(picture: Tensor, kernel_size: int, side: int) -> Window | None:
    """The window of a photograph with the most edges, as far as they are not saturated.

    Edges count by their strength, at most `STRONGEST`; pixels within half a kernel of a saturated one count nothing.
    For a batch, one window for all.

    Args:
        picture: (B, 1, H, W).
        kernel_size: Of the blur.
        side: Of the window; what a photograph lacks on one side is left out.

    Returns:
        The window, or None where the photograph is no larger.

    Raises:
        TypeError, ValueError: the side is not a whole number of at least twice the kernel's size.

    Example:
        >>> x = torch.zeros(1, 1, 100, 100)
        >>> x[..., 60:, 60:] = 0.5 * torch.rand(40, 40, generator=torch.Generator().manual_seed(0))
        >>> choose_window(x, 5, 40)
        Window(top=60, left=60, height=40, width=40)
    """
    if side < 2 * kernel_size:
        raise ValueError(f"window: {side} pixels are too few for a kernel of {kernel_size}, expected twice as many.")
    h, w = picture.shape[-2:]
    height, width = min(side, h), min(side, w)
    if (height, width) == (h, w):
        return None
    strength = gradients(picture).square().sum(dim=1, keepdim=True).sqrt().clamp(max=STRONGEST)
    burnt, half = (picture >= BURNT).to(picture), kernel_size // 2
    for box, margin in (((kernel_size, 1), (half, 0)), ((1, kernel_size), (0, half))):  # rows, then columns
        burnt = F.max_pool2d(burnt, box, stride=1, padding=margin)
    worth = (strength * (1 - burnt[..., :-1, :-1])).sum(dim=(0, 1)).double()
    table = F.pad(worth, (1, 0, 1, 0)).cumsum(0).cumsum(1)  # the sum of each rectangle from four values
    a, b = height - 1, width - 1
    sums = table[a:, b:] - table[:-a, b:] - table[a:, :-b] + table[:-a, :-b]
    best = sums >= sums.max() - 1e-9  # of equal ones the middle
    places = best.nonzero()
    top, left = places[len(places) // 2].tolist()
    return Window(top, left, height, width)
