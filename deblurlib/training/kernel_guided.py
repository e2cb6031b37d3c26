"""The generator that finds the kernel on its way: each of its parts learns from what it alone makes."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deblurlib.losses import wiener_error
from deblurlib.networks import GuidedUNet
from deblurlib.networks.guided_unet import FRAME, noise_level
from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import Batch
from deblurlib.training.one_step import Losses, System

MISLED = 8
"""One crop in so many is deconvolved with its neighbour's kernel: the second U-Net must learn to doubt (our choice)."""

KERNELS = 0.01
"""Weight of the refiners' losses. Adam divides by it again: it counts in the norm that is clipped (our choice)."""


class KernelGuided(System):
    """A `GuidedUNet` on pairs, after the cascade of Schuler et al. (2016), who train theirs stage by stage.

    The two U-Nets learn the distance to the truth, each refiner the error of the Wiener filter that believes its kernel
    (`losses.wiener_error`), less that of the true one. No gradient goes from one to another: each is given what the
    others make as it is.
    """

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        if config.kernel_size > FRAME:
            raise ValueError(f"kernel_size: {config.system} finds kernels of {FRAME} pixels, got {config.kernel_size}.")
        super().__init__(config, device)
        self.player("generators", config.learning_rate, "blur_to_sharp")

    def generator(self) -> nn.Module:
        """A `GuidedUNet` of the configuration's size, whatever generator it names."""
        network = GuidedUNet(self.config.width, self.config.levels, self.config.blocks)
        return network.to(memory_format=torch.channels_last)

    def build(self) -> dict[str, nn.Module]:
        """The generator alone."""
        return {"blur_to_sharp": self.generator()}

    @property
    def modules(self) -> list[nn.Module]:
        """The two U-Nets: what lies between them is made of spectra."""
        network = self.networks["blur_to_sharp"]
        assert isinstance(network, GuidedUNet)
        return [network.first, network.second]

    def step(self, batch: Batch) -> Losses:
        """Update both U-Nets and both refiners."""
        network = self.networks["blur_to_sharp"]
        assert isinstance(network, GuidedUNet)
        room = (FRAME - batch.kernels.shape[-1]) // 2
        true = F.pad(batch.kernels, (room, room, room, room))
        least = wiener_error(true, true)
        restored, noise = network.first(batch.blurred), noise_level(batch.blurred)
        losses = {"first": self.distance(restored, batch.sharp)}
        for again, name in enumerate(("second", "content")):
            kernel = network.look(again, restored.detach(), batch.blurred, noise)
            losses[f"kernel_{again + 1}"] = (wiener_error(kernel, true) - least).mean()
            restored = network.restore(batch.blurred, _misled(kernel.detach(), again), noise)
            losses[name] = self.distance(restored, batch.sharp)
        pixels = losses["first"] + losses["second"] + losses["content"]
        self.update("generators", pixels + KERNELS * (losses["kernel_1"] + losses["kernel_2"]))
        return {name: loss.detach() for name, loss in losses.items()}


def _misled(kernel: Tensor, again: int) -> Tensor:
    """Some kernels exchanged for their neighbours', others each time."""
    count = len(kernel) // MISLED
    mine = slice(again * count, (again + 1) * count)
    mixed = kernel.clone()
    mixed[mine] = kernel.roll(1, dims=0)[mine]
    return mixed
