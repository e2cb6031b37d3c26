"""Cho and Lee (2009): predict the sharp edges with filters, and solve everything by division."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from deblurlib.blind.coarse_to_fine import Pyramid, Scale, Watch, coarse_to_fine
from deblurlib.blind.edges import gradients, inner, select, strength_threshold
from deblurlib.blind.kernel_cleanup import prune, threshold
from deblurlib.blind.latent_steps import Periodic, derivative_step
from deblurlib.blind.prediction import bilateral, shock_filter
from deblurlib.least_squares import ridge


@dataclass(frozen=True)
class FastEdgesSettings:
    """Constants of `fast_edges`, each with its source ('paper' is Cho and Lee)."""

    pyramid: Pyramid = field(default_factory=Pyramid)
    """The paper halves the picture; neighbouring scales closer together are safer (our choice)."""
    iterations: int = 7
    """Rounds at each scale (paper)."""
    spatial: float = 2.0
    """Of the bilateral filter, in a window of 5 pixels (paper)."""
    tonal: float = 0.5
    """Of the bilateral filter (paper)."""
    shock: float = 1.0
    """Step of the shock filter (paper)."""
    decay: float = 0.9
    """Of the tonal width, the shock's step and the threshold after each round (paper)."""
    edges: int = 40
    """Pixels of each direction that the threshold leaves, for each pixel of the kernel's side. The paper has 2, for
    large photographs; 40 is our choice, of 5 to 100, on Levin's photographs and on made ones."""
    value_weight: float = 50.0
    """Of the picture itself in the latent step (paper)."""
    first_weight: float = 25.0
    """Of first derivatives in both steps (paper)."""
    second_weight: float = 12.5
    """Of second derivatives in both steps (paper)."""
    smoothness: float = 0.1
    """Of the latent picture's gradients (paper)."""
    ridge: float = 5.0
    """Of the kernel (paper)."""
    kernel_iterations: int = 5
    """Of conjugate gradients (paper)."""
    cut: float = 0.05
    """Values of a kernel below this part of its largest one are cut (paper)."""
    prune: float = 0.02
    """Parts of a kernel with less light are dropped (our choice)."""


def fast_edges(
    blurred: Tensor,
    kernel_size: int,
    *,
    settings: FastEdgesSettings = FastEdgesSettings(),
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """Fast motion deblurring (Cho & Lee 2009): prediction, kernel and latent step, each one cheap.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        kernel_size: Odd, at least 3.
        settings: The constants.
        watch: Called with a `Round` after each.

    Returns:
        The kernel (B, 1, kernel_size, kernel_size), and the last latent picture (B, 1, H, W).
    """
    return coarse_to_fine(blurred, kernel_size, _Rounds(settings), pyramid=settings.pyramid, watch=watch)


class _Rounds:
    def __init__(self, settings: FastEdgesSettings) -> None:
        self.settings = settings

    def __call__(self, scale: Scale, kernel: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        chosen = self.settings
        y = Periodic(scale.blurred, scale.size)
        weights = (chosen.value_weight, chosen.first_weight, chosen.second_weight)
        seen = self._maps(gradients(scale.blurred))
        limit = None
        for n in range(chosen.iterations):
            x = y.cut(derivative_step(y, kernel, weights, chosen.smoothness))
            fade = chosen.decay**n
            smooth = bilateral(x, 2, chosen.spatial, chosen.tonal * fade)
            predicted = inner(gradients(shock_filter(smooth, chosen.shock * fade)), scale.size)
            if limit is None:
                limit = strength_threshold(predicted, chosen.edges * scale.size)
            strong, _ = select(predicted, limit * fade)
            kernel = ridge(
                self._maps(strong),
                seen,
                scale.size,
                weight=chosen.ridge,
                iterations=chosen.kernel_iterations,
                start=kernel,
            )
            kernel = prune(threshold(kernel, chosen.cut), chosen.prune)
            yield kernel, x

    def _maps(self, gradient: Tensor) -> Tensor:
        """First and second derivatives, weighted by the square roots of their weights: (B, 5, H, W)."""
        first, second = self.settings.first_weight**0.5, self.settings.second_weight**0.5
        across, down = gradient[:, :1], gradient[:, 1:]
        straight = [across.roll(-1, -1) - across, down.roll(-1, -2) - down]
        mixed = (across.roll(-1, -2) - across + down.roll(-1, -1) - down) / 2
        return torch.cat([first * gradient, *(second * d for d in straight), second * mixed], dim=1)
