"""What one training step does: each system is the few lines that its paper states.

Names follow one rule: `real_blur` is a blurred photograph, `fake_sharp` what the generator makes of it, `rec_blur` what
the other generator makes of that.
"""

from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from deblurlib.contracts import choice
from deblurlib.losses import adversarial, cycle, log_error
from deblurlib.networks import Deblurrer, PatchDiscriminator, UNetGenerator
from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import Batch

Losses = dict[str, Tensor]


class System(ABC):
    """Networks, their optimisers, and one step.

    Attributes:
        paired: Whether a step needs the sharp image that the blurred one was made of.
        networks: By name; 'blur_to_sharp' is the generator that deblurs.
        optimizers: By name, each over the networks of one player.
        chance: Loss name -> its value when a discriminator can only guess.
    """

    paired = True

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        self.config, self.device = config, device
        with torch.random.fork_rng(devices=[]):  # layers draw from the global generator: seed it, and put it back
            torch.default_generator.manual_seed(config.seed)
            self.networks = {name: network.to(device) for name, network in self.build().items()}
        self.optimizers: dict[str, torch.optim.Adam] = {}
        self.rates: dict[str, float] = {}
        self.pools: dict[str, Pool] = {}
        self.chance: dict[str, float] = {}

    @abstractmethod
    def build(self) -> dict[str, nn.Module]:
        """The networks, freshly initialised."""

    @abstractmethod
    def step(self, batch: Batch) -> Losses:
        """Update every network once, and hand back the losses as scalars on the device."""

    def generator(self) -> UNetGenerator:
        """A generator of the configuration's size."""
        network = UNetGenerator(self.config.width, self.config.levels)
        return network.to(memory_format=torch.channels_last)  # 1.4 to 1.6 times faster on CPUs and tensor cores

    def restorer(self) -> Deblurrer:
        """A restorer around a fresh copy of the network 'blur_to_sharp', for its averaged weights."""
        return Deblurrer(UNetGenerator(self.config.width, self.config.levels))

    def distance(self, restored: Tensor, reference: Tensor) -> Tensor:
        """To the truth, where a system is shown it."""
        return log_error(restored, reference) if self.config.content == "log_error" else F.l1_loss(restored, reference)

    def player(self, name: str, rate: float, *networks: str) -> None:
        """Give one player its optimiser."""
        parameters = [p for network in networks for p in self.networks[network].parameters()]
        self.optimizers[name] = torch.optim.Adam(parameters, lr=rate, betas=self.config.betas, fused=True)
        self.rates[name] = rate

    def set_rate(self, factor: float) -> None:
        """Set every learning rate to a fraction of its highest value."""
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = self.rates[name] * factor

    def update(self, name: str, loss: Tensor) -> None:
        """One step of one player: gradients, clipped, applied."""
        self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.apply(name)

    def apply(self, name: str) -> None:
        """Clip the gradients of one player, and step: apart, for a batch whose gradients come in shares."""
        optimizer = self.optimizers[name]
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        nn.utils.clip_grad_norm_(parameters, self.config.clip)
        optimizer.step()


class Regression(System):
    """One generator, pairs, and the distance to the truth: the baseline that adversarial training starts from."""

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


