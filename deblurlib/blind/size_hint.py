"""A first guess at the size of a kernel, from the photograph alone."""

import math

import torch
from torch import Tensor

from deblurlib import contracts
from deblurlib.blind.coarse_to_fine import downsample
from deblurlib.blind.kernel_cleanup import prune, recentre, threshold
from deblurlib.blind.l0_gradient import l0_gradient
from deblurlib.blind.window import choose_window, grey

FRAMES = (11, 15, 21, 29, 37, 49, 65)
"""Sides of the trials, in pixels of the smaller picture, the smallest first (our choice)."""

HALF = 0.5
"""The trials run on a picture of half the side, four times as fast (our choice)."""

LARGEST, SMALLEST = 129, 9
"""Of the guesses, in pixels (our choice)."""

LIGHT, MARGIN = 0.95, 1.3
"""A path is as wide as the square that holds this part of its light; a frame is this much wider (our choice)."""

DUST = 0.1
"""Values below this part of the largest one, and loose parts with less light, are no path (our choice)."""


def kernel_size_hint(blurred: Tensor) -> int:
    """Guess how large a kernel has to be: trials by `l0_gradient` on a picture of half the side, small frames first.

    A path fills a frame that is too small for it, and in one that is much too large errors scatter. Between the two it
    has one width. The guess has room for the first path that leaves room in its trial, if the next larger trial finds
    one that fits there, too; or else for the path in the largest frame. It is a start and no measurement: a kernel too
    large costs time and some quality, one too small costs the result.

    Args:
        blurred: (B, C, H, W) in [0, 1], grey or RGB; one guess for all, the largest.

    Returns:
        Odd, from 9 to 129, and no more than a third of the smaller side, but at least 3.

    Raises:
        TypeError, ValueError: not an image.

    Example:
        >>> from deblurlib import blur, images
        >>> x = images.bundled("camera")
        >>> small, large = (kernel_size_hint(blur.Blur(blur.linear_motion(n, 20.0), "valid")(x)) for n in (7, 31))
        >>> 7 <= small < 31 <= large
        True
    """
    picture = grey(contracts.photograph(blurred, "blurred"))
    limit = max(3, (min(LARGEST, min(picture.shape[-2:]) // 3) + 1) // 2 * 2 - 1)
    if limit <= SMALLEST:
        return limit
    window = choose_window(picture, limit, 8 * LARGEST)
    picture = downsample(picture if window is None else window.cut(picture), HALF)
    last = math.ceil(limit * HALF) // 2 * 2 + 1
    before: int | None = None
    for size in [*(frame for frame in FRAMES if frame < last), last]:
        width = _path(picture, size)
        roomy = MARGIN * width <= size
        if roomy and before is not None and max(before, width) <= MARGIN * min(before, width):
            width = before
            break
        before = width if roomy else None
    return min(max(math.ceil(MARGIN * width / HALF) // 2 * 2 + 1, SMALLEST), limit)


def _path(picture: Tensor, size: int) -> int:
    """The width of the path that a trial finds in a frame of this size, the widest of a batch."""
    with torch.no_grad():
        kernel, _ = l0_gradient(picture, size)
    kernel = recentre(prune(threshold(kernel, DUST), DUST))
    reach = torch.arange(size, device=kernel.device) - size // 2
    distance = torch.maximum(reach.abs()[:, None], reach.abs())
    light = torch.stack([(kernel * (distance <= d)).sum(dim=(1, 2, 3)) for d in range(size // 2 + 1)])
    return 2 * int((light < LIGHT).sum(dim=0).max()) + 1
