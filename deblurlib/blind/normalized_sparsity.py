"""Krishnan, Tay, Fergus (2011): the l1 norm over the l2 norm of the gradients, which blur does raise."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from deblurlib.blind.coarse_to_fine import Pyramid, Scale, Watch, coarse_to_fine
from deblurlib.blind.edges import gradients
from deblurlib.blind.kernel_cleanup import normalise, threshold
from deblurlib.blind.kernel_steps import ridge
from deblurlib.blind.tv_alternation import Valid


@dataclass(frozen=True)
class NormalizedSparsitySettings:
    """Constants of `normalized_sparsity`, each with its source ('code' is the release of Krishnan et al.)."""

    pyramid: Pyramid = field(default_factory=Pyramid)
    iterations: int = 21
    """Rounds at each scale (code)."""
    data_weight: float = 100.0
    """Of the data against the prior (code; 60 to 200 in its notes, larger for thinner kernels)."""
    kernel_weight: float = 0.0
    """Of the l1 norm of the kernel (code, as its demonstration sets it)."""
    energy: float = 6.0
    """The l2 norm that the gradients of each direction are brought to at each scale (code)."""
    step: float = 1e-3
    """Of the shrinkage steps; halved where the cost grows (code)."""
    outer: int = 2
    """How often a round renews the l2 norm (code)."""
    inner: int = 2
    """Shrinkage steps for one l2 norm (code)."""
    worse: float = 3.0
    """A round after which the cost is this many times larger is taken back, and the step halved (code)."""
    kernel_iterations: int = 1
    """Conjugate gradients of the kernel step (code)."""
    cut: float = 0.0
    """Values of a kernel below this part of its largest are cut in each round (the code cuts none)."""


def normalized_sparsity(
    blurred: Tensor,
    kernel_size: int,
    *,
    settings: NormalizedSparsitySettings = NormalizedSparsitySettings(),
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """Blind deconvolution by normalised sparsity (Krishnan, Tay, Fergus 2011, their Eq. 3).

        min over x, k of data_weight |x * k - g|^2 + |x|_1 / |x|_2 + kernel_weight |k|_1

    with g the gradients of the photograph, across and down, and x those of the sharp picture.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        kernel_size: Odd, at least 3.
        settings: The constants.
        watch: Called with a `Round` after each; its latent pictures are gradients, (B, 2, h, w).

    Returns:
        The kernel (B, 1, kernel_size, kernel_size), and the last gradients (B, 2, H - 1, W - 1).
    """
    rounds = _SparseRounds(settings)
    return coarse_to_fine(blurred, kernel_size, rounds, pyramid=settings.pyramid, watch=watch)


class _SparseRounds:
    def __init__(self, settings: NormalizedSparsitySettings) -> None:
        self.settings = settings

    def __call__(self, scale: Scale, kernel: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The rounds of one scale."""
        chosen = self.settings
        seen = gradients(scale.blurred)
        seen = seen * (chosen.energy / seen.square().sum(dim=(-2, -1), keepdim=True).sqrt().clamp_min(1e-12))
        valid = Valid(seen, scale.size)
        x = valid.start()
        step = torch.full_like(x[:, :1, :1, :1], chosen.step)
        before = sparsity_cost(valid, x, kernel, chosen.data_weight)
        for _ in range(chosen.iterations):
            fresh = x
            for _ in range(chosen.outer):
                fresh = shrink(valid, fresh, kernel, chosen.data_weight, step, chosen.inner)
            cost = sparsity_cost(valid, fresh, kernel, chosen.data_weight)
            good = (cost <= chosen.worse * before).view(-1, 1, 1, 1)
            x = torch.where(good, fresh, x)
            step = torch.where(good, step, step / 2)
            before = torch.where(good.flatten(), cost, before)
            sharp = valid.shown(x)
            weight = 0.0 if chosen.kernel_weight == 0 else chosen.kernel_weight / kernel.clamp_min(1e-4).double()
            kernel = ridge(
                sharp, seen, scale.size, weight=weight, iterations=chosen.kernel_iterations, start=kernel, tolerance=0.0
            )
            kernel = threshold(kernel, chosen.cut) if chosen.cut else normalise(kernel)
            before = sparsity_cost(valid, x, kernel, chosen.data_weight)
            yield kernel, sharp


def sparsity(x: Tensor) -> Tensor:
    """|x|_1 / |x|_2 of each picture of a batch, (B,); the same for x and for any multiple of it.

    Example:
        >>> x = torch.tensor([[[[3.0, 0.0], [0.0, 0.0]]], [[[1.0, 1.0], [1.0, 1.0]]]])
        >>> sparsity(x).tolist()
        [1.0, 2.0]
    """
    x = x.flatten(1)
    return x.abs().sum(dim=1) / x.square().sum(dim=1).sqrt().clamp_min(torch.finfo(x.dtype).tiny)


def sparsity_cost(valid: Valid, x: Tensor, kernel: Tensor, data_weight: float) -> Tensor:
    """What the steps of x bring down, (B,)."""
    residual = valid.residual(valid.spectrum(x), valid.spectrum(kernel))
    return data_weight * residual.square().sum(dim=(1, 2, 3)) + sparsity(x)


def shrink(valid: Valid, x: Tensor, kernel: Tensor, data_weight: float, step: Tensor, iterations: int) -> Tensor:
    """Shrinkage steps of data_weight |x * k - g|^2 + |x|_1 / (the l2 norm of x as it is at the start)."""
    filter_ = valid.spectrum(kernel)
    norm = x.square().sum(dim=(1, 2, 3), keepdim=True).sqrt()
    pull = data_weight * norm * step
    for _ in range(iterations):
        v = x - pull * valid.picture_gradient(valid.residual(valid.spectrum(x), filter_), filter_)
        x = v.sign() * (v.abs() - step).clamp_min(0)
    return x
