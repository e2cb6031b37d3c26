"""Training pairs made on the fly: sharp crops and what a shaking camera makes of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from deblurlib import datasets, images
from deblurlib.blur import camera_shake
from deblurlib.blur.circular import fast_length
from deblurlib.photographs import PHOTOGRAPHS
from deblurlib.training.config import TrainingConfig
from deblurlib.training.resident import Cuts, Resident, send

SCALES = (1.0, 0.75, 0.5)
"""Each photograph is used at these sizes: scaling down makes a soft photograph truly sharp (our choice)."""

ONE_KERNEL = "deconvolution_cnn"
"""The system whose network is for a single kernel."""

GAIN = (0.8, 1.0)
"""Brightness augmentation, drawn uniformly for each crop (our choice)."""


@dataclass(frozen=True)
class Batch:
    """Blurred and sharp crops, (B, 3, crop, crop) in [0, 1]. Pairs, unless the batch was drawn unpaired.

    Beside them what made them: each crop's kernel (B, 1, h, w), the noise's standard deviation, and the batch's seed.
    """

    blurred: Tensor
    sharp: Tensor
    kernels: Tensor
    noise: float
    seed: int

    def part(self, start: int, stop: int) -> "Batch":
        """Some of the crops."""
        own = slice(start, stop)
        return Batch(self.blurred[own], self.sharp[own], self.kernels[own], self.noise, of_part(self.seed, start))


def of_part(seed: int, start: int) -> int:
    """The seed of the part of a batch that begins at a crop: what a step draws differs from part to part.

    Torch's generator on a CPU looks at the lowest 32 bits of a seed alone, and the factor fills these.
    """
    return seed + start * 2654435761


def photographs(source: str, *, skip: bool = False) -> tuple[list[Tensor], list[float]]:
    """The sharp photographs of a source and how often each is drawn.

    Args:
        source: 'bundled' for the training photographs that ship, or a folder.
        skip: Whether to leave out, with a warning, what cannot be read.

    Returns:
        A list of (1, 3, H, W) tensors in [0, 1], and a weight for each.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: a folder without readable images, or with unreadable ones (named).
    """
    if source == "bundled":
        names = images.bundled_names("train")
        return [images.bundled(name).expand(-1, 3, -1, -1) for name in names], [PHOTOGRAPHS[n].weight for n in names]
    found = datasets.read(datasets.pictures(source), skip=skip)
    return [x[None].float() / 255 for x in found.values()], [1.0] * len(found)


def bank(config: TrainingConfig) -> Tensor:
    """The camera shakes that batches draw from, (kernels, 1, h, w), by the seed; `ONE_KERNEL` has but one."""
    generator = torch.Generator().manual_seed(config.seed)
    count = 1 if config.system == ONE_KERNEL else config.kernels
    return camera_shake(count, config.kernel_size, length=config.path_length, generator=generator)


def the_kernel(config: TrainingConfig) -> Tensor:
    """The one kernel of a run of the system `ONE_KERNEL`, (1, 1, h, w).

    Raises:
        ValueError: the run draws from several.
    """
    if config.system != ONE_KERNEL:
        raise ValueError(f"system: {config.system} is trained on many kernels, only {ONE_KERNEL} on one.")
    return bank(config)


class BlurredPairs:
    """An endless, seekable supply of training batches: a batch is a function of the seed and the step.

    Sharp photographs stay on the device as bytes. A batch crops them at random places, sizes and orientations, blurs
    each crop with its own kernel from a bank of camera shakes (only pixels that need nothing from beyond the crop are
    kept), and adds noise. Nothing needs to be stored to resume, nothing is read from disk while training, and on a
    CUDA device nothing waits for it.

    Args:
        config: Which photographs, crops, kernels and noise.
        device: Where the batches are made.
        source: Photographs (1, 3, H, W) to use instead of those that the configuration names.
        rank: Which process this is: each makes its share of a batch of `processes * config.batch` crops.
        processes: How many there are.

    Raises:
        FileNotFoundError, ValueError: as `photographs`; or every photograph is smaller than a crop and its margin.
    """

    def __init__(
        self,
        config: TrainingConfig,
        device: torch.device,
        source: Sequence[Tensor] | None = None,
        *,
        rank: int = 0,
        processes: int = 1,
    ) -> None:
        self.config, self.device = config, device
        self.count = processes * config.batch
        self.first = rank * config.batch
        self.own = slice(self.first, self.first + config.batch)
        sharp, weights = (
            photographs(config.photographs, skip=config.skip_unreadable)
            if source is None
            else (list(source), [1.0] * len(source))
        )
        self.side = config.crop + config.kernel_size - 1
        pyramid: list[Tensor] = []
        shares: list[float] = []
        for x, weight in zip(sharp, weights, strict=True):
            for scale in SCALES:
                small = x if scale == 1 else F.interpolate(x, scale_factor=scale, mode="area")
                if min(small.shape[-2:]) >= self.side:
                    pyramid.append((small[0] * 255).round().to(torch.uint8))
                    shares.append(weight)
        if not pyramid:
            raise ValueError(
                f"crop: no photograph is as large as a crop of {config.crop} and a margin for the kernel, {self.side}."
            )
        self.pyramid = Resident(pyramid, device)
        self.shares = torch.tensor(shares)
        self.kernels = bank(config).to(device)

    def batch(self, step: int, *, paired: bool = True) -> Batch:
        """The batch of a step.

        Args:
            step: 0 or more.
            paired: Whether `sharp[i]` is what `blurred[i]` was made of; if not, it is another crop altogether.

        Returns:
            Blurred and sharp crops: this process's share.
        """
        seed = self.config.seed * 1_000_003 + step
        chance = torch.Generator().manual_seed(seed)
        sharp = self._crops(chance)
        blurred, kernels, noise = self._blur(sharp, chance)
        if not paired:
            sharp = self._crops(chance)
        margin = self.config.kernel_size // 2
        inner = sharp[..., margin : margin + self.config.crop, margin : margin + self.config.crop].contiguous()
        return Batch(blurred, inner, kernels, noise, of_part(seed, self.first))

    def _crops(self, chance: torch.Generator) -> Tensor:
        cuts = Cuts.draw(self.shares, self.count, chance)
        low, high = GAIN
        gain = low + (high - low) * torch.rand(self.count, 1, 1, 1, generator=chance)
        return self.pyramid.cut(cuts[self.own], self.side).float() * send(gain[self.own] / 255, self.device)

    def _blur(self, sharp: Tensor, chance: torch.Generator) -> tuple[Tensor, Tensor, float]:
        picks = torch.randint(len(self.kernels), (self.count,), generator=chance)
        kernels = self.kernels[send(picks[self.own], self.device)]
        blurred = blur_inside(sharp, kernels)
        low, high = self.config.noise
        sigma = low + (high - low) * float(torch.rand(1, generator=chance))
        noise = torch.Generator(self.device).manual_seed(int(torch.randint(2**62, (1,), generator=chance)))
        grain = torch.randn(self.count, *blurred.shape[1:], generator=noise, device=self.device)
        return blurred + sigma * grain[self.own], kernels, sigma


def blur_inside(x: Tensor, kernels: Tensor) -> Tensor:
    """`Blur(kernels, "valid")(x)` without its checks: each of them waits for the device.

    Example:
        >>> from deblurlib.blur import Blur
        >>> x, k = torch.rand(2, 3, 20, 20), torch.full((2, 1, 5, 5), 0.04)
        >>> bool(torch.allclose(blur_inside(x, k), Blur(k, "valid")(x), rtol=0, atol=1e-6))
        True
    """
    height, width = x.shape[-2:]
    h, w = kernels.shape[-2:]
    size = (fast_length(height), fast_length(width))
    padded = F.pad(kernels, (0, size[1] - w, 0, size[0] - h)).roll((-(h // 2), -(w // 2)), dims=(-2, -1))
    y: Tensor = torch.fft.irfft2(torch.fft.rfft2(x, s=size).mul_(torch.fft.rfft2(padded)), s=size)
    return y[..., h // 2 : height - h // 2, w // 2 : width - w // 2]
