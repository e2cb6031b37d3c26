"""Krishnan, Tay, Fergus (2011): the l1 norm over the l2 norm of the gradients, which blur does raise."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blind.coarse_to_fine import Pyramid, Scale, Watch, coarse_to_fine
from deblurlib.blind.edges import inner
from deblurlib.blind.free_boundary import FreeBoundary
from deblurlib.blind.kernel_cleanup import follow, normalise
from deblurlib.blind.marginal_em import picture
from deblurlib.blind.posterior import SeenGradients
from deblurlib.blur.circular import fast_length
from deblurlib.least_squares import ridge


@dataclass(frozen=True)
class NormalizedSparsitySettings:
    """Constants of `normalized_sparsity`, each with its source ('code' is the release of Krishnan et al.)."""

    pyramid: Pyramid = field(default_factory=lambda: Pyramid(smallest=3))
    """From kernels of 3 pixels, as the code for kernels below 33."""
    iterations: int = 28
    """Rounds at each scale. The code has 21; a few more, and the kernel comes closer (our choice)."""
    data_weight: float = 40.0
    """Of the data against the prior. The code has 60 to 200, another for each photograph; 40 is our choice for all."""
    energy: float = 6.0
    """The l2 norm that the gradients of each direction are brought to at each scale (code)."""
    step: float = 1e-3
    """Of the shrinkage; halved where the cost grows (code)."""
    outer: int = 2
    """How often a round renews the l2 norm (code)."""
    inner: int = 2
    """Shrinkage steps for one l2 norm (code)."""
    worse: float = 3.0
    """A round after which the cost is this many times larger is taken back, and the step halved (code)."""


def normalized_sparsity(
    blurred: Tensor,
    kernel_size: int,
    *,
    settings: NormalizedSparsitySettings = NormalizedSparsitySettings(),
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """Blind deconvolution by normalised sparsity (Krishnan, Tay, Fergus 2011, their Eq. 3, without its term for k).

        min over x, k of data_weight / 2 |M (k * x) - g|^2 + sum over both directions of |x|_1 / |x|_2

    with g the gradients of the photograph, across and down, and x the sharp ones. Unlike the l1 norm alone, which blur
    lowers, the ratio is smallest for a sharp picture. The kernel takes one conjugate gradient in a round: with more it
    runs ahead of the gradients, towards a point. Other than in the code, the sharp gradients go on beyond the frame,
    and the kernel is seen by those alone whose blur lies within it.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        kernel_size: Odd, at least 3.
        settings: The constants.
        watch: Called with a `Round` after each; its latent pictures are gradients, (B, 2, h, w).

    Returns:
        The kernel (B, 1, kernel_size, kernel_size), and the picture of the last gradients (B, 1, H, W).
    """
    rounds = _SparseRounds(settings)
    kernel, gradients = coarse_to_fine(blurred, kernel_size, rounds, pyramid=settings.pyramid, watch=watch)
    return kernel, picture(blurred, kernel, gradients)


class _SparseRounds:
    def __init__(self, settings: NormalizedSparsitySettings) -> None:
        self.settings = settings
        self.sharp: Tensor | None = None

    def __call__(self, scale: Scale, kernel: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The rounds of one scale, from the sharp gradients of the one before."""
        chosen = self.settings
        y = SeenGradients(scale.blurred, scale.size)
        norm = length(y.values)
        y.values = y.values * (chosen.energy / norm.clamp_min(torch.finfo(norm.dtype).tiny))
        x = y.around() if self.sharp is None else F.interpolate(self.sharp, (y.tall, y.wide), mode="bilinear")
        x = x * (chosen.energy / length(x).clamp_min(torch.finfo(x.dtype).tiny))
        step = torch.full_like(x[..., :1, :1], chosen.step)
        spectrum, seen = y.spectrum(x), _roomy(y.values)
        for _ in range(chosen.iterations):
            transfer = y.spectrum(kernel)
            old = fresh = Explained(x, spectrum, y.seen(spectrum * transfer) - y.values)
            for _ in range(chosen.outer):
                fresh = shrink(y, fresh, transfer, chosen.data_weight, step, chosen.inner)
            before, after = (sparsity_cost(v.sharp, v.error, chosen.data_weight) for v in (old, fresh))
            good = after <= chosen.worse * before
            x, spectrum = torch.where(good, fresh.sharp, x), torch.where(good, fresh.spectrum, spectrum)
            step = torch.where(good, step, step / 2)
            trusted = _roomy(inner(y.cut(x), scale.size))
            kernel = ridge(trusted, seen, scale.size, weight=0.0, iterations=1, start=kernel, tolerance=0.0)
            kernel = normalise(kernel)
            yield kernel, y.cut(x) * norm / chosen.energy
        self.sharp = follow(x, kernel)


def length(x: Tensor) -> Tensor:
    """The l2 norm of each map, (B, C, 1, 1)."""
    return x.square().sum(dim=(-2, -1), keepdim=True).sqrt()


def sparsity(x: Tensor) -> Tensor:
    """|x|_1 / |x|_2 of each map, (B, C, 1, 1); the same for x and for any multiple of it.

    Example:
        >>> x = torch.tensor([[[[3.0, 0.0], [0.0, 0.0]], [[1.0, 1.0], [1.0, 1.0]]]])
        >>> sparsity(x).flatten().tolist()
        [1.0, 2.0]
    """
    return x.abs().sum(dim=(-2, -1), keepdim=True) / length(x).clamp_min(torch.finfo(x.dtype).tiny)


@dataclass(frozen=True)
class Explained:
    """Sharp gradients, and how well a kernel explains the photograph by them."""

    sharp: Tensor
    """x, (B, C, H + n - 1, W + n - 1)."""
    spectrum: Tensor
    """Of x, which the next kernel needs as well."""
    error: Tensor
    """M (k * x) - g, (B, C, H, W)."""


def sparsity_cost(x: Tensor, error: Tensor, data_weight: float) -> Tensor:
    """data_weight / 2 |M (k * x) - g|^2 + |x|_1 / |x|_2 of each map, (B, C, 1, 1); `error` is M (k * x) - g."""
    return data_weight / 2 * error.square().sum(dim=(-2, -1), keepdim=True) + sparsity(x)


def shrink(
    y: FreeBoundary, x: Explained, transfer: Tensor, data_weight: float, step: Tensor, iterations: int
) -> Explained:
    """Shrinkage steps of data_weight / 2 |M (k * x) - g|^2 + |x|_1 / n, with n the l2 norm of x as it comes.

    Each is a gradient step of the data and a soft threshold, of lengths step n and step (ISTA).

    Args:
        y: What the frame shows.
        x: The gradients to begin with.
        transfer: The spectrum of k.
        data_weight: Of the data.
        step: (B, C, 1, 1).
        iterations: How many.
    """
    pull = data_weight * length(x.sharp) * step
    for _ in range(iterations):
        v = x.sharp - pull * y.adjoint(x.error, transfer)
        v = v - torch.clamp(v, -step, step)
        spectrum = y.spectrum(v)
        x = Explained(v, spectrum, y.seen(spectrum * transfer) - y.values)
    return x


def _roomy(x: Tensor) -> Tensor:
    """Zeros below and to the right, up to a size that an FFT likes; gradients within the rim meet nothing of them."""
    h, w = x.shape[-2:]
    return F.pad(x, (0, fast_length(w) - w, 0, fast_length(h) - h))
