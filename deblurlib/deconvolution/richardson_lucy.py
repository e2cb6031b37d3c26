"""Richardson–Lucy: deconvolution by multiplication, for light that is counted."""

import math
import warnings
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib import contracts
from deblurlib.blur.circular import circular, in_columns, keep_freed_blocks
from deblurlib.blur.operator import transfer_function
from deblurlib.blur.right_angle import RightAngle, support

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

    keep_freed_blocks()
    height, width = blurred.shape[-2:]
    kernel = support(kernel)
    p, q = (kernel.shape[-2] // 2, kernel.shape[-1] // 2) if boundary == "extend" else (0, 0)
    wide = (height + 2 * p, width + 2 * q)  # what wraps round lands where nothing is read
    blur = RightAngle(kernel, wide, halved=-1) if boundary == "extend" else _Circle(kernel, wide)
    # Everything is packed as the transforms want it: beyond the frame the ratio is zero, as y is.
    light = blurred.clamp_min(0)
    y = blur.pack(light, (p, q))
    mask = blur.pack(torch.ones_like(light[:1, :1]), (p, q))
    share = torch.ones_like(y[:1, :1])
    if boundary == "extend":
        share = blur.pack(_seen(kernel, (height, width), blur.shape)).clamp_min(EPSILON).reciprocal_()
    x = blur.pack(F.pad(light, (q, q, p, p), mode="replicate") + EPSILON)  # where the FFT added pixels it is zero
    inner = tuple(range(1, x.dim()))
    moving = torch.ones(len(x), *[1 for _ in inner], dtype=torch.bool, device=x.device)
    for iteration in range(1, iterations + 1):
        predicted = blur.forward(x).clamp_min_(EPSILON)
        if saturated:  # what is predicted beyond white would have been cut off as well
            predicted = torch.where(y >= contracts.WHITE, predicted.minimum(y), predicted)
        if noise > 0 and iteration > 1:
            left = (predicted - y).detach().square().mul_(mask).sum(dim=inner, keepdim=True)
            moving = moving & (left > noise**2 * blurred[0].numel())
            if not bool(moving.any()):
                break
        belief = _belief(y - predicted, damping) if damping > 0 else None
        # In place, where autograd does not need it: one array less for the cache.
        ratio = torch.div(y, predicted, out=None if predicted.requires_grad else predicted)
        if belief is not None:
            ratio = mask * (1 + belief * (ratio - 1))
        update = blur.adjoint(ratio).clamp_min_(0).mul_(share).mul_(x)
        if not math.isfinite(float(update.detach().sum())):
            finite = update.detach().sum(dim=inner, keepdim=True).isfinite()
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
            change = (update - x).abs().mean(dim=inner, keepdim=True)
            moving = moving & (change >= tolerance * x.mean(dim=inner, keepdim=True))
        x = update
        if callback:
            callback(iteration, blur.unpack(x, (p, q), (height, width)))
        if not bool(moving.any()):
            break
    x = blur.unpack(x, (p, q), (height, width))
    return x.clamp(0, 1) if clip else x


def _seen(kernel: Tensor, size: tuple[int, int], shape: tuple[int, int]) -> Tensor:
    """k^T * m, of the light of each pixel of the canvas the part that the photograph saw: sums over the kernel."""
    rows, columns = (_falls_inside(kernel.shape[d], size[d], shape[d], kernel) for d in (-2, -1))
    seen: Tensor = rows @ kernel @ columns.mT
    return seen


def _falls_inside(n: int, size: int, length: int, like: Tensor) -> Tensor:
    """(length, n): one where a kernel of n, turned round and laid on pixel i of the canvas, has its tap inside."""
    i, tap = (torch.arange(m, device=like.device) for m in (length, n))
    inside = i[:, None] + tap - (n - 1)
    return ((inside >= 0) & (inside < size)).to(like.dtype)


class _Circle:
    """What `RightAngle` offers, for an image that repeats: nothing to pack."""

    def __init__(self, kernel: Tensor, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._transfer = in_columns(transfer_function(kernel, shape))
        self._conjugate = self._transfer.conj().resolve_conj()

    def pack(self, x: Tensor, at: tuple[int, int] = (0, 0)) -> Tensor:
        return x

    def unpack(self, packed: Tensor, at: tuple[int, int], size: tuple[int, int]) -> Tensor:
        return packed

    def forward(self, packed: Tensor) -> Tensor:
        return circular(packed, self._transfer)

    def adjoint(self, packed: Tensor) -> Tensor:
        return circular(packed, self._conjugate)


def _belief(difference: Tensor, damping: float) -> Tensor:
    """From 0, a difference that noise explains, to 1, one that it does not."""
    d = difference / max(damping, torch.finfo(difference.dtype).tiny)
    return 1 - 1 / (1 + d.square())
