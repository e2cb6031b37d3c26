"""Michaeli and Irani (2014): small patches of a sharp picture come again in the same picture made smaller."""

from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blind.coarse_to_fine import Pyramid, Watch, coarse_to_fine
from deblurlib.blind.l0_gradient import EdgeRounds, L0GradientSettings
from deblurlib.blind.latent_steps import Periodic, derivative_step


@dataclass(frozen=True)
class PatchRecurrenceSettings(L0GradientSettings):
    """Constants of `patch_recurrence`: those of `l0_gradient`, of which `weight` means another prior here, and more.

    'Remembered' is of the paper, not looked up again.
    """

    pyramid: Pyramid = field(default_factory=lambda: Pyramid(ratio=3 / 4))
    """Neighbouring scales are as far apart as a picture and its smaller self (remembered)."""
    iterations: int = 6
    """Rounds at each scale (our choice)."""
    weight: float = 0.05
    """Of the picture's distance to what comes again (our choice)."""
    decay: float = 1.0
    """The weight stays (our choice)."""
    rim: float = 0.5
    """As of `l0_gradient` (our choice)."""
    smaller: float = 4 / 3
    """How many times smaller the picture is in which patches come again (remembered: 4/3)."""
    patch: int = 5
    """Side of a patch (remembered: 5)."""
    stride: int = 3
    """Pixels from patch to patch (paper: every patch; our choice, for speed)."""
    reach: int = 2
    """Patches are looked for at most as far from the place that corresponds, in pixels of the smaller picture (paper:
    the nearest ones of the whole picture; our choice: patches come again close by, Zontak & Irani 2011)."""
    width: float = 0.1
    """h, how much two patches may differ, in a root of the sum of squares (our choice)."""
    smoothness: float = 2e-3
    """Of the gradients of the first picture of a scale (our choice)."""
    turns: int = 2
    """Times that the picture is made smaller, searched and solved for in a round (our choice)."""


