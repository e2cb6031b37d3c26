"""Fergus, Singh, Hertzmann, Roweis, Freeman (2006): a posterior of the gradients and of the kernel, both uncertain."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from deblurlib.blind.coarse_to_fine import Pyramid, Scale, Watch, coarse_to_fine
from deblurlib.blind.gradient_mixture import NATURAL, Mixture
from deblurlib.blind.kernel_cleanup import normalise
from deblurlib.blind.kernel_posterior import KernelPrior, kernel_posterior_step
from deblurlib.blind.marginal_em import picture
from deblurlib.blind.nonnegative import nonnegative
from deblurlib.blind.posterior import SeenGradients, posterior_step
from deblurlib.blind.second_moments import kernel_equations


@dataclass(frozen=True)
class VariationalBayesSettings:
    """Constants of `variational_bayes`, each with its source ('code' is the release of Fergus et al. 2006)."""

    pyramid: Pyramid = field(default_factory=lambda: Pyramid(smallest=3, last_threshold=1 / 15))
    """From kernels of 3 pixels; values below 1/15 of the largest one are cut at the end (paper)."""
    noise: float = 0.007
    """Standard deviation of the noise in the last round of a scale (our choice; the code learns it)."""
    annealing: float = 1.15
    """The noise of each round over that of the next one (our choice, as Levin et al. 2011)."""
    iterations: int = 11
    """Rounds at each scale (our choice)."""
    prior: Mixture = NATURAL
    """Of the gradients (our choice; the code has that of a street scene)."""
    kernel_prior: KernelPrior = field(default_factory=KernelPrior)
    """Of the kernel's values (code)."""
    rounds: int = 3
    """Of mean, variance and responsibilities for the gradients (our choice)."""
    conjugate_gradients: int = 15
    """Iterations for a mean (our choice)."""
    pivots: int = 5
    """Of the least squares that a kernel begins at: as many as it ever needed on Levin's photographs (our choice)."""
    sweeps: int = 5
    """Through the values of the kernel in each round (our choice)."""


def variational_bayes(
    blurred: Tensor,
    kernel_size: int,
    *,
    settings: VariationalBayesSettings = VariationalBayesSettings(),
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """Blind deconvolution by variational Bayes (Fergus et al. 2006, after Miskin & MacKay 2000).

        min over q of E_q[log q(x) q(k) - log p(y, x, k)], q(x) Gaussian, q(k) Gaussian without values below zero

    Both factors have no correlations within. The gradients have a prior of Gaussians, the kernel one of exponentials.
    Each factor takes its minimum in turn, where the released code takes damped steps; the noise is annealed. The kernel
    of each round begins at the least squares without its prior, which few sweeps through strongly tied values need.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        kernel_size: Odd, at least 3.
        settings: The constants.
        watch: Called with a `Round` after each, whose latent picture is the mean of the gradients, (B, 2, h, w).

    Returns:
        The mean of the kernel (B, 1, kernel_size, kernel_size), and the picture of the last means (B, 1, H, W).
    """

    def rounds(scale: Scale, kernel: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        y = SeenGradients(scale.blurred, scale.size)
        variance, passive = torch.zeros_like(kernel), None
        for number in range(settings.iterations - 1, -1, -1):
            noise = settings.noise * settings.annealing**number
            x = posterior_step(
                y,
                kernel,
                noise,
                settings.prior,
                kernel_variance=variance,
                rounds=settings.rounds,
                iterations=settings.conjugate_gradients,
            )
            normal, target = kernel_equations(y, x)
            first, passive = nonnegative(normal, target, passive=passive, pivots=settings.pivots)
            q = kernel_posterior_step(normal, target, noise, settings.kernel_prior, first, sweeps=settings.sweeps)
            kernel, variance = (m.view_as(kernel).to(kernel) for m in q.moments()[:2])
            yield normalise(kernel), y.cut(x.mean)

    kernel, gradients = coarse_to_fine(blurred, kernel_size, rounds, pyramid=settings.pyramid, watch=watch)
    return kernel, picture(blurred, kernel, gradients)
