"""Chan and Wong (1998): total variation, in turns; and the small change of Perrone and Favaro that lets it work."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib import contracts
from deblurlib.blind.coarse_to_fine import Pyramid, Scale, Watch, coarse_to_fine
from deblurlib.blind.exact_alternation import exact_rounds
from deblurlib.blind.free_boundary import FreeBoundary
from deblurlib.blind.kernel_cleanup import follow, normalise
from deblurlib.blind.variation import variation_gradient


@dataclass(frozen=True)
class SteadyPyramid(Pyramid):
    """Scales close to each other, each kernel smaller by the ratio, and by two pixels at least."""

    ratio: float = 1 / 1.1
    """Of the kernels of neighbouring scales (code)."""
    smallest: int = 3
    """Of the kernels (code)."""
    most: int = 9
    """Scales at most; the code stops where the weight of the prior reaches 0.11, which is there."""

    def levels(self, kernel_size: int) -> list[tuple[float, int]]:
        """The factor of each scale and the size of its kernel, the coarsest first.

        Example:
            >>> [size for factor, size in SteadyPyramid().levels(27)]
            [11, 13, 15, 17, 19, 21, 23, 25, 27]
        """
        sizes = [kernel_size]
        while sizes[-1] > self.smallest and len(sizes) < self.most:
            size = (round(sizes[-1] * self.ratio) - 1) // 2 * 2 + 1
            sizes.append(max(self.smallest, min(size, sizes[-1] - 2)))
        return [(size / kernel_size, size) for size in reversed(sizes)]

    def smaller(self, image: Tensor, factor: float) -> Tensor:
        """The photograph at a scale, of odd sides, by bicubic interpolation against aliasing (code)."""
        if factor == 1:
            return image
        h, w = (max(3, (round(n * factor) - 1) // 2 * 2 + 1) for n in image.shape[-2:])
        return F.interpolate(image, (h, w), mode="bicubic", antialias=True)


@dataclass(frozen=True)
class TotalVariationSettings:
    """Constants of `total_variation`, each with its source ('code' is the release of Perrone & Favaro 2014)."""

    pyramid: Pyramid = field(default_factory=SteadyPyramid)
    alternation: Literal["projected", "exact"] = "projected"
    """Single gradient steps (Perrone & Favaro), or each of picture and kernel to its minimum (Chan & Wong)."""
    iterations: int = 1000
    """Pairs of gradient steps at each scale (code). It is part of the method: with 300 the kernels are not found."""
    weight: float = 6e-4
    """Of the total variation at the finest scale (code, for Levin's photographs)."""
    growth: float = 1.9
    """Of the weight from a scale to the next coarser one (code)."""
    picture_step: float = 5e-3
    """The largest change of a pixel in a step, as a part of the largest pixel (code)."""
    kernel_step: float = 1e-3
    """The same of the kernel (code)."""
    report: int = 100
    """Pairs of steps in one round of the history (our choice)."""
    turns: int = 10
    """Of the exact alternation at each scale (our choice)."""


def total_variation(
    blurred: Tensor,
    kernel_size: int,
    *,
    settings: TotalVariationSettings = TotalVariationSettings(),
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """Blind deconvolution with total variation by projected alternating steps (Perrone & Favaro 2014, Algorithm 1).

        min over u, k of 1/2 |M (k * u) - f|^2 + weight TV(u), k >= 0, sum k = 1

    Chan and Wong (1998) minimise over u and over k in turns, each exactly, and that drifts to a point (`exact_rounds`,
    or `alternation="exact"`; they have a total variation of k as well). Here each turn is one gradient step, and the
    kernel is clipped first and divided by its sum after that: its step is taken as if the sum were free, and that delay
    keeps the loop from the point.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        kernel_size: Odd, at least 3.
        settings: The constants.
        watch: Called with a `Round` after each.

    Returns:
        The kernel (B, 1, kernel_size, kernel_size), and the last latent picture (B, 1, H, W).
    """
    contracts.choice(settings.alternation, "alternation", ["projected", "exact"])
    rounds = _Rounds(settings, kernel_size)
    return coarse_to_fine(blurred, kernel_size, rounds, pyramid=settings.pyramid, watch=watch)


class _Rounds:
    def __init__(self, settings: TotalVariationSettings, kernel_size: int) -> None:
        self.settings = settings
        sizes = [size for _, size in settings.pyramid.levels(kernel_size)]
        self.weights = {s: settings.weight * settings.growth**n for n, s in enumerate(reversed(sizes))}
        self.picture: Tensor | None = None

    def __call__(self, scale: Scale, kernel: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        """The rounds of one scale: a turn of the exact alternation, or `report` pairs of steps."""
        weight, y = self.weights[scale.size], FreeBoundary(scale.blurred, scale.size)
        if self.settings.alternation == "exact":
            for turn in exact_rounds(y, kernel, weight, self.settings.turns):
                yield turn.kernel, y.cut(turn.picture)
            return
        if self.picture is None:
            u, kernel = y.around(), torch.full_like(kernel, 1 / scale.size**2)
        else:
            u = F.interpolate(self.picture, (y.tall, y.wide), mode="bicubic")
        for done in range(0, self.settings.iterations, self.settings.report):
            for _ in range(min(self.settings.report, self.settings.iterations - done)):
                u, kernel = projected_step(y, u, kernel, weight, self.settings)
            yield kernel, y.cut(u)
        self.picture = follow(u, kernel)


def projected_step(
    y: FreeBoundary, u: Tensor, kernel: Tensor, weight: float, settings: TotalVariationSettings
) -> tuple[Tensor, Tensor]:
    """One gradient step of u, then one of k with the new u; k is clipped, then divided by its sum."""
    transfer = y.spectrum(kernel)
    slope = y.adjoint(y.forward(u, transfer) - y.values, transfer) + weight * variation_gradient(u)
    u = u - settings.picture_step * _relative(u, slope)
    picture = y.spectrum(u)
    error = y.unseen(y.seen(picture * transfer) - y.values)
    pull: Tensor = torch.fft.irfft2(error * picture.conj(), s=y.shape)
    step = settings.kernel_step * _relative(kernel, pull[..., : y.size, : y.size])
    return u, normalise(kernel - step)


def _relative(x: Tensor, slope: Tensor) -> Tensor:
    """A slope scaled so that its largest value is that of x."""
    top = slope.abs().amax(dim=(1, 2, 3), keepdim=True)
    return slope * (x.amax(dim=(1, 2, 3), keepdim=True) / top.clamp_min(torch.finfo(x.dtype).tiny))
