"""Levin, Weiss, Durand, Freeman (2011): the kernel that explains the photograph over all sharp pictures, by EM."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from deblurlib.blind.coarse_to_fine import Pyramid, Scale, Watch, coarse_to_fine
from deblurlib.blind.gradient_mixture import NATURAL, Mixture
from deblurlib.blind.kernel_cleanup import normalise
from deblurlib.blind.latent_steps import Periodic, derivative_step
from deblurlib.blind.nonnegative import nonnegative
from deblurlib.blind.posterior import Gaussian, SeenGradients, posterior_step
from deblurlib.blind.second_moments import kernel_equations
from deblurlib.deconvolution.splitting import differences


@dataclass(frozen=True)
class MarginalEMSettings:
    """Constants of `marginal_em`, each with its source ('code' is the release of Levin et al. 2011)."""

    pyramid: Pyramid = field(default_factory=Pyramid)
    noise: float = 0.01
    """Standard deviation of the noise in the last round of a scale (code)."""
    annealing: float = 1.15
    """The noise of each round over that of the next one (code)."""
    iterations: int = 11
    """Rounds at each scale (code)."""
    prior: Mixture = NATURAL
    """Of the gradients; the code has a mixture of its own."""
    rounds: int = 3
    """Of mean, variance and responsibilities in an E-step (code)."""
    conjugate_gradients: int = 15
    """Iterations for a mean (code)."""
    sparsity: float = 0.001
    """Of the kernel's values, to the power of one half. The code has 0.01, which cuts parts of long trajectories under
    our prior of the gradients; 0.001 is our choice."""
    reweightings: int = 2
    """Of that prior in each M-step (code)."""
    pivots: int = 5
    """Of each non-negative least squares: as many as it ever needed on Levin's photographs (our choice)."""


def marginal_em(
    blurred: Tensor,
    kernel_size: int,
    *,
    settings: MarginalEMSettings = MarginalEMSettings(),
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """Blind deconvolution by EM over the gradients, with a diagonal covariance (Levin et al. 2011, Section 3.2).

        max over k of p(y | k) = integral of p(y | x, k) p(x) dx, by its bound, the free energy

    E-step: a mean and a variance for each sharp gradient. M-step: the kernel that explains the photograph best on
    average over them. A picture that the mode explains by no blur at all has few others near it; the integral counts.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        kernel_size: Odd, at least 3.
        settings: The constants.
        watch: Called with a `Round` after each, whose latent picture is the mean of the gradients, (B, 2, h, w).

    Returns:
        The kernel (B, 1, kernel_size, kernel_size), and the picture of the last means (B, 1, H, W).
    """

    def rounds(scale: Scale, kernel: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        y = SeenGradients(scale.blurred, scale.size)
        passive = None
        for number in range(settings.iterations - 1, -1, -1):
            noise = settings.noise * settings.annealing**number
            x = posterior_step(
                y,
                kernel,
                noise,
                settings.prior,
                rounds=settings.rounds,
                iterations=settings.conjugate_gradients,
            )
            kernel, passive = kernel_step(
                y,
                x,
                passive=passive,
                sparsity=settings.sparsity,
                reweightings=settings.reweightings,
                pivots=settings.pivots,
            )
            yield normalise(kernel), y.cut(x.mean)

    kernel, gradients = coarse_to_fine(blurred, kernel_size, rounds, pyramid=settings.pyramid, watch=watch)
    return kernel, picture(blurred, kernel, gradients)


def kernel_step(
    y: SeenGradients,
    x: Gaussian,
    *,
    passive: Tensor | None = None,
    sparsity: float = 0.001,
    reweightings: int = 2,
    smallest: float = 1e-4,
    pivots: int | None = None,
) -> tuple[Tensor, Tensor]:
    """argmin_k E |y - M (k * x)|^2 + 4 sparsity sum |k|^(1/2), k >= 0: the M-step (Levin et al. 2011, Eq. 16).

    The first solution has no prior; each reweighting puts sparsity max(k, smallest)^(-3/2) k^2 for it. The sum of the
    kernel is free.

    Args:
        y: The blurred gradients.
        x: The posterior of the sharp ones.
        passive: The values above zero, as the step before gave them.
        sparsity: Of the prior; 0 for a pure M-step.
        reweightings: Of the prior.
        smallest: Values below count as this large in the weights (released code).
        pivots: As of `nonnegative`.

    Returns:
        The kernel (B, 1, n, n), and which values are above zero.
    """
    normal, target = kernel_equations(y, x)
    power = torch.diagonal(normal, dim1=1, dim2=2).mean(dim=1)[:, None]
    normal = normal + torch.diag_embed((1e-9 * power).expand_as(target))
    k, passive = nonnegative(normal, target, passive=passive, pivots=pivots)
    for _ in range(reweightings if sparsity else 0):
        weights = sparsity * k.clamp(min=smallest) ** -1.5
        k, passive = nonnegative(normal + torch.diag_embed(weights), target, passive=passive, pivots=pivots)
    return k.view(-1, 1, y.size, y.size).to(x.mean.dtype), passive


def picture(blurred: Tensor, kernel: Tensor, gradients: Tensor, weight: float = 0.1) -> Tensor:
    """argmin_u |k * u - y|^2 + weight |grad u - gradients|^2: a picture for the means of the gradients.

    Args:
        blurred: (B, 1, H, W).
        kernel: (B, 1, n, n).
        gradients: (B, 2, H - 1, W - 1), across and down.
        weight: Of the gradients (our choice).
    """
    y = Periodic(blurred, kernel.shape[-1])
    guide = differences(y.picture)
    h, w = gradients.shape[-2:]
    guide[1, ..., :h, :w] = gradients[:, :1]
    guide[0, ..., :h, :w] = gradients[:, 1:]
    return y.cut(derivative_step(y, kernel, smoothness=weight, guide=guide))
