"""What the sharp gradients may be, given a kernel: a mean and a variance at each pixel, not the best guess alone."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blind.gradient_mixture import Mixture
from deblurlib.blind.kernel_steps import conjugate_gradients
from deblurlib.blur.operator import fast_length


@dataclass(frozen=True)
class Gaussian:
    """A mean and a variance at each pixel; no correlation between pixels."""

    mean: Tensor
    """(B, 2, H + n - 1, W + n - 1)."""
    variance: Tensor
    """Of the same shape."""
    precision: Tensor
    """That of the prior at each pixel, the mixture's by its responsibilities; of the same shape."""


class SeenGradients:
    """The gradients of a blurred picture, each a sum of sharp ones within and around the frame: a free boundary.

    Args:
        blurred: (B, 1, H + 1, W + 1), the picture.
        size: n, of the kernel; the sharp gradients reach n // 2 beyond the frame on each side.
    """

    def __init__(self, blurred: Tensor, size: int) -> None:
        corner = blurred[..., :-1, :-1]
        self.values = torch.cat([blurred[..., :-1, 1:] - corner, blurred[..., 1:, :-1] - corner], dim=1)
        self.size = size
        self.height, self.width = self.values.shape[-2:]
        self.tall, self.wide = self.height + size - 1, self.width + size - 1
        self.shape = (fast_length(self.tall), fast_length(self.wide))
        self.whole = self.spectrum(torch.ones_like(self.values[:1, :1]))

    def spectrum(self, x: Tensor) -> Tensor:
        """The half spectrum with room for the sharp gradients."""
        spectrum: Tensor = torch.fft.rfft2(x, s=self.shape)
        return spectrum

    def forward(self, x: Tensor, transfer: Tensor) -> Tensor:
        """M (k * x), (B, C, H, W): what the frame sees; `transfer` is the spectrum of k, its corner at the origin."""
        y: Tensor = torch.fft.irfft2(self.spectrum(x) * transfer, s=self.shape)
        return y[..., self.size - 1 : self.tall, self.size - 1 : self.wide]

    def adjoint(self, y: Tensor, transfer: Tensor) -> Tensor:
        """The adjoint of `forward`, (B, C, H + n - 1, W + n - 1)."""
        before = (self.size - 1, 0)
        spectrum = self.spectrum(F.pad(y, before + before))
        x: Tensor = torch.fft.irfft2(spectrum * transfer.conj(), s=self.shape)
        return x[..., : self.tall, : self.wide]

    def around(self) -> Tensor:
        """The blurred gradients, their frame repeated outwards: where conjugate gradients begin."""
        r = self.size // 2
        return F.pad(self.values, (r, r, r, r), mode="replicate")

    def cut(self, x: Tensor) -> Tensor:
        """The part of the sharp gradients within the frame, (B, C, H, W)."""
        r = self.size // 2
        return x[..., r : r + self.height, r : r + self.width]

    def each_pixel(self, squares: Tensor) -> Tensor:
        """For each sharp pixel the sum of `squares` (B, 1, n, n) over the frame's pixels that see it: M' * squares."""
        spectrum = self.spectrum(F.pad(torch.ones_like(self.values[:1, :1]), (self.size - 1, 0) * 2))
        x: Tensor = torch.fft.irfft2(spectrum * self.spectrum(squares).conj(), s=self.shape)
        return x[..., : self.tall, : self.wide]


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
    square = torch.as_tensor(noise, dtype=mean.dtype, device=mean.device) ** 2
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
