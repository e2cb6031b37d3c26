"""Richardson–Lucy: deconvolution by multiplication, for light that is counted."""

import warnings
from collections.abc import Callable

import torch
from torch import Tensor

from deblurlib import contracts
from deblurlib.blur.operator import fast_length, transfer_function

EPSILON = 1e-6
"""Keeps the ratio finite in the dark, in units of the range (our choice: far below one grey level)."""


def richardson_lucy(
    blurred: Tensor,
    kernel: Tensor,
    *,
    iterations: int = 30,
    damping: float = 0.0,
    tolerance: float = 0.0,
    noise: float = 0.0,
    saturated: bool = False,
    boundary: str = "extend",
    clip: bool = True,
    callback: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """Richardson (1972) and Lucy (1974): x <- x / (k^T * m) . (k^T * (m y / (k * x))).

    The expectation–maximisation algorithm for Poisson noise: each step keeps x non-negative and does not lower the
    likelihood. The mask m is one on the photograph; with 'extend' the estimate reaches half a kernel beyond it, where
    light came from that the photograph only partly saw, so the frame needs no invented pixels (Bertero & Boccacci
    2005).

    Args:
        blurred: (B, C, H, W) in [0, 1]; negative values count as dark.
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        iterations: At most; more is sharper and noisier.
        damping: Differences |y - k * x| are chased less the smaller they are beside this number, by half where they
            equal it (after White 1994): about three standard deviations of the noise. 0 chases all.
        tolerance: An image of the batch stops after the step whose mean change, relative to the mean of x, falls below
            it; 0 never stops early.
        noise: Standard deviation of the noise. An image of the batch stops at the first estimate with
            sqrt(mean (k * x - y)^2) <= noise, the discrepancy principle (Morozov 1966); 0 never stops early. Saturated
            pixels count as far as they are explained too darkly, if `saturated`.
        saturated: Whether light was cut off at 1. A pixel at 1 then says 'at least 1': its ratio counts where the
            prediction is below 1 and is one elsewhere, the hard limit of the response in Whyte, Sivic & Zisserman
            (2014), without their split into two kinds of scene points. With `clip=False` lights come back above 1.
        boundary: 'extend' for a photograph, 'wrap' for an image made by `Blur(kernel, "wrap")`.
        clip: Whether to clip the result to [0, 1].
        callback: Called with (iteration, estimate (B, C, H, W)) after each step.

    Returns:
        (B, C, H, W). An image whose next step is not finite keeps its last finite estimate, with a warning.

    Raises:
        TypeError, ValueError: a broken contract, or a setting out of range.

    Example:
        >>> from deblurlib.blur import Blur, gaussian
        >>> x = torch.full((1, 1, 32, 32), 0.1)
        >>> x[..., 12:20, 12:20] = 1.0
        >>> k = gaussian(7, 1.5)
        >>> y = Blur(k)(x)
        >>> restored = richardson_lucy(y, k, iterations=100, boundary="wrap")
        >>> bool((restored - x).abs().mean() < 0.7 * (y - x).abs().mean())
        True
    """
    contracts.image(blurred, "blurred")
    contracts.fits(blurred, contracts.kernel(kernel), "blurred")
    contracts.choice(boundary, "boundary", ("extend", "wrap"))
    contracts.centred(kernel)
    if not saturated:
        contracts.saturated(blurred)
    contracts.number(damping, "damping", low=0)
    contracts.number(tolerance, "tolerance", low=0)
    contracts.number(noise, "noise", low=0)
    if iterations < 1:
        raise ValueError(f"iterations: expected at least 1, got {iterations}.")

    height, width = blurred.shape[-2:]
    p, q = (kernel.shape[-2] // 2, kernel.shape[-1] // 2) if boundary == "extend" else (0, 0)
    shape = (height, width)
    if boundary == "extend":  # the estimate has p more rows on each side; what wraps round lands where nothing is read
        shape = (fast_length(height + 2 * p), fast_length(width + 2 * q))
    transfer = transfer_function(kernel, shape)
    back = transfer.conj().resolve_conj()
    below, right = shape[0] - height - 2 * p, shape[1] - width - 2 * q  # what the FFT adds; it stays dark
    frame = (..., slice(p, p + height), slice(q, q + width))

    def forward(x: Tensor) -> Tensor:
        y: Tensor = torch.fft.irfft2(torch.fft.rfft2(x) * transfer, s=shape)
        return y[frame]

    def adjoint(r: Tensor) -> Tensor:
        spectrum = torch.fft.rfft2(torch.nn.functional.pad(r, (q, q + right, p, p + below)))
        x: Tensor = torch.fft.irfft2(spectrum * back, s=shape)
        return x

    y = blurred.clamp_min(0)
    white = y >= contracts.WHITE
    seen = adjoint(torch.ones_like(y[:1, :1])).clamp_min(EPSILON)  # how much of each pixel's light the photograph saw
    share = torch.nn.functional.pad((1 / seen)[..., : height + 2 * p, : width + 2 * q], (0, right, 0, below))
    x = torch.nn.functional.pad(y, (q, q, p, p), mode="replicate") + EPSILON
    x = torch.nn.functional.pad(x, (0, right, 0, below))
    moving = torch.ones(len(y), 1, 1, 1, dtype=torch.bool, device=y.device)
    for iteration in range(1, iterations + 1):
        predicted = forward(x).clamp_min(EPSILON)
        if saturated:  # what is predicted beyond white would have been cut off as well
            predicted = torch.where(white, predicted.minimum(y), predicted)
        if noise > 0 and iteration > 1:
            left = (predicted - y).detach().square().mean(dim=(1, 2, 3), keepdim=True)
            moving = moving & (left > noise**2)
            if not bool(moving.any()):
                break
        ratio = y / predicted
        if damping > 0:
            ratio = 1 + _belief(y - predicted, damping) * (ratio - 1)
        update = x * adjoint(ratio).clamp_min(0) * share
        finite = update.detach().sum(dim=(1, 2, 3), keepdim=True).isfinite()
        if bool((moving & ~finite).any()):
            warnings.warn(
                f"richardson_lucy: step {iteration} is not finite, so the last finite estimate is returned: the "
                "update has outgrown the numbers. Use float64, a cleaner kernel, or fewer iterations.",
                RuntimeWarning,
                stacklevel=2,
            )
        moving = moving & finite
        if not bool(moving.all()):
            update = torch.where(moving, update, x)
        if tolerance > 0:
            seen_part = (..., slice(0, height + 2 * p), slice(0, width + 2 * q))
            change = (update - x)[seen_part].abs().mean(dim=(1, 2, 3), keepdim=True)
            moving = moving & (change >= tolerance * x[seen_part].mean(dim=(1, 2, 3), keepdim=True))
        x = update
        if callback:
            callback(iteration, x[frame])
        if not bool(moving.any()):
            break
    x = x[frame]
    return x.clamp(0, 1) if clip else x


def _belief(difference: Tensor, damping: float) -> Tensor:
    """From 0, a difference that noise explains, to 1, one that it does not."""
    d = difference / max(damping, torch.finfo(difference.dtype).tiny)
    return 1 - 1 / (1 + d.square())
