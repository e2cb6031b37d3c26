"""A first guess at the size of a kernel, from the photograph alone."""

import math

import torch
from torch import Tensor

from deblurlib import contracts
from deblurlib.blind.coarse_to_fine import downsample
from deblurlib.blind.kernel_cleanup import prune, recentre, threshold
from deblurlib.blind.l0_gradient import l0_gradient
from deblurlib.blind.window import choose_window, grey

LARGEST, SMALLEST = 65, 9
"""Of the guesses, in pixels (our choice)."""

HALF = 0.5
"""The trial runs on a picture of half the side, four times as fast (our choice)."""

LIGHT, MARGIN = 0.95, 1.3
"""A path is as wide as the square that holds this part of its light; a frame is this much wider (our choice)."""

DUST = 0.1
"""Values below this part of the largest one, and loose parts with less light, are no path (our choice)."""

TRIALS = 4
"""At most (our choice)."""


def kernel_size_hint(blurred: Tensor) -> int:
    """Guess how large a kernel has to be: trials by `l0_gradient` on a picture of half the side, large frames first.

    Each frame is cut to the path that was found in the one before, until the path fills it. In a frame that is much too
    large errors scatter until they fill it, too: then half the frame is tried, and kept if the path leaves room there.
    It is a start and no measurement: a kernel too large costs time and some quality, one too small costs the result.

    Args:
        blurred: (B, C, H, W) in [0, 1], grey or RGB; one guess for all, the largest.

    Returns:
        Odd, from 9 to 65, and no more than a third of the smaller side, but at least 3.

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
    limit = max(3, min(LARGEST, min(picture.shape[-2:]) // 3) // 2 * 2 - 1)
    window = choose_window(picture, limit, 8 * LARGEST)
    picture = downsample(picture if window is None else window.cut(picture), HALF)
    size = math.ceil(limit * HALF) // 2 * 2 + 1
    if limit <= SMALLEST or size > min(picture.shape[-2:]):
        return limit
    width = _path(picture, size)
    if _framed(width) >= size > 2 * SMALLEST:
        smaller = size // 4 * 2 + 1
        inside = _path(picture, smaller)
        size, width = (smaller, inside) if _framed(inside) < smaller else (size, width)
    for _ in range(TRIALS - 1):
        if _framed(width) >= size:
            break
        size = _framed(width)
        width = _path(picture, size)
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


def _framed(width: int) -> int:
    """The side of a frame with room around a path."""
    return max(5, math.ceil(MARGIN * width) // 2 * 2 + 1)
