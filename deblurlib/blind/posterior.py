"""What the sharp gradients may be, given a kernel: a mean and a variance at each pixel, not the best guess alone."""

from dataclasses import dataclass

import torch
from torch import Tensor

from deblurlib.blind.edges import gradients
from deblurlib.blind.free_boundary import FreeBoundary
from deblurlib.blind.gradient_mixture import Mixture
from deblurlib.least_squares import conjugate_gradients


@dataclass(frozen=True)
class Gaussian:
    """A mean and a variance at each pixel; no correlation between pixels."""

    mean: Tensor
    """(B, 2, H + n - 1, W + n - 1)."""
    variance: Tensor
    """Of the same shape."""
    precision: Tensor
    """That of the prior at each pixel, the mixture's by its responsibilities; of the same shape."""


class SeenGradients(FreeBoundary):
    """The gradients of a blurred picture, each a sum of sharp ones within and around the frame.

    Args:
        blurred: (B, 1, H + 1, W + 1), the picture.
        size: n, of the kernel; the sharp gradients reach n // 2 beyond the frame on each side.
    """

    def __init__(self, blurred: Tensor, size: int) -> None:
        super().__init__(gradients(blurred), size)

    def each_pixel(self, squares: Tensor) -> Tensor:
        """For each sharp pixel the sum of `squares` (B, 1, n, n) over the frame's pixels that see it: M' * squares."""
        return self.adjoint(torch.ones_like(self.values[:1, :1]), self.spectrum(squares))


def posterior_step(
    y: SeenGradients,
    kernel: Tensor,
    noise: float | Tensor,
    prior: Mixture,
    *,
    kernel_variance: Tensor | None = None,
    start: Gaussian | None = None,
    rounds: int = 3,
    iterations: int = 15,
) -> Gaussian:
    """The sharp gradients given a kernel: the q(x), Gaussian at each pixel, that makes the free energy small.

    Each round solves for the mean (K' M K / noise^2 + precision) m = K' M y / noise^2 by conjugate gradients, then sets
    the variance 1 / (sum M k^2 / noise^2 + precision) and the responsibilities of the mixture; each of the three
    lowers the free energy (Levin et al. 2011, Sections 3.1 and 3.2).

    Args:
        y: The blurred gradients.
        kernel: (B, 1, n, n), a kernel or its mean.
        noise: Standard deviation of the noise of the gradients.
        prior: Of the gradients.
        kernel_variance: (B, 1, n, n), where the kernel is not certain either (Fergus et al. 2006).
        start: Where to go on; without one, the blurred gradients and the mean precision of the prior.
        rounds: Released code: 3.
        iterations: Of conjugate gradients in each round (released code: 15).
    """
    transfer = y.spectrum(kernel)
    power = kernel.square() if kernel_variance is None else kernel.square() + kernel_variance
    seen = y.each_pixel(power)
    extra = 0.0 if kernel_variance is None else y.each_pixel(kernel_variance)
    target = y.adjoint(y.values, transfer)
    if start is None:
        mean = y.around()
        precision = torch.full_like(mean, prior.mean_precision)
    else:
        mean, precision = start.mean, start.precision
    variance = torch.zeros_like(mean)
    square = noise**2
    for _ in range(rounds):
        diagonal = extra + square * precision
        mean = conjugate_gradients(
            lambda v, d=diagonal: y.adjoint(y.forward(v, transfer), transfer) + d * v,  # type: ignore[misc]
            target,
            mean,
            iterations=iterations,
        )
        variance = square / (seen + square * precision)
        precision, _ = prior.responsibilities(mean.square() + variance)
    return Gaussian(mean, variance, precision)


def free_energy(
    y: SeenGradients,
    kernel: Tensor,
    noise: float | Tensor,
    prior: Mixture,
    x: Gaussian,
    *,
    kernel_variance: Tensor | None = None,
) -> Tensor:
    """E_q[-log p(y, x | k)] - entropy of q(x), (B,), never below -log p(y | k) (Levin et al. 2011, Eq. 12).

    The responsibilities of the mixture are taken at their best.

    Args:
        y: The blurred gradients.
        kernel: (B, 1, n, n).
        noise: Standard deviation.
        prior: Of the gradients.
        x: The posterior.
        kernel_variance: Where the kernel is not certain.
    """
    square = torch.as_tensor(noise, dtype=torch.float64, device=x.mean.device) ** 2
    error = residual_power(y, kernel, x, kernel_variance=kernel_variance)
    pixels = y.values[0].numel()
    _, prior_part = prior.responsibilities((x.mean.square() + x.variance).double())
    entropy = 0.5 * (1 + (2 * torch.pi * x.variance.double()).log())
    data = 0.5 * (error / square.flatten() + pixels * (2 * torch.pi * square.flatten()).log())
    return data + (prior_part - entropy).sum(dim=(1, 2, 3))


def residual_power(y: SeenGradients, kernel: Tensor, x: Gaussian, *, kernel_variance: Tensor | None = None) -> Tensor:
    """E |y - M (k * x)|^2, the squares of the means' residual and what the variances add, (B,) float64."""
    residual = (y.values - y.forward(x.mean, y.spectrum(kernel))).double()
    power = kernel.square() if kernel_variance is None else kernel.square() + kernel_variance
    added = y.each_pixel(power) * x.variance
    if kernel_variance is not None:
        added = added + y.each_pixel(kernel_variance) * x.mean.square()
    return residual.square().sum(dim=(1, 2, 3)) + added.double().sum(dim=(1, 2, 3))
