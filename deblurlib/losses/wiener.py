"""What a wrong kernel costs: the error of the filter that believes it."""

import torch
from torch import Tensor

from deblurlib.networks.guided_unet import COARSEST, DETAIL

GRAIN = 0.005
"""Standard deviation of the noise (our choice)."""

SMALLEST = 64
"""Side of the grid of frequencies, at least."""


def wiener_error(believed: Tensor, true: Tensor) -> Tensor:
    """Expected error of the Wiener filter of one kernel where another one blurred, in decibels.

    With W = conj(B) / (|B|^2 + N / S) it is 10 log10 of the mean over frequencies of S |1 - W K|^2 + N |W|^2: the mean
    squared error over all photographs of power S, as `GuidedUNet` takes it for granted. It is least where B = K.

    Args:
        believed: (B or 1, 1, h, w).
        true: (B or 1, 1, h, w), of the same height and width.

    Returns:
        (B,), in decibels against a squared error of 1.

    Raises:
        ValueError: kernels of two sizes.

    Example:
        >>> point, line = torch.zeros(2, 1, 1, 5, 5)
        >>> point[..., 2, 2], line[..., 2, :] = 1.0, 0.2
        >>> [round(float(wiener_error(k, line)), 1) for k in (point, line)]
        [-28.9, -33.2]
    """
    if believed.shape[1:] != true.shape[1:]:
        raise ValueError(f"believed has shape {tuple(believed.shape)}, true has {tuple(true.shape)}.")
    side = max(SMALLEST, *(2 * n for n in true.shape[-2:]))
    down = torch.fft.fftfreq(side, dtype=true.dtype, device=true.device)[:, None]
    across = torch.fft.rfftfreq(side, dtype=true.dtype, device=true.device)[None]
    power = DETAIL / (down.square() + across.square() + COARSEST**2)
    b, k = (torch.fft.rfft2(kernel, s=(side, side)) for kernel in (believed, true))  # shifted alike, which cancels
    wiener = b.conj() / (b.abs().square() + GRAIN**2 / power)
    error = power * (1 - wiener * k).abs().square() + GRAIN**2 * wiener.abs().square()
    twice = torch.full_like(power, 2.0)  # the half spectrum has most frequencies for two
    twice[:, 0], twice[:, -1] = 1.0, 1.0
    total: Tensor = (error * twice).sum(dim=(-3, -2, -1))
    return 10 * torch.log10(total / side**2)
