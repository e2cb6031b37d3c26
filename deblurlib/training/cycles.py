"""Two generators that undo each other: the cycle-GAN, without pairs and with them."""

import torch
from torch import Tensor, nn

from deblurlib.losses import cycle, identity
from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import Batch
from deblurlib.training.game import Game
from deblurlib.training.one_step import Losses
from deblurlib.training.pool import Pool


class CycleGAN(Game):
    """The cycle-GAN of Zhu et al. (2017): two generators, two discriminators, no pairs.

    L = adversarial_weight (L_adv(G) + L_adv(F)) + cycle_weight (|F(G(b)) - b| + |G(F(s)) - s|)
      + identity_weight (|G(s) - s| + |F(b) - b|)
    """

    paired = False
    generators = ("blur_to_sharp", "sharp_to_blur")
    judges = ("judge_sharp", "judge_blur")
    anchor_name = "identity"

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.pools = {name: Pool(config.pool, config.seed, device) for name in ("sharp", "blur")}

    def build(self) -> dict[str, nn.Module]:
        """Two generators and the two discriminators that judge their fakes."""
        return {
            "blur_to_sharp": self.generator(),
            "sharp_to_blur": self.generator(),
            "judge_sharp": self.judge(),
            "judge_blur": self.judge(),
        }

    def step(self, batch: Batch) -> Losses:
        """Update both generators, with the discriminators frozen; then both discriminators, on new and older fakes."""
        config, networks = self.config, self.networks
        real_blur, real_sharp = batch.blurred, batch.sharp
        fake_sharp, fake_blur = networks["blur_to_sharp"](real_blur), networks["sharp_to_blur"](real_sharp)
        rec_blur, rec_sharp = networks["sharp_to_blur"](fake_sharp), networks["blur_to_sharp"](fake_blur)

        self.freeze_judges()
        losses = {
            "adversarial_sharp": self.forge("judge_sharp", fake_sharp),
            "adversarial_blur": self.forge("judge_blur", fake_blur),
            "cycle_blur": self.round_trip(real_blur, rec_blur),
            "cycle_sharp": self.round_trip(real_sharp, rec_sharp),
        }
        total = config.adversarial_weight * (losses["adversarial_sharp"] + losses["adversarial_blur"])
        total = total + config.cycle_weight * (losses["cycle_blur"] + losses["cycle_sharp"])
        for domain, value in self.anchor(batch, fake_sharp, fake_blur).items():
            losses[f"{self.anchor_name}_{domain}"] = value
            total = total + self.anchor_weight() * value
        self.update("generators", total)

        old_sharp, old_blur = self.pools["sharp"](fake_sharp.detach()), self.pools["blur"](fake_blur.detach())
        shown = {"judge_sharp": (real_sharp, old_sharp), "judge_blur": (real_blur, old_blur)}
        losses |= self.teach_judges(shown, batch.seed)
        return {name: loss.detach() for name, loss in losses.items()}

    def round_trip(self, real: Tensor, recovered: Tensor) -> Tensor:
        """How far an image is from what came back of it."""
        return cycle(real, recovered)

    def anchor(self, batch: Batch, fake_sharp: Tensor, fake_blur: Tensor) -> Losses:
        """What ties the generators down besides the cycle: without pairs, to leave alone what is already right."""
        return {
            "sharp": identity(batch.sharp, self.networks["blur_to_sharp"](batch.sharp)),
            "blur": identity(batch.blurred, self.networks["sharp_to_blur"](batch.blurred)),
        }

    def anchor_weight(self) -> float:
        """Of that anchor."""
        return self.config.identity_weight


class PairedCycleGAN(CycleGAN):
    """A cycle-GAN that is also shown the answers, as Yuan et al. train theirs: pairs take the place of the identity."""

    paired = True
    anchor_name = "content"

    def anchor(self, batch: Batch, fake_sharp: Tensor, fake_blur: Tensor) -> Losses:
        """What ties the generators down besides the cycle: with pairs, the answers."""
        return {
            "sharp": self.distance(fake_sharp, batch.sharp),
            "blur": self.distance(fake_blur, batch.blurred),
        }

    def anchor_weight(self) -> float:
        """Of that anchor."""
        return self.config.content_weight
