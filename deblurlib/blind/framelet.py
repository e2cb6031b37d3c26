"""Cai, Ji, Liu, Shen (2009): the picture and the kernel are both sparse in a tight frame of small filters."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blind.coarse_to_fine import Watch, coarse_to_fine
from deblurlib.blind.l0_gradient import EdgeRounds, L0GradientSettings
from deblurlib.blind.latent_steps import Periodic
from deblurlib.least_squares import autocorrelation, conjugate_gradients, crosscorrelation, toeplitz


@dataclass(frozen=True)
class FrameletSettings(L0GradientSettings):
    """Constants of `framelet`: those of `l0_gradient`, of which `weight` means another prior here, and the following.

    The paper's own are for its own steps, on [0, 255]: all of these are our choice, made on eight of Levin's files.
    """

    weight: float = 2e-2
    """Of the picture's coefficients."""
    decay: float = 1.0
    """The weight stays."""
    levels: int = 3
    """Of the frame; each doubles the reach of the filters (paper: 4)."""
    tie: float = 0.01
    """Weight that ties the picture to its shrunk coefficients at first; it doubles."""
    ties: int = 7
    """How many weights the tie takes."""
    kernel_weight: float = 1e-3
    """Of the kernel's coefficients, in parts of the energy of the picture's gradients."""


