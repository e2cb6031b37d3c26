"""What one training step of the motion classifier does: sharp patches, each blurred by a motion that is known."""

from functools import cached_property

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from deblurlib import contracts
from deblurlib.blur.motions import motion_kernels
from deblurlib.deconvolution import hyper_laplacian
from deblurlib.networks import Deblurrer, MotionClassifier
from deblurlib.networks.motion_classifier import PATCH
from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import Batch
from deblurlib.training.systems import SYSTEMS, Losses, System

MOTIONS = 4
"""A crop is used so often, with a motion of its own each time: cutting costs more than blurring (our choice)."""

FAINT = 0.02
"""A patch whose standard deviation is smaller shows no motion, and teaches none (our choice)."""


class OneMotionRestorer(Deblurrer):
    """A trained classifier, asked for one motion of the whole picture, and the deconvolution by that motion's kernel.

    It is what a run is scored by. The motions of different places are the affair of `deblurlib.blind.motion_field`.
    """

    def __init__(self, network: MotionClassifier) -> None:
        self.network = network.eval()
        self.kernels = motion_kernels(network.motions.cpu())

    @torch.inference_mode()
    def __call__(self, blurred: Tensor) -> Tensor:
        """Restore images: (B, 1 or 3, H, W) to the same shape and dtype, clipped to [0, 1].

        Raises:
            TypeError, ValueError: not a photograph.
        """
        contracts.photograph(blurred, "blurred")
        device = next(self.network.parameters()).device
        scores = self.network(blurred.float().to(device)).log_softmax(dim=1)
        kernels = self.kernels[scores.mean(dim=(-2, -1)).argmax(dim=1).cpu()]
        return hyper_laplacian(blurred, kernels.to(blurred))


class MotionField(System):
    """Sun et al. (2015): patches of sharp photographs, each blurred by one of the straight motions; cross-entropy."""

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.player("generators", config.learning_rate, "blur_to_sharp")

    @cached_property
    def kernels(self) -> Tensor:
        """Of the classes, (K, 1, h, w)."""
        network: MotionClassifier = self.networks["blur_to_sharp"]  # type: ignore[assignment]
        return motion_kernels(network.motions.cpu()).to(self.device)

    def build(self) -> dict[str, nn.Module]:
        """The classifier, of all lengths whose kernels fit the configuration's."""
        return {"blur_to_sharp": MotionClassifier(self.config.kernel_size - 2, width=self.config.width)}

    def restorer(self) -> Deblurrer:
        """One motion for the whole picture."""
        return OneMotionRestorer(self.build()["blur_to_sharp"])  # type: ignore[arg-type]

    def step(self, batch: Batch) -> Losses:
        """Update the classifier on a few patches of each crop."""
        patches, labels = self.patches(batch)
        scores = self.networks["blur_to_sharp"](patches)[..., 0, 0].float()
        textured = patches.std(dim=(1, 2, 3)) > FAINT
        losses = F.cross_entropy(scores, labels, reduction="none")
        content = (losses * textured).sum() / textured.sum().clamp_min(1)
        self.update("generators", content)
        return {"content": content.detach()}

    def patches(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Grey patches (4 B, 1, 30, 30) and their classes (4 B,), a function of the batch.

        The blur wraps round the crop; crops of 30 pixels and a kernel keep what wraps out of the patch.
        """
        chance = torch.Generator().manual_seed(batch.seed)
        grey = batch.sharp.mean(dim=1, keepdim=True).repeat(MOTIONS, 1, 1, 1)
        labels = torch.randint(len(self.kernels), (len(grey),), generator=chance)
        grain = torch.randn(len(grey), 1, PATCH, PATCH, generator=chance)
        kernels = self.kernels[labels.to(self.device)]
        side, reach = grey.shape[-1], kernels.shape[-1] // 2
        origin = F.pad(kernels, [0, max(0, side - kernels.shape[-1])] * 2).roll((-reach, -reach), dims=(-2, -1))
        y: Tensor = torch.fft.irfft2(torch.fft.rfft2(grey) * torch.fft.rfft2(origin), s=(side, side))
        start = (side - PATCH) // 2
        cut = y[..., start : start + PATCH, start : start + PATCH]
        return cut + batch.noise * grain.to(self.device), labels.to(self.device)


SYSTEMS.update(motion_field=MotionField)
