"""A recipe of our own: three methods that fail on different photographs, and the kernel that the others confirm."""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from deblurlib.blind.coarse_to_fine import Round, Watch
from deblurlib.blind.fast_edges import FastEdgesSettings, fast_edges
from deblurlib.blind.l0_gradient import L0GradientSettings, l0_gradient
from deblurlib.blind.two_phase import TwoPhaseSettings, two_phase
from deblurlib.metrics.kernel_scores import best_correlation


@dataclass(frozen=True)
class AgreementSettings:
    """The constants of the three methods (all our choice)."""

    l0_gradient: L0GradientSettings = field(default_factory=lambda: L0GradientSettings(rim=0.5))
    fast_edges: FastEdgesSettings = field(default_factory=FastEdgesSettings)
    two_phase: TwoPhaseSettings = field(default_factory=TwoPhaseSettings)


def agreement(
    blurred: Tensor,
    kernel_size: int,
    *,
    settings: AgreementSettings = AgreementSettings(),
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """Blind deconvolution by agreement: of three kernels, the one that is most like the other two.

    A true kernel is one and the same for each method, while wrong ones differ: `l0_gradient`, `fast_edges` and
    `two_phase` lose their way on different photographs, so that a kernel which two of them find is rarely wrong. No
    weight and no threshold decides.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        kernel_size: Odd, at least 3.
        settings: The constants.
        watch: Called with a `Round` after each of `l0_gradient`, and with what was chosen.

    Returns:
        The kernel (B, 1, kernel_size, kernel_size), and its latent picture (B, 1, H, W).
    """
    last = Round(0, 0, blurred, blurred)

    def seen(step: Round) -> None:
        nonlocal last
        last = step
        if watch is not None:
            watch(step)

    found = [
        l0_gradient(blurred, kernel_size, settings=settings.l0_gradient, watch=seen),
        fast_edges(blurred, kernel_size, settings=settings.fast_edges),
        two_phase(blurred, kernel_size, settings=settings.two_phase),
    ]
    kernels, latents = (torch.stack(each, dim=1) for each in zip(*found, strict=True))
    best = most_alike(kernels)
    kernel, latent = (x[torch.arange(len(best), device=best.device), best] for x in (kernels, latents))
    if watch is not None:
        watch(Round(last.scale, last.iteration + 1, kernel, latent))
    return kernel, latent


def most_alike(kernels: Tensor, like: Callable[[Tensor, Tensor], Tensor] = best_correlation) -> Tensor:
    """Which of several kernels has the largest sum of similarities to the others: (B,) int64.

    Args:
        kernels: (B, N, 1, h, w), N at least 2.
        like: From two batches of kernels to their similarities.

    Example:
        >>> from deblurlib.blur import linear_motion
        >>> k = torch.cat([linear_motion(9, angle) for angle in (0.0, 30.0, 40.0)])
        >>> most_alike(k[None]).tolist()
        [1]
    """
    n = kernels.shape[1]
    total = kernels.new_zeros(kernels.shape[0], n)
    for i in range(n):
        for j in range(i):
            alike = like(kernels[:, i], kernels[:, j])
            total[:, i] += alike
            total[:, j] += alike
    return total.argmax(dim=1)
