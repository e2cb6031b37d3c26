"""What is wrong before a restoration begins: with the photograph, or with the kernel that is believed."""

import torch
from torch import Tensor

from deblurlib import contracts
from deblurlib.blind import estimate
from deblurlib.blur import from_linear, to_linear
from deblurlib.deconvolution import hyper_laplacian
from deblurlib.metrics import kernel_similarity

NO_BLUR_LIMIT = 0.5
DRIFT_LIMIT = 1.0
SATURATION_LIMIT = 0.005
LINEAR_LIMIT = 1.05
DISAGREEMENT_LIMIT = 0.2


def kernel_peak(kernel: Tensor) -> Tensor:
    """The share of a kernel's light in its brightest pixel: 1 for the explanation that there was no blur.

    Above `NO_BLUR_LIMIT` a blind method has found nothing, and the restoration is the photograph.

    Args:
        kernel: (B, 1, h, w), odd, non-negative, sum 1.

    Returns:
        (B,).

    Raises:
        TypeError, ValueError: not a kernel.

    Example:
        >>> from deblurlib.blur import delta, disk
        >>> kernel_peak(delta(5)).item(), bool(kernel_peak(disk(3.0)) < NO_BLUR_LIMIT)
        (1.0, True)
    """
    contracts.kernel(kernel)
    return kernel.amax(dim=(1, 2, 3))


def kernel_drift(kernel: Tensor) -> Tensor:
    """The distance of a kernel's centroid from its centre, in pixels: by so much the restoration is displaced.

    More than `DRIFT_LIMIT` has to be centred, or the restoration aligned before it is scored.

    Args:
        kernel: (B, 1, h, w), odd, non-negative, sum 1.

    Returns:
        (B,).

    Raises:
        TypeError, ValueError: not a kernel.

    Example:
        >>> from deblurlib.blur import delta
        >>> kernel_drift(delta(7).roll((0, 2), (-2, -1))).item()
        2.0
    """
    contracts.kernel(kernel)
    rows, columns = (torch.arange(n, device=kernel.device) - n // 2 for n in kernel.shape[-2:])
    down = (kernel.sum(dim=(1, 3)) * rows).sum(dim=1)
    right = (kernel.sum(dim=(1, 2)) * columns).sum(dim=1)
    return torch.hypot(down, right)


def saturated_share(blurred: Tensor) -> Tensor:
    """The share of pixels at the end of the range, in any channel: light was cut off there, and no kernel explains it.

    More than `SATURATION_LIMIT` asks for a method that leaves these pixels out.

    Args:
        blurred: (B, C, H, W) in [0, 1].

    Returns:
        (B,).

    Raises:
        TypeError, ValueError: not an image.

    Example:
        >>> x = torch.zeros(1, 3, 10, 10)
        >>> x[:, 0, 0] = 1.0
        >>> round(saturated_share(x).item(), 3)
        0.1
    """
    contracts.image(blurred, "blurred")
    return (blurred >= contracts.WHITE).any(dim=1).to(blurred).mean(dim=(1, 2))


def linear_light(blurred: Tensor, kernel: Tensor) -> Tensor:
    """How much less natural a photograph is when it is restored in its file's values (sRGB) than in linear light.

    Light adds up in the sensor, before the curve of the file. Two restorations with `hyper_laplacian`, in file values
    and in linear light, are held to the measure that this prior keeps small, the sum of |slope|^0.8 over both axes: the
    wrong one pays for waves beside its edges. Above `LINEAR_LIMIT` the blur happened in linear light; below it, in a
    photograph of little contrast, it may have all the same.

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.

    Returns:
        (B,), file values over linear light.

    Raises:
        TypeError, ValueError: a broken contract.
    """
    plain = hyper_laplacian(blurred, kernel).clamp(0, 1)
    light = from_linear(hyper_laplacian(to_linear(blurred.clamp(0, 1)), kernel).clamp(0, 1))
    return _sparse_slopes(plain) / _sparse_slopes(light)


def _sparse_slopes(x: Tensor) -> Tensor:
    """The mean of |slope|^0.8 along both axes (Levin et al. 2007): (B,)."""
    down, right = ((x.diff(dim=axis).abs() ** 0.8).mean(dim=(1, 2, 3)) for axis in (-2, -1))
    return down + right


def kernel_disagreement(blurred: Tensor, kernel_size: int, *, method: str = "fast_edges") -> Tensor:
    """One less the third largest similarity of kernels that are estimated from the four quarters of a photograph.

    Where one kernel blurred everything, each quarter tells of the same one. There are six pairs of quarters; one that
    holds too little to tell, a piece of sky, spoils three of them, and the other three still agree. A turn of the
    camera leaves at most the two pairs of opposite corners alike: more than `DISAGREEMENT_LIMIT` is blur that varies.
    Something that moved in a single quarter goes unseen.

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernel_size: Odd, as for `blind.estimate`.
        method: Of `blind.METHODS`.

    Returns:
        (B,).

    Raises:
        TypeError, ValueError: as `blind.estimate`.
    """
    h, w = (side // 2 for side in blurred.shape[-2:])
    quarters = [blurred[..., i : i + h, j : j + w].contiguous() for i in (0, h) for j in (0, w)]
    kernels = [estimate(quarter, kernel_size, method=method).kernel for quarter in quarters]
    pairs = [kernel_similarity(a, b) for i, a in enumerate(kernels) for b in kernels[:i]]
    return 1 - torch.stack(pairs).sort(dim=0, descending=True).values[2]
