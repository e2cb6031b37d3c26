"""Xu and Jia (2010): edges larger than the kernel first, then a kernel that grows from its own support."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from deblurlib.blind.coarse_to_fine import Pyramid, Scale, Watch, coarse_to_fine
from deblurlib.blind.edges import gradients, inner, select, strength_threshold
from deblurlib.blind.kernel_cleanup import normalise, prune, threshold
from deblurlib.blind.latent_steps import Periodic, derivative_step
from deblurlib.blind.prediction import gaussian_smooth, shock_filter, usefulness
from deblurlib.least_squares import ridge


@dataclass(frozen=True)
class TwoPhaseSettings:
    """Constants of `two_phase`, each with its source ('paper' is Xu and Jia)."""

    pyramid: Pyramid = field(default_factory=Pyramid)
    """The paper halves the picture; neighbouring scales closer together are safer (our choice)."""
    iterations: int = 8
    """Rounds at each scale (paper: 5; our choice)."""
    smooth: float = 1.0
    """Standard deviation of the Gaussian before the shock filter (paper: a Gaussian, its width our choice)."""
    shock: float = 0.5
    """Step of the shock filter (our choice)."""
    shock_times: int = 5
    """Steps of the shock filter (our choice)."""
    useful: float = 1.0
    """The first threshold on the r-map leaves this times sqrt(pixels of picture times pixels of kernel) in each
    direction (paper: 0.5; our choice)."""
    edges: int = 10
    """Pixels of each direction that the first threshold on gradients leaves, for each pixel of the kernel's side
    (paper: 2; our choice, for small photographs have few edges)."""
    decay: float = 1.1
    """Both thresholds are divided by it after each round (paper)."""
    guide: float = 2e-3
    """Of the latent picture's gradients towards the selected ones (paper)."""
    ridge: float = 10.0
    """Of the kernel in the first phase (paper)."""
    cut: float = 0.05
    """Values of a kernel below this part of its largest one are cut in the first phase (our choice)."""
    prune: float = 0.02
    """Parts of a kernel with less light are dropped in the first phase (our choice)."""
    supports: int = 5
    """Rounds of the second phase, at the last scale (paper: 3 to 5)."""
    sparsity: float = 1.0
    """Of the kernel outside its support in the second phase (paper)."""
    reweightings: int = 3
    """Of the least squares in each of these rounds (our choice)."""


def two_phase(
    blurred: Tensor,
    kernel_size: int,
    *,
    settings: TwoPhaseSettings = TwoPhaseSettings(),
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """Two-phase kernel estimation (Xu & Jia 2010).

    Phase one: edges that are useful by the r-map, sharpened by a shock filter; a kernel with a Gaussian prior; a latent
    picture that follows these edges. Phase two: iterative support detection, which lets a kernel of many small values
    grow where it is already bright, and is sparse elsewhere.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        kernel_size: Odd, at least 3.
        settings: The constants.
        watch: Called with a `Round` after each.

    Returns:
        The kernel (B, 1, kernel_size, kernel_size), and the last latent picture (B, 1, H, W).
    """
    return coarse_to_fine(blurred, kernel_size, _Rounds(settings, kernel_size), pyramid=settings.pyramid, watch=watch)


class _Rounds:
    def __init__(self, settings: TwoPhaseSettings, last_size: int) -> None:
        self.settings, self.last_size = settings, last_size

    def __call__(self, scale: Scale, kernel: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        chosen, size = self.settings, scale.size
        y, seen = Periodic(scale.blurred, size), gradients(scale.blurred)
        useful = usefulness(scale.blurred)
        count = chosen.useful * (useful[0].numel() * size**2) ** 0.5
        need = strength_threshold(seen / seen.square().sum(1, keepdim=True).sqrt().clamp_min(1e-6) * useful, int(count))
        limit, guide = None, None
        x = y.cut(derivative_step(y, kernel, smoothness=chosen.guide))
        strong = seen
        for n in range(chosen.iterations):
            fade = chosen.decay**-n
            sharpened = shock_filter(gaussian_smooth(x, chosen.smooth), chosen.shock, chosen.shock_times)
            predicted = gradients(sharpened) * (useful.square() >= need * fade**2)
            predicted = inner(predicted, size)
            if limit is None:
                limit = strength_threshold(predicted, chosen.edges * size)
            strong, _ = select(predicted, limit * fade**2)
            kernel = ridge(strong, seen, size, weight=chosen.ridge)
            kernel = prune(threshold(kernel, chosen.cut), chosen.prune)
            guide = _periodic(strong, y)
            x = y.cut(derivative_step(y, kernel, smoothness=chosen.guide, guide=guide))
            yield kernel, x
        if size == self.last_size:
            for n in range(1, chosen.supports + 1):
                kernel = self._grown(kernel, strong, seen, size, n)
                yield kernel, x

    def _grown(self, kernel: Tensor, strong: Tensor, seen: Tensor, size: int, n: int) -> Tensor:
        """One round of iterative support detection: argmin |l * k - b|^2 + sparsity sum of |k| outside the support."""
        outside = ~support(kernel, n)
        for _ in range(self.settings.reweightings):
            weight = outside * self.settings.sparsity / kernel.clamp_min(1e-4)
            kernel = normalise(ridge(strong, seen, size, weight=weight.double(), start=kernel))
        return kernel


def support(kernel: Tensor, n: int) -> Tensor:
    """The pixels above the first jump of the sorted values that exceeds max / (2 h n) (Xu & Jia 2010, Eq. 8).

    Args:
        kernel: (B, 1, h, h).
        n: The round, from 1.

    Returns:
        (B, 1, h, h) bool.

    Example:
        >>> support(torch.tensor([[[[0.0, 0.1, 0.3, 0.6]]]]), 1).flatten().tolist()
        [False, True, True, True]
    """
    values = kernel.flatten(1).sort(dim=1).values
    jump = values.diff(dim=1)
    far = jump > kernel.amax(dim=(1, 2, 3)).view(-1, 1) / (2 * kernel.shape[-1] * n)
    first = far.long().argmax(dim=1, keepdim=True)
    level = torch.where(far.any(dim=1, keepdim=True), values.gather(1, first), values[:, :1])
    return kernel > level.view(-1, 1, 1, 1)


def _periodic(gradient: Tensor, y: Periodic) -> Tensor:
    """Gradients across and down of the photograph as `differences` of the extended picture has them."""
    both = gradient.new_zeros(2, gradient.shape[0], 1, *y.shape)
    both[0, :, 0, : gradient.shape[-2], : gradient.shape[-1]] = gradient[:, 1]
    both[1, :, 0, : gradient.shape[-2], : gradient.shape[-1]] = gradient[:, 0]
    return both
