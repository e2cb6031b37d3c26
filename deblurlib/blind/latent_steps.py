"""The sharp picture from a kernel, as the loops of blind methods compute it: periodic, and in few transforms."""

import torch
from torch import Tensor

from deblurlib.deconvolution.boundary import wrapped
from deblurlib.deconvolution.splitting import differences, differences_adjoint, gradient_power


class Periodic:
    """A blurred picture made periodic, with what every latent step needs of it, computed once.

    Args:
        blurred: (B, 1, H, W).
        kernel_size: The smooth extension adds this much less one, and goes on to a size that an FFT likes.
    """

    def __init__(self, blurred: Tensor, kernel_size: int) -> None:
        self.size = (blurred.shape[-2], blurred.shape[-1])
        self.picture = wrapped(blurred.clamp(0, 1), (kernel_size - 1, kernel_size - 1))
        self.shape = (self.picture.shape[-2], self.picture.shape[-1])
        self.spectrum = torch.fft.rfft2(self.picture)
        self.gradient_power = gradient_power(self.shape, blurred)

    def transfer(self, kernel: Tensor) -> Tensor:
        """The transfer function of a kernel at the size of the extended picture."""
        h, w = kernel.shape[-2:]
        padded = kernel.new_zeros(*kernel.shape[:2], *self.shape)
        padded[..., :h, :w] = kernel
        transfer: Tensor = torch.fft.rfft2(padded.roll((-(h // 2), -(w // 2)), dims=(-2, -1)))
        return transfer

    def cut(self, x: Tensor) -> Tensor:
        """The part that the photograph shows."""
        return x[..., : self.size[0], : self.size[1]]


def l0_gradient_step(
    y: Periodic,
    kernel: Tensor,
    weight: float,
    *,
    growth: float = 2.0,
    last: float = 1e5,
    pulled: Tensor | None = None,
    pull: Tensor | float = 0.0,
    start: Tensor | None = None,
) -> Tensor:
    """argmin_x |k * x - y|^2 + weight |grad x|_0 + pull |x - pulled|^2 by splitting (Xu, Lu, Xu, Jia 2011; Pan 2014).

    A gradient whose squared length is below weight / beta counts as none; beta grows from 2 weight to `last`.

    Args:
        y: The blurred picture.
        kernel: (B, 1, n, n).
        weight: Above 0.
        growth: Of beta in each round (released code: 2).
        last: Beta ends here (released code: 1e5).
        pulled: (B, 1, H', W'), a picture to stay near; with `pull`.
        pull: Its weight, one or (B, 1, 1, 1).
        start: (B, 1, H', W') to begin with; the blurred picture without one.

    Returns:
        (B, 1, H', W'), of the size of the extended picture.
    """
    transfer = y.transfer(kernel)
    data = transfer.conj() * y.spectrum
    power = transfer.real.square() + transfer.imag.square()
    if pulled is not None:
        data = data + pull * torch.fft.rfft2(pulled)
        power = power + pull
    x, beta = y.picture if start is None else start, 2 * weight
    while beta < last:
        g = differences(x)
        g = g * (g.square().sum(dim=0) >= weight / beta)
        solution = (data + beta * torch.fft.rfft2(differences_adjoint(g))) / (power + beta * y.gradient_power)
        x = torch.fft.irfft2(solution, s=y.shape)
        beta *= growth
    return x


def derivative_step(
    y: Periodic,
    kernel: Tensor,
    weights: tuple[float, float, float] = (1.0, 0.0, 0.0),
    smoothness: float = 0.0,
    guide: Tensor | None = None,
) -> Tensor:
    """argmin_x sum_n weights[n] |d^n (k * x - y)|^2 + smoothness |grad x - guide|^2, one division of spectra.

    Args:
        y: The blurred picture.
        kernel: (B, 1, n, n).
        weights: Of the picture, of its first and of its second derivatives (Cho & Lee 2009).
        smoothness: Above 0.
        guide: Gradients to follow, (2, B, 1, H', W') as `differences` gives them; none at all without them.

    Returns:
        (B, 1, H', W'), of the size of the extended picture.
    """
    transfer = y.transfer(kernel)
    d = y.gradient_power
    weight = weights[0] + weights[1] * d + weights[2] * d.square()
    data = weight * transfer.conj() * y.spectrum
    if guide is not None:
        data = data + smoothness * torch.fft.rfft2(differences_adjoint(guide))
    power = weight * (transfer.real.square() + transfer.imag.square()) + smoothness * d
    power[..., 0, 0] = power[..., 0, 0].clamp_min(1e-12)
    x: Tensor = torch.fft.irfft2(data / power, s=y.shape)
    return x
