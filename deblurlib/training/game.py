"""What every adversarial system shares: judges, frozen while the generators move, and their own steps."""

from collections.abc import Mapping

import torch
from torch import Tensor

from deblurlib.losses import adversarial, gradient_penalty
from deblurlib.training.config import TrainingConfig
from deblurlib.training.one_step import Losses, System


class Game(System):
    """Generators against judges. A judge 'judge_sharp' pays 'discriminator_sharp', its forger 'adversarial_sharp'.

    Attributes:
        generators, judges: The names of their networks.
        game: The form of the adversarial loss.
    """

    generators: tuple[str, ...] = ("blur_to_sharp",)
    judges: tuple[str, ...] = ("judge_sharp",)

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.game = adversarial(config.adversarial)
        for judge in self.judges:
            domain = judge.removeprefix("judge_")
            self.chance[f"adversarial_{domain}"] = self.game.generator_chance
            self.chance[f"discriminator_{domain}"] = self.game.discriminator_chance
        self.player("generators", config.learning_rate, *self.generators)
        self.player("discriminators", config.discriminator_learning_rate, *self.judges)

    def freeze_judges(self, frozen: bool = True) -> None:
        """Let no gradient into the judges' weights, or let it in again."""
        for name in self.judges:
            self.networks[name].requires_grad_(not frozen)

    def forge(self, judge: str, fake: Tensor) -> Tensor:
        """What the forger of `fake` pays to a judge."""
        return self.game.generator(self.networks[judge](fake))

    def teach_judges(self, shown: Mapping[str, tuple[Tensor, Tensor]], seed: int) -> Losses:
        """Update the judges, `judge_steps` times on the same images, as the released code of DeblurGAN does.

        Args:
            shown: Name of a judge -> what it is shown, real and fake.
            seed: Of what a gradient penalty draws.

        Returns:
            The judges' losses at the last of these steps; 'penalty_...' where the game has one.
        """
        self.freeze_judges(False)
        draws = torch.Generator().manual_seed(seed)
        for _ in range(self.config.judge_steps):
            losses: Losses = {}
            for name, (real, fake) in shown.items():
                judge, domain, fake = self.networks[name], name.removeprefix("judge_"), fake.detach()
                losses[f"discriminator_{domain}"] = self.game.discriminator(judge(real), judge(fake))
                if self.game.penalty:
                    with torch.autocast(self.device.type, enabled=False):  # a slope of a slope needs its digits
                        slope = gradient_penalty(judge, real.float(), fake.float(), generator=draws)
                    losses[f"penalty_{domain}"] = self.game.penalty * slope
            self.update("discriminators", torch.stack(list(losses.values())).sum())
        return losses
