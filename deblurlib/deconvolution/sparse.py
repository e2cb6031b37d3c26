"""Levin's sparse deconvolution: the final step of her benchmark, by reweighted least squares with a free boundary."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib import contracts
from deblurlib.blur.circular import fast_length
from deblurlib.blur.operator import transfer_function
from deblurlib.deconvolution.boundary import finish
from deblurlib.deconvolution.reweighted import reweighted_least_squares


def sparse(
    blurred: Tensor,
    kernel: Tensor,
    *,
    weight: float = 0.0068,
    exponent: float = 0.8,
    reweightings: int = 2,
    iterations: int = 70,
    clip: bool = True,
    callback: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """Levin et al. (2007): argmin_x |M (k * x) - y|^2 + weight sum_f w_f |f * x|^exponent, f five differences.

    The sum runs over the first differences (w = 0.1) and the second ones (0.025: two straight, one mixed). Iteratively
    reweighted least squares: |d|^a counts as w d^2 with w = max(|d|, 0.01)^(a - 2) from the pass before; the first pass
    has equal weights of one. Each pass is solved by conjugate gradients, from the photograph itself, whose frame goes
    on beyond the frame; stopping early is part of the method. The boundary is free: x reaches half a kernel
    beyond the photograph, and only the photograph (the mask M) is compared. The benchmark of Levin et al. (2009) ends
    every method with this step.

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        weight: Of the prior, above 0: larger is smoother (0.0068 in the benchmark).
        exponent: Above 0 and at most 2 (their choice: 0.8).
        reweightings: Passes after the first one (released code: 2).
        iterations: Of conjugate gradients in each pass (70 in the benchmark).
        clip: Whether to clip the result to [0, 1].
        callback: Called with (pass, estimate (B, C, H, W)) after each pass.

    Returns:
        (B, C, H, W).

    Raises:
        TypeError, ValueError: a broken contract, or a setting out of range.

    Example:
        >>> from deblurlib.blur import Blur, gaussian
        >>> x = torch.zeros(1, 1, 38, 38)
        >>> x[..., 15:23, 15:23] = 1.0
        >>> k = gaussian(7, 1.5)
        >>> y, x = Blur(k, "valid")(x), x[..., 3:-3, 3:-3]
        >>> bool((sparse(y, k) - x).abs().mean() < 0.5 * (y - x).abs().mean())
        True
    """
    contracts.image(blurred, "blurred")
    contracts.fits(blurred, contracts.kernel(kernel), "blurred")
    contracts.centred(kernel)
    contracts.saturated(blurred)
    contracts.number(weight, "weight", low=0, open_low=True)
    contracts.number(exponent, "exponent", low=0, high=2, open_low=True)
    p, q = kernel.shape[-2] // 2, kernel.shape[-1] // 2
    height, width = blurred.shape[-2:]
    tall, wide = height + 2 * p, width + 2 * q
    shape = (fast_length(tall), fast_length(wide))
    # One after another: the FFT of a batch rounds otherwise, and conjugate gradients enlarge a rounding without bound.
    transfer = torch.cat([transfer_function(k[None], shape) for k in kernel])

    def seen(x: Tensor) -> Tensor:
        """M (k * x): what the photograph shows of x."""
        y: Tensor = torch.fft.irfft2(torch.fft.rfft2(x, s=shape) * transfer, s=shape)
        return y[..., p : p + height, q : q + width]

    def spread(y: Tensor) -> Tensor:
        """The adjoint of `seen`."""
        spectrum = torch.fft.rfft2(F.pad(y, (q, q, p, p)), s=shape)
        x: Tensor = torch.fft.irfft2(spectrum * transfer.conj(), s=shape)
        return x[..., :tall, :wide]

    start = F.pad(blurred, (q, q, p, p), mode="replicate")
    x = reweighted_least_squares(
        blurred,
        seen,
        spread,
        start,
        weight=weight,
        exponent=exponent,
        reweightings=reweightings,
        iterations=iterations,
        callback=callback and (lambda number, x: callback(number, x[..., p : p + height, q : q + width])),
    )
    return finish(x[..., p : p + height, q : q + width], blurred, clip=clip)
