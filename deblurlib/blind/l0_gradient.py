"""Pan, Hu, Su, Yang (2014): few gradients in the sharp picture, scale by scale."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from torch import Tensor

from deblurlib.blind.coarse_to_fine import Pyramid, Scale, Watch, coarse_to_fine
from deblurlib.blind.edges import gradients, inner, select, strength_threshold
from deblurlib.blind.kernel_cleanup import prune, threshold
from deblurlib.blind.latent_steps import Periodic, l0_gradient_step
from deblurlib.least_squares import ridge

LatentStep = Callable[[Periodic, Tensor, float], Tensor]
"""From the blurred picture, the kernel and the weight of the prior to the latent picture, of the extended size."""


@dataclass(frozen=True)
class L0GradientSettings:
    """Constants of `l0_gradient`, each with its source ('code' is the release of Pan et al.)."""

    pyramid: Pyramid = field(default_factory=Pyramid)
    iterations: int = 5
    """Rounds at each scale (code)."""
    weight: float = 4e-3
    """Of the number of gradients in the first round (code)."""
    decay: float = 1.1
    """The weight is divided by it after each round, across the scales (code)."""
    least: float = 1e-4
    """The weight stops here (code)."""
    ridge: float = 2.0
    """Of the kernel step (code)."""
    edges: int = 20
    """Pixels of each direction that the first threshold leaves, for each pixel of the kernel's side (code)."""
    edge_decay: float = 1.1
    """The threshold is divided by it after each round (code)."""
    cut: float = 0.05
    """Values of a kernel below this part of its largest one are cut after each kernel step (code)."""
    prune: float = 0.02
    """Parts of a kernel with less light are dropped. The code has 0.1, which deletes parts of long trajectories; 0.02
    is our choice."""
    rim: float = 0.25
    """The kernel step leaves out gradients nearer to the frame than this part of the kernel's side: their blur is not
    all in the photograph. The code has 0; a quarter is our choice, between Levin's photographs, where a half is better
    still, and made ones, where it finds fewer of the kernels."""


def l0_gradient(
    blurred: Tensor,
    kernel_size: int,
    *,
    settings: L0GradientSettings = L0GradientSettings(),
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """Blind deconvolution with the L0 norm of the gradients (Pan et al. 2014, their Eq. 3 without the text's term).

        min over x, k of |k * x - y|^2 + weight |grad x|_0 + ridge |k|^2

    With `rim=0` and `prune=0.1` it is the loop of the released code.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        kernel_size: Odd, at least 3.
        settings: The constants.
        watch: Called with a `Round` after each.

    Returns:
        The kernel (B, 1, kernel_size, kernel_size), and the last latent picture (B, 1, H, W).
    """

    def latent(y: Periodic, kernel: Tensor, weight: float) -> Tensor:
        return l0_gradient_step(y, kernel, weight)

    rounds = EdgeRounds(settings, latent)
    return coarse_to_fine(blurred, kernel_size, rounds, pyramid=settings.pyramid, watch=watch)


class EdgeRounds:
    """The rounds that Pan's methods share: a latent step, its strong edges, the kernel step, the clean-up.

    The weight and the threshold of the edges go on from scale to scale.

    Args:
        settings: The constants.
        latent_step: From the blurred picture, the kernel and the weight to the latent picture.
    """

    def __init__(self, settings: L0GradientSettings, latent_step: LatentStep) -> None:
        self.settings, self.latent_step, self.weight = settings, latent_step, settings.weight
        self.threshold: Tensor | None = None

    def __call__(self, scale: Scale, kernel: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The rounds of one scale."""
        chosen = self.settings
        y = Periodic(scale.blurred, scale.size)
        seen = gradients(scale.blurred)
        near = int(2 * chosen.rim * scale.size)
        if self.threshold is None:
            self.threshold = strength_threshold(inner(seen, near), chosen.edges * scale.size)
        for _ in range(chosen.iterations):
            x = y.cut(self.latent_step(y, kernel, self.weight))
            strong, used = select(inner(gradients(x), near), self.threshold)
            self.threshold = used / chosen.edge_decay
            kernel = self.kernel_step(strong, seen, scale.size)
            kernel = prune(threshold(kernel, chosen.cut), chosen.prune)
            self.weight = max(self.weight / chosen.decay, chosen.least)
            yield kernel, x

    def kernel_step(self, strong: Tensor, seen: Tensor, size: int) -> Tensor:
        """From strong gradients of the latent picture and those of the blurred one to a kernel, as it comes."""
        return ridge(strong, seen, size, weight=self.settings.ridge)
