"""Circular convolution by FFT, laid out for the caches of a processor."""

import torch
from torch import Tensor

LARGE = 2**16
"""Pixels. Larger images of a batch go through the transforms one after another, to stay in the cache (our choice)."""


KEPT = 31 * 2**20
"""Bytes, below the 32 MiB that glibc's threshold may rise to."""


def keep_freed_blocks() -> None:
    """Let a Linux process keep the blocks that it frees, in place of returning them page by page to the system.

    Once glibc has freed a block, blocks up to that size are kept for the next use (mallopt(3), the dynamic
    M_MMAP_THRESHOLD). Without it half the time of blurring a megapixel goes into fresh pages. Elsewhere nothing comes
    of it.

    Example:
        >>> keep_freed_blocks()
    """
    torch.empty(KEPT, dtype=torch.uint8, device="cpu")  # freed at once, and never touched


def fast_length(n: int, primes: tuple[int, ...] = (2, 3, 5)) -> int:
    """The smallest FFT length >= n whose prime factors are all among `primes`.

    Example:
        >>> fast_length(542)
        576
    """
    while True:
        rest = n
        for prime in primes:
            while rest % prime == 0:
                rest //= prime
        if rest == 1:
            return n
        n += 1


def circular(x: Tensor, transfer: Tensor) -> Tensor:
    """Convolution on a circle, irfft2(rfft2(x) K), rows and columns apart.

    Where rfft2 lays out its columns side by side, and irfft2 walks across them again, the two halves of each are
    quicker on a CPU.

    Args:
        x: (B, C, H, W).
        transfer: (B or 1, 1, H, W // 2 + 1) complex, best in columns: `in_columns`.

    Returns:
        (B, C, H, W).

    Example:
        >>> from deblurlib.blur import transfer_function
        >>> k = torch.tensor([[[[0.25, 0.5, 0.25]]]])
        >>> circular(torch.eye(4)[None, None], transfer_function(k, (4, 4)))[0, 0, 0].tolist()
        [0.5, 0.25, 0.0, 0.25]
    """
    if x.device.type != "cpu" or x.shape[-2] * x.shape[-1] < LARGE:
        return _circular(x, transfer)
    kernels = transfer.expand(*x.shape[:2], -1, -1).flatten(0, 1)
    results = [_circular(image, kernel) for image, kernel in zip(x.flatten(0, 1), kernels, strict=True)]
    return (torch.stack(results) if len(results) > 1 else results[0]).view(x.shape)


def _circular(x: Tensor, transfer: Tensor) -> Tensor:
    spectrum = torch.fft.fft(torch.fft.rfft(x), dim=-2)
    # In place it is a fifth faster, which autograd allows unless the kernel learns.
    spectrum = spectrum * transfer if transfer.requires_grad else spectrum.mul_(transfer)
    columns = torch.fft.ifft(spectrum, dim=-2)
    if x.dim() == 2 and x.shape[0] * x.element_size() % 512 == 0:
        columns = columns.contiguous()  # steps of many KiB fall into one set of the cache; a transpose goes by blocks
    y: Tensor = torch.fft.irfft(columns, n=x.shape[-1])
    return y


def in_columns(transfer: Tensor) -> Tensor:
    """The same numbers, column after column in memory, as `circular` has its spectrum."""
    return transfer.mT.contiguous().mT