class CycleGAN(System):
    """The cycle-GAN of Zhu et al. (2017): two generators, two discriminators, no pairs.

    L = adversarial_weight (L_adv(G) + L_adv(F)) + cycle_weight (|F(G(b)) - b| + |G(F(s)) - s|)
      + identity_weight (|G(s) - s| + |F(b) - b|)
    """

    paired = False

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        super().__init__(config, device)
        self.game = adversarial(config.adversarial)
        self.chance = {
            "adversarial_sharp": self.game.generator_chance,
            "adversarial_blur": self.game.generator_chance,
            "discriminator_sharp": self.game.discriminator_chance,
            "discriminator_blur": self.game.discriminator_chance,
        }
        self.player("generators", config.learning_rate, "blur_to_sharp", "sharp_to_blur")
        self.player("discriminators", config.discriminator_learning_rate, "judge_sharp", "judge_blur")
        self.pools = {name: Pool(config.pool, config.seed, device) for name in ("sharp", "blur")}

    def build(self) -> dict[str, nn.Module]:
        """Two generators and the two discriminators that judge their fakes."""

        def judge() -> PatchDiscriminator:  # normalisation would divide by the contrast that tells sharp from blurred
            return PatchDiscriminator(self.config.receptive_field, self.config.discriminator_width, normalize=False)

        return {
            "blur_to_sharp": self.generator(),
            "sharp_to_blur": self.generator(),
            "judge_sharp": judge(),
            "judge_blur": judge(),
        }

    def step(self, batch: Batch) -> Losses:
        """Update both generators, with the discriminators frozen; then both discriminators, on new and older fakes."""
        config, networks = self.config, self.networks
        real_blur, real_sharp = batch.blurred, batch.sharp
        fake_sharp, fake_blur = networks["blur_to_sharp"](real_blur), networks["sharp_to_blur"](real_sharp)
        rec_blur, rec_sharp = networks["sharp_to_blur"](fake_sharp), networks["blur_to_sharp"](fake_blur)

        self._freeze_judges(True)
        losses = {
            "adversarial_sharp": self.game.generator(networks["judge_sharp"](fake_sharp)),
            "adversarial_blur": self.game.generator(networks["judge_blur"](fake_blur)),
            "cycle_blur": cycle(real_blur, rec_blur),
            "cycle_sharp": cycle(real_sharp, rec_sharp),
        }
        total = config.adversarial_weight * (losses["adversarial_sharp"] + losses["adversarial_blur"])
        total = total + config.cycle_weight * (losses["cycle_blur"] + losses["cycle_sharp"])
        extra, weight = self.anchor(batch, fake_sharp, fake_blur)
        self.update("generators", total + weight * (extra["sharp"] + extra["blur"]))
        losses |= {f"{self.anchor_name}_{domain}": value for domain, value in extra.items()}

        self._freeze_judges(False)
        old_sharp, old_blur = self.pools["sharp"](fake_sharp.detach()), self.pools["blur"](fake_blur.detach())
        judge_sharp, judge_blur = networks["judge_sharp"], networks["judge_blur"]
        losses["discriminator_sharp"] = self.game.discriminator(judge_sharp(real_sharp), judge_sharp(old_sharp))
        losses["discriminator_blur"] = self.game.discriminator(judge_blur(real_blur), judge_blur(old_blur))
        self.update("discriminators", losses["discriminator_sharp"] + losses["discriminator_blur"])
        return {name: loss.detach() for name, loss in losses.items()}

    anchor_name = "identity"

    def anchor(self, batch: Batch, fake_sharp: Tensor, fake_blur: Tensor) -> tuple[Losses, float]:
        """What ties the generators down besides the cycle: without pairs, to leave alone what is already right."""
        same_sharp, same_blur = (
            self.networks["blur_to_sharp"](batch.sharp),
            self.networks["sharp_to_blur"](batch.blurred),
        )
        return {
            "sharp": (same_sharp - batch.sharp).abs().mean(),
            "blur": (same_blur - batch.blurred).abs().mean(),
        }, self.config.identity_weight

    def _freeze_judges(self, frozen: bool) -> None:
        for name in ("judge_sharp", "judge_blur"):
            self.networks[name].requires_grad_(not frozen)


class PairedCycleGAN(CycleGAN):
    """A cycle-GAN that is also shown the answers, as Yuan et al. train theirs: pairs take the place of the identity."""

    paired = True
    anchor_name = "content"

    def anchor(self, batch: Batch, fake_sharp: Tensor, fake_blur: Tensor) -> tuple[Losses, float]:
        """What ties the generators down besides the cycle: with pairs, the answers."""
        return {
            "sharp": self.distance(fake_sharp, batch.sharp),
            "blur": self.distance(fake_blur, batch.blurred),
        }, self.config.content_weight


class Pool:
    """A history of fakes: half of what a discriminator is shown is older (Shrivastava et al. 2017, section 2.3).

    Args:
        size: Images kept; 0 keeps none, and every fake is a new one.
        seed: Of the choices.
        device: Where the images are kept.
    """

    def __init__(self, size: int, seed: int, device: torch.device) -> None:
        self.size = size
        self.chance = torch.Generator().manual_seed(seed)
        self.images = torch.empty(0, device=device)

    def __call__(self, fakes: Tensor) -> Tensor:
        """Hand back as many images as came, each new one swapped with an old one half of the time."""
        if self.size == 0:
            return fakes
        shown = []
        for fake in fakes:
            if len(self.images) < self.size:
                self.images = torch.cat([self.images, fake[None]]) if len(self.images) else fake[None].clone()
                shown.append(fake)
            elif float(torch.rand(1, generator=self.chance)) < 0.5:
                i = int(torch.randint(self.size, (1,), generator=self.chance))
                shown.append(self.images[i].clone())
                self.images[i] = fake
            else:
                shown.append(fake)
        return torch.stack(shown)


SYSTEMS: dict[str, type[System]] = {
    "regression": Regression,
    "cycle_gan": CycleGAN,
    "paired_cycle_gan": PairedCycleGAN,
}
"""Name -> system."""


def build_system(config: TrainingConfig, device: torch.device) -> System:
    """The system that a configuration names.

    Raises:
        ValueError: an unknown name.
    """
    return SYSTEMS[choice(config.system, "system", list(SYSTEMS))](config, device)