def patch_recurrence(
    blurred: Tensor,
    kernel_size: int,
    *,
    settings: PatchRecurrenceSettings = PatchRecurrenceSettings(),
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """Blind deconvolution with the recurrence of patches across scales (Michaeli & Irani 2014).

        min over x, k of |k * x - y|^2 + weight rho(x, r) + ridge |k|^2
        rho(x, r) = -sum_j log sum_i exp(-|Q_j x - R_i r|^2 / (2 h^2))

    r is x made smaller, and Q_j and R_i take a patch out. Made smaller by 4/3, a blurred edge is 4/3 times as sharp, so
    that a blurred patch finds sharper ones like it in r, while a sharp patch finds some as sharp as itself. r stays
    while x is solved for, so that each turn pulls x towards a picture sharper than the one before. It is this step that
    helps and not the objective: rho of a blurred picture is lower than that of the sharp one, as the tests show. Ours
    are the kernel step on strong gradients, the small windows of the search, and the constants.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        kernel_size: Odd, at least 3.
        settings: The constants.
        watch: Called with a `Round` after each.

    Returns:
        The kernel (B, 1, kernel_size, kernel_size), and the last latent picture (B, 1, H, W).

    Raises:
        ValueError: a stride above the side of a patch, which would leave pixels out; a patch larger than the picture.
    """
    if settings.stride > settings.patch:
        raise ValueError(f"stride: expected at most the side of a patch, {settings.patch}, got {settings.stride}.")
    rounds = EdgeRounds(settings, _LatentStep(settings))
    return coarse_to_fine(blurred, kernel_size, rounds, pyramid=settings.pyramid, watch=watch)


class _LatentStep:
    """What comes again of the picture, which goes on from round to round of a scale."""

    def __init__(self, settings: PatchRecurrenceSettings) -> None:
        self.settings = settings
        self.y: Periodic | None = None

    def __call__(self, y: Periodic, kernel: Tensor, weight: float) -> Tensor:
        chosen = self.settings
        if y is not self.y:
            self.y, self.x = y, derivative_step(y, kernel, smoothness=chosen.smoothness)
        transfer = y.transfer(kernel)
        data, power = transfer.conj() * y.spectrum, transfer.real.square() + transfer.imag.square()
        again = self.x
        for _ in range(chosen.turns):
            again = recurrence(self.x, smaller(self.x, chosen.smaller, chosen.patch), chosen)
            self.x = torch.fft.irfft2((data + weight * torch.fft.rfft2(again)) / (power + weight), s=y.shape)
        return again


def smaller(x: Tensor, times: float, least: int = 1) -> Tensor:
    """A picture made smaller, its sides at least `least`, bicubic with a filter against aliasing.

    Example:
        >>> smaller(torch.ones(1, 1, 20, 30), 4 / 3).shape
        torch.Size([1, 1, 15, 22])
    """
    h, w = (max(least, int(n / times + 1e-9)) for n in x.shape[-2:])
    return F.interpolate(x, (h, w), mode="bicubic", antialias=True)


def recurrence(x: Tensor, r: Tensor, settings: PatchRecurrenceSettings) -> Tensor:
    """Each patch of x as the average of patches of r, those weighing most that are like it; overlaps are averaged.

    The weights are exp(-|Q_j x - R_i r|^2 / (2 h^2)), their sum over i one, i from a window round the place in r that
    corresponds. It is the fixed-point step of rho(x, r), which does not rise by it.

    Args:
        x: (B, 1, H, W), no smaller than a patch.
        r: (B, 1, h, w), no smaller than a patch.
        settings: `patch`, `stride`, `reach` and `width`.

    Returns:
        (B, 1, H, W).

    Raises:
        ValueError: x is smaller than a patch.

    Example:
        >>> x = torch.zeros(1, 1, 8, 8); x[..., 4:] = 1.0
        >>> bool((recurrence(x, x, PatchRecurrenceSettings()) - x).abs().max() < 1e-6)
        True
    """
    patch = settings.patch
    h, w = x.shape[-2:]
    if patch > min(h, w):
        raise ValueError(f"patch: {patch} is larger than the picture at this scale, {h}x{w}.")
    covered = F.pad(x, (0, -(w - patch) % settings.stride, 0, -(h - patch) % settings.stride), mode="replicate")
    own = F.unfold(covered, patch, stride=settings.stride).mT
    others = F.unfold(r, patch).mT
    places = windows((h, w), (r.shape[-2], r.shape[-1]), settings, x.device)
    distance = torch.stack([(others[:, i] - own).square().sum(dim=2) for i in places], dim=2)
    weights = torch.softmax(distance / (-2 * settings.width**2), dim=2)
    average = torch.zeros_like(own)
    for n, i in enumerate(places):
        average.addcmul_(weights[..., n : n + 1], others[:, i])
    size = (covered.shape[-2], covered.shape[-1])
    total, times = (F.fold(p.mT, size, patch, stride=settings.stride) for p in (average, torch.ones_like(average)))
    return (total / times)[..., :h, :w]


def windows(
    size: tuple[int, int], small: tuple[int, int], settings: PatchRecurrenceSettings, device: torch.device
) -> Tensor:
    """Which patches of a smaller picture are compared with each patch of a picture: ((2 reach + 1)^2, J) int64.

    Counted row by row, as `unfold` takes them out. A window that would stick out is moved inside.
    """
    patch, stride, reach = settings.patch, settings.stride, settings.reach
    steps = torch.arange(-reach, reach + 1, device=device)
    reached = []
    for n, m in zip(size, small, strict=True):
        corners = torch.arange(-(-(n - patch) // stride) + 1, device=device) * stride
        place = ((corners + patch / 2) * (m / n) - patch / 2).round().long()
        place = place.clamp(max=m - patch - reach).clamp(min=reach)
        reached.append((place + steps[:, None]).clamp(0, m - patch))
    down, across = reached
    every = down[:, None, :, None] * (small[1] - patch + 1) + across[None, :, None, :]
    return every.reshape(len(steps) ** 2, -1)
