"""What a wrong kernel costs: the error of the filter that believes it."""

import torch
import torch.nn.functional as F
from torch import Tensor

DETAIL, COARSEST, GRAIN = 2e-4, 0.01, 0.005
"""The power of photographs is DETAIL / (f^2 + COARSEST^2), f in cycles a pixel; the noise's is GRAIN^2 (our choice)."""

SMALLEST = 64
"""Side of the grid of frequencies, at least."""


def wiener_error(believed: Tensor, true: Tensor) -> Tensor:
    """Expected error of the Wiener filter of one kernel where another one blurred, in decibels.

    With W = conj(B) / (|B|^2 + N / S) it is 10 log10 of the mean over frequencies of S |1 - W K|^2 + N |W|^2: the mean
    squared error over all photographs of power S. It is least where B = K.

    Args:
        believed: (B, 1, h, w).
        true: (B, 1, h, w).

    Returns:
        (B,), in decibels against a squared error of 1.

    Example:
        >>> point, line = torch.zeros(2, 1, 1, 5, 5)
        >>> point[..., 2, 2], line[..., 2, :] = 1.0, 0.2
        >>> [round(float(wiener_error(k, line)), 1) for k in (point, line)]
        [-28.9, -33.2]
    """
    side = max(SMALLEST, 2 * true.shape[-1])
    down = torch.fft.fftfreq(side, device=true.device)[:, None]
    across = torch.fft.rfftfreq(side, device=true.device)[None]
    power = DETAIL / (down.square() + across.square() + COARSEST**2)
    half = true.shape[-1] // 2

    def spectrum(kernel: Tensor) -> Tensor:
        room = side - kernel.shape[-1]
        found: Tensor = torch.fft.rfft2(F.pad(kernel, (0, room, 0, room)).roll((-half, -half), dims=(-2, -1)))
        return found

    b = spectrum(believed)
    wiener = b.conj() / (b.abs().square() + GRAIN**2 / power)
    error = power * (1 - wiener * spectrum(true)).abs().square() + GRAIN**2 * wiener.abs().square()
    twice = torch.full_like(power, 2.0)  # the half spectrum has most frequencies for two
    twice[:, 0], twice[:, -1] = 1.0, 1.0
    total: Tensor = (error * twice).sum(dim=(-3, -2, -1))
    return 10 * torch.log10(total / side**2)
