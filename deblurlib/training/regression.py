"""Regression: pairs, and the distance to the truth."""

import torch
from torch import nn

from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import Batch
from deblurlib.training.one_step import Losses, System


class Regression(System):
    """One generator, pairs, and the distance to the truth: the baseline that adversarial training starts from.

    The distance is the configuration's `content`: the logarithm of the error, L1, L2, or that of features.
    """

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.player("generators", config.learning_rate, "blur_to_sharp")

    def build(self) -> dict[str, nn.Module]:
        """The generator alone."""
        return {"blur_to_sharp": self.generator()}

    def step(self, batch: Batch) -> Losses:
        """Update the generator."""
        fake_sharp = self.networks["blur_to_sharp"](batch.blurred)
        content = self.distance(fake_sharp, batch.sharp)
        self.update("generators", content)
        return {"content": content.detach()}
