"""How good is a kernel? What it costs the restoration, and how alike it is to the true one."""

import torch
from torch import Tensor

from deblurlib import contracts
from deblurlib.metrics.alignment import CROP, align


def error_ratio(
    restored: Tensor,
    restored_with_truth: Tensor,
    reference: Tensor,
    *,
    max_shift: float = 5.0,
    crop: int = CROP,
    method: str = "levin",
    data_range: float = 1.0,
) -> Tensor:
    """Error ratio of Levin et al. (2009): how many times worse than with the true kernel.

    With x' the restoration by the estimated kernel, x'' that by the true kernel and the same deconvolution, both
    aligned with x as `align` does, and without a rim of `crop` pixels,

        ER = sum (x' - x)^2 / sum (x'' - x)^2

    A restoration counts as a success below 2 or 3. It is a ratio of sums of squares; papers that print 1.2 to 1.8
    throughout took the ratio of spectral norms (MATLAB's norm of a matrix), about its square root.

    Args:
        restored: (B, C, H, W) in [0, data_range], restored with the estimated kernel.
        restored_with_truth: Same shape, restored with the true kernel.
        reference: Same shape, the sharp image.
        max_shift: How far to look for the best place, in pixels; 0 does not align.
        crop: Rim of the reference that is left out, in pixels.
        method: As for `align`; the protocol's is 'levin'.
        data_range: The value of white.

    Returns:
        (B,) at least 0; infinite where the true kernel restores perfectly, 1 where both do.

    Raises:
        TypeError, ValueError: as `find_shift`.

    Example:
        >>> x = torch.rand(1, 1, 48, 48, generator=torch.Generator().manual_seed(0))
        >>> round(error_ratio(x + 0.02, x + 0.01, x).item(), 3)
        4.0
    """

    def error(image: Tensor) -> Tensor:
        aligned = align(image, reference, max_shift=max_shift, crop=crop, method=method, data_range=data_range)
        return (aligned - reference)[..., crop:-crop, crop:-crop].square().sum(dim=(1, 2, 3))

    worse, best = error(restored), error(restored_with_truth)
    return torch.where((worse == 0) & (best == 0), torch.ones_like(worse), worse / best)


def kernel_similarity(a: Tensor, b: Tensor) -> Tensor:
    """Kernel similarity of Hu and Yang (2012): the largest normalised correlation over all whole shifts.

        max over t of sum a(s) b(s + t) / (|a| |b|)

    Above 0.8 most methods look equally good by it: rank them by `error_ratio`. Kernels of different sizes compare as
    they are; turned by 180 degrees they do not.

    Args:
        a: (B or 1, 1, h, w), a kernel.
        b: (B or 1, 1, h', w'), another one.

    Returns:
        (B,) in [0, 1]; 1 for kernels that are equal up to a whole shift.

    Raises:
        TypeError, ValueError: not kernels, or batches that do not go together.

    Example:
        >>> a = torch.zeros(1, 1, 5, 5); a[..., 1, 1:4] = 1 / 3
        >>> b = torch.zeros(1, 1, 9, 9); b[..., 6, 2:5] = 1 / 3
        >>> round(kernel_similarity(a, b).item(), 4), round(kernel_similarity(a, b.mT).item(), 4)
        (1.0, 0.3333)
    """
    contracts.kernel(a, "a")
    contracts.kernel(b, "b")
    if a.dtype != b.dtype or a.device != b.device:
        raise ValueError(f"a is {a.dtype} on {a.device}, b is {b.dtype} on {b.device}.")
    if len(a) != len(b) and 1 not in (len(a), len(b)):
        raise ValueError(f"a batch of {len(a)} kernels does not go with one of {len(b)}.")
    return best_correlation(a, b)


def best_correlation(a: Tensor, b: Tensor) -> Tensor:
    """What `kernel_similarity` returns, of kernels that have been checked: (B,), with no look at their values."""
    size = [m + n - 1 for m, n in zip(a.shape[-2:], b.shape[-2:], strict=True)]
    spectrum = torch.fft.rfft2(a, s=size).conj() * torch.fft.rfft2(b, s=size)
    correlation: Tensor = torch.fft.irfft2(spectrum, s=size).amax(dim=(1, 2, 3))
    norms = a.square().sum(dim=(1, 2, 3)).sqrt() * b.square().sum(dim=(1, 2, 3)).sqrt()
    return (correlation / norms).clamp(max=1)