def framelet(
    blurred: Tensor,
    kernel_size: int,
    *,
    settings: FrameletSettings = FrameletSettings(),
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """Blind deconvolution with a tight frame (Cai et al. 2009, Eq. 6; 2012).

        min over x, k of |k * x - y|^2 + weight |W x|_1 + kernel_weight |W k|_1 + ridge |k|^2

    with W the analysis by a framelet, W'W = I; the averages of its last level cost nothing. Cai et al. take framelets
    for the picture and curvelets for the kernel in 2009, framelets for both in 2012, on one scale, by split Bregman
    steps. Ours are half-quadratic steps with growing ties, in the rounds of `l0_gradient`: on a pyramid, and with the
    kernel compared between strong gradients; between intensities the loop ends at no blur.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        kernel_size: Odd, at least 3.
        settings: The constants.
        watch: Called with a `Round` after each.

    Returns:
        The kernel (B, 1, kernel_size, kernel_size), and the last latent picture (B, 1, H, W).
    """

    def latent(y: Periodic, kernel: Tensor, weight: float) -> Tensor:
        return framelet_step(y, kernel, weight, tie=settings.tie, ties=settings.ties, levels=settings.levels)

    rounds = _Rounds(settings, latent)
    return coarse_to_fine(blurred, kernel_size, rounds, pyramid=settings.pyramid, watch=watch)


class _Rounds(EdgeRounds):
    """With a kernel that is sparse in the frame, too."""

    settings: FrameletSettings

    def kernel_step(self, strong: Tensor, seen: Tensor, size: int) -> Tensor:
        return framelet_kernel_step(strong, seen, size, self.settings.kernel_weight, self.settings.ridge)


def framelet_step(y: Periodic, kernel: Tensor, weight: float, *, tie: float, ties: int, levels: int) -> Tensor:
    """argmin_x |k * x - y|^2 + weight |W x|_1, as far as the last tie: what its shrunk coefficients put together.

    Args:
        y: The blurred picture.
        kernel: (B, 1, n, n).
        weight: Of the coefficients.
        tie: The first weight of |W x - d|^2, d the shrunk coefficients.
        ties: How many there are; each is twice the one before.
        levels: Of the frame.

    Returns:
        (B, 1, H', W'), of the size of the extended picture.
    """
    transfer = y.transfer(kernel)
    data = transfer.conj() * y.spectrum
    power = transfer.real.square() + transfer.imag.square()
    x = shrunk = y.picture
    for _ in range(ties):
        shrunk = shrink(x, weight / (2 * tie), levels)
        x = torch.fft.irfft2((data + tie * torch.fft.rfft2(shrunk)) / (power + tie), s=y.shape)
        tie *= 2
    return shrunk


def framelet_kernel_step(
    sharp: Tensor, blurred: Tensor, size: int, weight: float, ridge: float, *, ties: int = 3
) -> Tensor:
    """argmin_k sum_i |l_i * k - b_i|^2 + weight E |W k|_1 + ridge |k|^2, E the energy of the l_i, by splitting.

    Args:
        sharp: (B, M, H, W), maps of the sharp picture.
        blurred: (B, M, H, W), the same maps of the blurred one.
        size: Odd, of the kernel.
        weight: Of the coefficients, in parts of the energy.
        ridge: Of the squares.
        ties: How often the tie between kernel and coefficients grows tenfold, from a hundredth of the energy.

    Returns:
        (B, 1, size, size), as it comes: values below 0, and any sum.
    """
    normal = toeplitz(autocorrelation(sharp, size))
    target = crosscorrelation(sharp, blurred, size)
    energy = sharp.double().square().sum(dim=(1, 2, 3), keepdim=True)
    kernel = torch.full_like(target, 1 / size**2)
    pull, near = torch.zeros_like(energy), kernel
    for number in range(ties + 1):
        kernel = conjugate_gradients(
            lambda v, pull=pull: normal(v) + (ridge + pull) * v,  # type: ignore[misc]
            target + pull * near,
            kernel,
            iterations=20,
            tolerance=1e-5,
        )
        pull = 10.0 ** (number - 2) * energy
        near = shrink_within(kernel, weight / (2 * 10.0 ** (number - 2)))
    return kernel.to(sharp.dtype)


def shrink_within(kernel: Tensor, amount: float) -> Tensor:
    """`shrink` of a kernel with nothing round it, one level."""
    return shrink(F.pad(kernel, (1, 1, 1, 1)), amount, 1)[..., 1:-1, 1:-1]


def shrink(x: Tensor, amount: float, levels: int) -> Tensor:
    """Pull the frame coefficients of a picture towards zero, but for the last averages, and put it together again.

    Args:
        x: (B, 1, H, W), taken as periodic.
        amount: By how much each.
        levels: Of the frame.

    Returns:
        (B, 1, H, W).

    Example:
        >>> x = torch.rand(1, 1, 20, 20, generator=torch.Generator().manual_seed(0))
        >>> bool((shrink(x, 0.0, 3) - x).abs().max() < 1e-6), bool(shrink(x, 1.0, 1).std() < x.std() / 2)
        (True, True)
    """
    averages, kept = x, []
    for level in range(levels):
        bands = analyse(averages, 2**level)
        averages, details = bands[:, :1], bands[:, 1:]
        kept.append(details.sign() * (details.abs() - amount).clamp_min(0))
    for level in reversed(range(levels)):
        averages = put_together(torch.cat([averages, kept[level]], dim=1), 2**level)
    return averages


def analyse(x: Tensor, spread: int = 1) -> Tensor:
    """The nine bands of one level: (B, 1, H, W) -> (B, 9, H, W), periodic; `spread` is the distance of the taps."""
    return F.conv2d(_with_surroundings(x, spread), _filters(x), dilation=spread)


def put_together(bands: Tensor, spread: int = 1) -> Tensor:
    """The adjoint of `analyse`, and its inverse from the left: (B, 9, H, W) -> (B, 1, H, W)."""
    filters = _filters(bands).flip((-2, -1)).transpose(0, 1)
    return F.conv2d(_with_surroundings(bands, spread), filters, dilation=spread)


def _with_surroundings(x: Tensor, margin: int) -> Tensor:
    """With what lies beyond each side of a periodic picture."""
    rows, columns = (torch.arange(-margin, n + margin, device=x.device) % n for n in x.shape[-2:])
    return x[..., rows[:, None], columns]


def _filters(like: Tensor) -> Tensor:
    """Products of two filters of the linear B-spline framelet, (9, 1, 3, 3): mean, first and second difference.

    At each frequency the squares of their responses add up to one. Computed on the device: nothing is sent to it.
    """
    t = torch.arange(3, dtype=torch.float64, device=like.device) - 1
    mean, first, second = 0.5 - t.abs() / 4, -t * math.sqrt(2) / 4, 0.5 - 0.75 * t.abs()
    rows = torch.stack([mean, first, second])
    return (rows[:, None, :, None] * rows[None, :, None, :]).reshape(9, 1, 3, 3).to(like.dtype)
