"""The kernels of many straight motions at once, all of one size."""

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blur.kernels import delta, linear_motion


def motion_kernels(motions: Tensor) -> Tensor:
    """A kernel for each motion, padded to the size of the largest.

    Args:
        motions: (K, 2), length in pixels and angle in degrees, as `linear_motion` takes them; a motion of one pixel or
            less stays within the pixel, and is no motion.

    Returns:
        (K, 1, size, size).

    Raises:
        ValueError: another shape, or a length or angle that is not finite or is negative.

    Example:
        >>> motion_kernels(torch.tensor([[1.0, 0.0], [3.0, 90.0]]))[:, 0, :, 2].tolist()
        [[0.0, 0.0, 1.0, 0.0, 0.0], [0.0416666679084301, 0.2916666567325592, 0.3333333432674408, 0.2916666567325592, \
0.0416666679084301]]
    """
    if motions.ndim != 2 or motions.shape[1] != 2 or len(motions) == 0:
        raise ValueError(f"motions: expected shape (K, 2), lengths and angles, got {tuple(motions.shape)}.")
    drawn = [linear_motion(n, angle) if n > 1 else delta() for n, angle in motions.tolist()]
    size = max(k.shape[-1] for k in drawn)
    return torch.cat([F.pad(k, [(size - k.shape[-1]) // 2] * 4) for k in drawn])
