"""Sparse deconvolution where the blur differs from place to place."""

import torch.nn.functional as F
from torch import Tensor

from deblurlib import contracts
from deblurlib.blur import FilterFlow
from deblurlib.deconvolution.boundary import finish
from deblurlib.deconvolution.reweighted import reweighted_least_squares


def sparse_varying(
    blurred: Tensor,
    kernels: Tensor,
    *,
    weight: float = 0.0068,
    exponent: float = 0.8,
    reweightings: int = 2,
    iterations: int = 40,
    clip: bool = True,
) -> Tensor:
    """`sparse` with one kernel for each region: argmin_x |F x - y|^2 + weight sum_f w_f |f * x|^exponent.

    F is the efficient filter flow (`FilterFlow`) of the picture and half a kernel beyond it, whose regions lie over
    both; nothing is divided in the frequency domain, where a blur that varies has no transfer function. With equal
    kernels and as many iterations it is `sparse`.

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernels: (R, S, h, w), R rows and S columns of regions; each odd, non-negative, sum 1.
        weight: Of the prior, above 0: larger is smoother (as `sparse`).
        exponent: Above 0 and at most 2.
        reweightings: Passes after the first one.
        iterations: Of conjugate gradients in each pass (our choice: fewer than the 70 of `sparse`, for the time).
        clip: Whether to clip the result to [0, 1].

    Returns:
        (B, C, H, W).

    Raises:
        TypeError, ValueError: a broken contract, or a setting out of range.

    Example:
        >>> import torch
        >>> from deblurlib.blur import gaussian
        >>> from deblurlib.deconvolution import sparse
        >>> x = torch.rand(1, 1, 24, 30, generator=torch.Generator().manual_seed(0))
        >>> k = gaussian(5, 1.0)
        >>> varying = sparse_varying(x, k.expand(2, 3, -1, -1), iterations=10)
        >>> bool((varying - sparse(x, k, iterations=10)).abs().max() < 1e-4)
        True
    """
    contracts.image(blurred, "blurred")
    contracts.number(weight, "weight", low=0, open_low=True)
    contracts.number(exponent, "exponent", low=0, high=2, open_low=True)
    blur = FilterFlow(kernels, "valid")
    contracts.fits(blurred, kernels[:1, :1], "blurred")
    p, q = kernels.shape[-2] // 2, kernels.shape[-1] // 2
    x = reweighted_least_squares(
        blurred,
        blur.forward,
        blur.adjoint,
        F.pad(blurred, (q, q, p, p), mode="replicate"),
        weight=weight,
        exponent=exponent,
        reweightings=reweightings,
        iterations=iterations,
    )
    height, width = blurred.shape[-2:]
    return finish(x[..., p : p + height, q : q + width], blurred, clip=clip)
