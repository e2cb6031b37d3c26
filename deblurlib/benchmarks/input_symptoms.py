"""What is wrong before a restoration begins: with the photograph, or with the kernel that is believed."""

import torch
from torch import Tensor

from deblurlib import contracts
from deblurlib.benchmarks.symptoms import ringing
from deblurlib.blind import estimate
from deblurlib.blur import from_linear, to_linear
from deblurlib.deconvolution import wiener
from deblurlib.metrics import kernel_similarity

NO_BLUR_LIMIT = 0.5
DRIFT_LIMIT = 1.0
SATURATION_LIMIT = 0.005
LINEAR_LIMIT = 1.0
DISAGREEMENT_LIMIT = 0.25


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


def linear_light(blurred: Tensor, kernel: Tensor, *, noise: float = 0.01) -> Tensor:
    """How much less a photograph rings when it is restored in linear light than in its file's values (sRGB).

    Light adds up in the sensor, before the curve of the file. The ratio of `ringing` of two Wiener filters, in file
    values over linear light: above `LINEAR_LIMIT` the blur happened in linear light, and belongs undone there.

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        noise: For the Wiener filters, above 0.

    Returns:
        (B,).

    Raises:
        TypeError, ValueError: a broken contract.
    """
    plain = wiener(blurred, kernel, noise=noise)
    light = from_linear(wiener(to_linear(blurred.clamp(0, 1)), kernel, noise=noise))
    return ringing(plain, blurred, kernel) / ringing(light, blurred, kernel)


def kernel_disagreement(blurred: Tensor, kernel_size: int, *, method: str = "fast_edges") -> Tensor:
    """One less the least similarity of the kernels that are estimated from the four quarters of a photograph.

    Where one kernel blurred everything, each quarter tells of the same one. More than `DISAGREEMENT_LIMIT` is blur
    that varies, by a turn of the camera or by something that moved, or a quarter that holds too little to tell.

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
    return 1 - torch.stack(pairs).amin(dim=0)
