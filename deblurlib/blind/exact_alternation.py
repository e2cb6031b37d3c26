"""Chan and Wong (1998) as they wrote it: picture and kernel in turns, each to its minimum. It ends at no blur."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from deblurlib.blind.free_boundary import FreeBoundary
from deblurlib.blind.kernel_cleanup import normalise
from deblurlib.blind.nonnegative import nonnegative
from deblurlib.blind.second_moments import least_squares
from deblurlib.blind.variation import clamped_length, steps, steps_adjoint, variation
from deblurlib.least_squares import conjugate_gradients

LAGGED, ITERATIONS = 10, 60
"""Reweightings of a picture step, and conjugate gradients of each (our choice)."""


@dataclass(frozen=True)
class Turn:
    """What the alternation has after one turn."""

    picture: Tensor
    """(B, 1, H + n - 1, W + n - 1), the sharp picture, beyond the frame too."""
    kernel: Tensor
    """(B, 1, n, n), sum 1."""
    energies: tuple[Tensor, Tensor]
    """Of the objective, (B,) each: after the step of the picture, and after that of the kernel."""


def exact_rounds(y: FreeBoundary, kernel: Tensor, weight: float, turns: int) -> Iterator[Turn]:
    """Minimise 1/2 |M (k * u) - f|^2 + weight TV(u), k >= 0, sum k = 1, over u and over k in turns.

    The objective falls with each step, and the kernel drifts to a point, even from the true one: a point, and a picture
    as blurred as f, have less energy than the true kernel and the sharp picture (Perrone & Favaro 2014, Section 3).

    Args:
        y: What the frame shows.
        kernel: (B, 1, n, n), to begin with: a flat one, or even the true one.
        weight: Of the total variation.
        turns: How many.
    """
    u = y.around()
    for _ in range(turns):
        u = picture_step(y, u, kernel, weight)
        before = objective(y, u, kernel, weight)
        kernel = simplex_step(y, u)
        yield Turn(u, kernel, (before, objective(y, u, kernel, weight)))


def objective(y: FreeBoundary, u: Tensor, kernel: Tensor, weight: float) -> Tensor:
    """1/2 |M (k * u) - f|^2 + weight TV(u) of each of a batch, (B,), the total variation as `variation` has it."""
    error = y.forward(u, y.spectrum(kernel)) - y.values
    return error.square().sum(dim=(1, 2, 3)) / 2 + weight * variation(u)


def picture_step(
    y: FreeBoundary, u: Tensor, kernel: Tensor, weight: float, *, lagged: int = LAGGED, iterations: int = ITERATIONS
) -> Tensor:
    """argmin_u of the objective by lagged diffusivity: |grad u| in the denominator is that of the u before.

    Each reweighting solves (K' M K + weight D' W D) u = K' f, W = 1 / |grad u|, by conjugate gradients from the last u.
    The quadratic lies above the objective and meets it at the last u, so that the objective falls each time.

    Args:
        y: What the frame shows.
        u: (B, 1, H + n - 1, W + n - 1), to begin with.
        kernel: (B, 1, n, n).
        weight: Of the total variation.
        lagged: Reweightings.
        iterations: Of conjugate gradients in each.
    """
    transfer = y.spectrum(kernel)
    target = y.adjoint(y.values, transfer)
    for _ in range(lagged):
        pull = weight / clamped_length(steps(u))
        u = conjugate_gradients(
            lambda v, w=pull: y.adjoint(y.forward(v, transfer), transfer) + steps_adjoint(w * steps(v)),  # type: ignore[misc]
            target,
            u,
            iterations=iterations,
        )
    return u


def simplex_step(y: FreeBoundary, u: Tensor) -> Tensor:
    """argmin_k |M (k * u) - f|^2, k >= 0, sum k = 1, exactly: (B, 1, n, n).

    With sum k = 1 the square is k' Q k, homogeneous, of Q = A - b 1' - 1 b' + |f|^2 1 1'. Its minimum on the simplex is
    that of k' Q k / 2 - 1' k over k >= 0, divided by its sum. A mean may be taken from u and f: it comes out the same.

    Args:
        y: What the frame shows.
        u: (B, 1, H + n - 1, W + n - 1).
    """
    mean = y.values.mean(dim=(1, 2, 3), keepdim=True).double()
    centred = FreeBoundary(y.values.double() - mean, y.size)
    normal, target = least_squares(centred, u.double() - mean)
    power = centred.values.square().sum(dim=(1, 2, 3))
    square = normal - target[:, :, None] - target[:, None, :] + power[:, None, None]
    floor = 1e-9 * torch.diagonal(normal, dim1=1, dim2=2).mean(dim=1)
    square = square + torch.diag_embed(floor[:, None].expand_as(target))
    k, _ = nonnegative(square / power[:, None, None], torch.ones_like(target))
    return normalise(k.view(-1, 1, y.size, y.size)).to(u.dtype)
