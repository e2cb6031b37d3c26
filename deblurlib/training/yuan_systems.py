"""The cycle-GAN of Yuan et al. (2020), as it must be meant, and as its equations are printed."""

import torch
from torch import Tensor, nn

from deblurlib.losses import printed_8, printed_9, printed_11, printed_12
from deblurlib.training.config import TrainingConfig
from deblurlib.training.cycles import CycleGAN
from deblurlib.training.data import Batch
from deblurlib.training.one_step import Losses, System


class Yuan(CycleGAN):
    """Yuan et al. (2020) as intended: a cycle-GAN with least squares whose round trips are compared in features.

    L = adversarial_weight ((8) + (9)) + cycle_weight ((11) + (12)), each as `losses.intended_...` states it, but with
    the features' distance divided by their variance, so that the weight of 10 means the same for every network. The
    paper takes ten steps of the judges for one of the generators; `recipe("yuan")` has these.
    """

    needs_features = True

    def round_trip(self, real: Tensor, recovered: Tensor) -> Tensor:
        """How far an image is from what came back of it, in features."""
        apart: Tensor = self.features(recovered, real)
        return apart

    def anchor(self, batch: Batch, fake_sharp: Tensor, fake_blur: Tensor) -> Losses:
        """The paper has no other term."""
        return {}


class YuanPrinted(System):
    """Yuan et al. (2020) with equations (6) and (8) to (12) exactly as printed.

    The generators minimise adversarial_weight ((8) + (9)) + cycle_weight ((11) + (12)), and the only judge that is
    printed, D_A, maximises the same (8) + (9), for the paper prints no other loss for it (our reading). No real image
    reaches it and its score has no bound: it runs away. What trains is the 'cycle' loss, a distance between pairs.
    """

    needs_features = True

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.player("generators", config.learning_rate, "blur_to_sharp", "sharp_to_blur")
        self.player("discriminators", config.discriminator_learning_rate, "judge_sharp")

    def build(self) -> dict[str, nn.Module]:
        """Two generators and one judge."""
        return {"blur_to_sharp": self.generator(), "sharp_to_blur": self.generator(), "judge_sharp": self.judge()}

    def step(self, batch: Batch) -> Losses:
        """Update both generators, with the judge frozen; then the judge."""
        config, judge, sigma = self.config, self.networks["judge_sharp"], self.features.maps
        blur, sharp = batch.blurred, batch.sharp
        fake_sharp, fake_blur = self.networks["blur_to_sharp"](blur), self.networks["sharp_to_blur"](sharp)

        judge.requires_grad_(False)
        losses = {
            "adversarial_sharp": printed_8(judge, fake_sharp),
            "adversarial_blur": printed_9(judge, fake_blur),
            "cycle_sharp": printed_11(sigma, sharp, fake_sharp),
            "cycle_blur": printed_12(sigma, blur, fake_blur),
        }
        total = config.adversarial_weight * (losses["adversarial_sharp"] + losses["adversarial_blur"])
        self.update("generators", total + config.cycle_weight * (losses["cycle_sharp"] + losses["cycle_blur"]))

        judge.requires_grad_(True)
        for _ in range(config.judge_steps):
            score = printed_8(judge, fake_sharp.detach()) + printed_9(judge, fake_blur.detach())
            self.update("discriminators", -score)
        return {name: loss.detach() for name, loss in (losses | {"discriminator_sharp": -score}).items()}
