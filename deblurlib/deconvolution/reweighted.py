"""Least squares with a sparse prior, by reweighting, for any linear blur: `sparse` and `sparse_varying` solve by it."""

import warnings
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.least_squares import conjugate_gradients

FIRST, SECOND = 0.1, 0.025
"""Weights of the first and of the second differences (Levin et al. 2007, released code)."""

SMALLEST = 0.01
"""Differences below it count as this large, so that their weight stays finite (released code)."""


def reweighted_least_squares(
    blurred: Tensor,
    seen: Callable[[Tensor], Tensor],
    spread: Callable[[Tensor], Tensor],
    start: Tensor,
    *,
    weight: float,
    exponent: float,
    reweightings: int,
    iterations: int,
    callback: Callable[[int, Tensor], None] | None = None,
) -> Tensor:
    """argmin_x |seen(x) - y|^2 + weight sum_f w_f |f * x|^exponent, f five differences; see `sparse`.

    Args:
        blurred: y, (B, C, H, W).
        seen: What the photograph shows of a picture; linear.
        spread: Its adjoint.
        start: (B, C, H', W'), what every pass starts from.
        weight: Of the prior.
        exponent: Of the prior.
        reweightings: Passes after the first one.
        iterations: Of conjugate gradients in each pass.
        callback: Called with (pass, estimate) after each pass.

    Returns:
        (B, C, H', W'); where a pass brings NaN or infinity, the estimate before it, with a RuntimeWarning.

    Raises:
        ValueError: fewer than one iteration, or a negative number of reweightings.
    """
    if iterations < 1 or reweightings < 0:
        raise ValueError(f"expected iterations >= 1 and reweightings >= 0, got {iterations} and {reweightings}.")
    target = spread(blurred)
    x = start
    weights = [torch.ones((), dtype=x.dtype, device=x.device)] * 5
    for number in range(reweightings + 1):

        def normal(v: Tensor, weights: list[Tensor] = weights) -> Tensor:
            parts = [w * d for w, d in zip(weights, _differences(v), strict=True)]
            return spread(seen(v)) + weight * _differences_adjoint(parts)

        solved = conjugate_gradients(normal, target, start, iterations=iterations, apart=2)
        if not bool(torch.isfinite(solved.detach()).all()):
            warnings.warn(
                f"sparse deconvolution: pass {number} brought NaN or infinity; this is the estimate before it.",
                RuntimeWarning,
                stacklevel=3,
            )
            break
        x = solved
        strengths = [FIRST, FIRST, SECOND, SECOND, SECOND]
        weights = [
            s * d.abs().clamp_min(SMALLEST) ** (exponent - 2) for s, d in zip(strengths, _differences(x), strict=True)
        ]
        if callback:
            callback(number, x)
    return x


def _differences(x: Tensor) -> list[Tensor]:
    """First down and across, second down, across and mixed; only those that need no pixel from beyond the frame."""
    down, across = x.diff(dim=-2), x.diff(dim=-1)
    return [down, across, down.diff(dim=-2), across.diff(dim=-1), down.diff(dim=-1)]


def _differences_adjoint(d: list[Tensor]) -> Tensor:
    """The adjoint of `_differences`."""
    down = d[0] + _back(d[2], -2) + _back(d[4], -1)
    return _back(down, -2) + _back(d[1] + _back(d[3], -1), -1)


def _back(w: Tensor, dim: int) -> Tensor:
    """The adjoint of `diff` along one axis."""
    return -F.pad(w, (1, 1) if dim == -1 else (0, 0, 1, 1)).diff(dim=dim)
