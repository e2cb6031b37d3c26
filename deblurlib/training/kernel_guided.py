"""The generator that finds the kernel on its way: each of its parts learns from what it alone makes."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deblurlib.losses import wiener_error
from deblurlib.networks import GuidedUNet
from deblurlib.networks.guided_unet import FRAME, SMALLEST, candidates, in_full, noise_level, unit_light
from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import Batch, of_part
from deblurlib.training.one_step import Losses, System
from deblurlib.training.resident import send

MISLED = 17
"""One crop in so many is deconvolved with a wrong kernel: what deconvolves must learn to doubt (our choice; a prime, so
that the seeds of a batch's crops have every remainder)."""


class KernelGuided(System):
    """A `GuidedUNet` on pairs, after the cascade of Schuler et al. (2016), who train theirs stage by stage.

    The first U-Net and the second network learn the distance to the truth, the refiner the error of the Wiener filter
    that believes its kernel (`losses.wiener_error`), less that of the true one. No gradient goes from one to another:
    each is given what the others make as it is. Each has an optimiser of its own, for the refiner's gradients have long
    tails, and clipped together they would drown the others'.
    """

    needs_kernels = True

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        if config.kernel_size > FRAME:
            raise ValueError(f"kernel_size: {config.system} finds kernels of {FRAME} pixels, got {config.kernel_size}.")
        if config.crop < SMALLEST:
            raise ValueError(f"crop: {config.system} finds kernels in {SMALLEST} pixels or more, got {config.crop}.")
        super().__init__(config, device)
        network = self.network
        for name, part in (("first", network.first), ("refiner", network.refiner), ("second", network.second)):
            self.player(name, config.learning_rate, part)

    @property
    def network(self) -> GuidedUNet:
        """The generator."""
        network = self.networks["blur_to_sharp"]
        assert isinstance(network, GuidedUNet)
        return network

    @property
    def modules(self) -> list[nn.Module]:
        """What is made of convolutions: between them lie spectra."""
        return [self.network.first, self.network.second]

    def generator(self) -> nn.Module:
        """A `GuidedUNet` whose first U-Net has the configuration's size, whatever generator it names."""
        network = GuidedUNet(self.config.width, self.config.levels, self.config.blocks)
        return network.to(memory_format=torch.channels_last)

    def build(self) -> dict[str, nn.Module]:
        """The generator alone."""
        return {"blur_to_sharp": self.generator()}

    def step(self, batch: Batch) -> Losses:
        """Update all three parts."""
        network, blurred = self.network, batch.blurred
        room = (FRAME - batch.kernels.shape[-1]) // 2
        true = F.pad(batch.kernels, (room, room, room, room))
        noise = noise_level(blurred)
        restored = network.first(blurred)
        first = self.distance(restored, batch.sharp)
        self.update("first", first)
        restored = restored.detach()
        with in_full(self.device):
            kernel = unit_light(network.refiner(candidates(restored, blurred), noise))
            excess = (wiener_error(kernel, true) - wiener_error(true, true)).mean()
        self.update("refiner", excess)
        believed = _misled(kernel.detach(), batch.seed)
        content = self.distance(network.deconvolve(blurred, restored, believed, noise), batch.sharp)
        self.update("second", content)
        return {"first": first.detach(), "kernel": excess.detach(), "content": content.detach()}


def _misled(kernel: Tensor, seed: int) -> Tensor:
    """Some kernels of a batch turned by a right angle; which, is the same where the batch comes in parts."""
    wrong = torch.tensor([of_part(seed, crop) % MISLED == 0 for crop in range(len(kernel))]).view(-1, 1, 1, 1)
    return torch.where(send(wrong, kernel.device), kernel.rot90(1, (-2, -1)), kernel)
