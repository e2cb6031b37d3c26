"""What every system shares: networks, one optimiser for each player, and the update of a player."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from deblurlib.losses import Perceptual, log_error
from deblurlib.networks import Deblurrer, PatchDiscriminator, build_generator
from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import Batch
from deblurlib.training.pool import Pool

Losses = dict[str, Tensor]

DISTANCES: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "log_error": log_error,
    "l1": F.l1_loss,
    "l2": F.mse_loss,
}
"""Name -> distance of a restoration to the truth, in pixels."""


class System(ABC):
    """Networks, their optimisers, and one step.

    Names follow one rule: `real_blur` is a blurred photograph, `fake_sharp` what the generator makes of it, `rec_blur`
    what comes of that on the way back.

    Attributes:
        paired: Whether a step needs the sharp image that the blurred one was made of.
        needs_kernels: Whether it must know what kernels its pictures were blurred by, as nobody does of real ones.
        needs_features: Whether a step compares features whatever `content` says.
        networks: By name; 'blur_to_sharp' is the generator that deblurs.
        optimizers: By name, each over the networks of one player.
        chance: Loss name -> its value when a discriminator can only guess.
    """

    paired = True
    needs_kernels = False
    needs_features = False
    features: Perceptual

    def __init__(self, config: TrainingConfig, device: torch.device) -> None:
        self.config, self.device = config, device
        with torch.random.fork_rng(devices=[]):  # layers draw from the global generator: seed it, and put it back
            torch.default_generator.manual_seed(config.seed)
            self.networks = {name: network.to(device) for name, network in self.build().items()}
        if config.content == "perceptual" or self.needs_features:
            self.features = Perceptual(weights=config.features, preprocess=config.preprocess or None).to(device)
        self.optimizers: dict[str, torch.optim.Adam] = {}
        self.rates: dict[str, float] = {}
        self.pools: dict[str, Pool] = {}
        self.chance: dict[str, float] = {}

    @abstractmethod
    def build(self) -> dict[str, nn.Module]:
        """The networks, freshly initialised."""

    @property
    def modules(self) -> list[nn.Module]:
        """All that a step computes with: the networks, and the features that it compares."""
        return [*self.networks.values(), *([self.features] if hasattr(self, "features") else [])]

    @abstractmethod
    def step(self, batch: Batch) -> Losses:
        """Update every network, the generators once, and hand back the losses as scalars on the device."""

    def generator(self) -> nn.Module:
        """A generator of the configuration's kind and size."""
        c = self.config
        network = build_generator(
            c.generator,
            width=c.width,
            levels=c.levels,
            blocks=c.blocks,
            normalize=c.generator_norm,
            residual=c.residual,
        )
        # 1.4 to 1.6 times faster on CPUs and tensor cores; with instance normalisation slower
        return network if c.generator_norm else network.to(memory_format=torch.channels_last)

    def judge(self, channels: int = 3) -> PatchDiscriminator:
        """A judge of the configuration's size.

        Without normalisation, which would divide by the contrast that tells sharp from blurred, unless it is asked for.
        """
        c = self.config
        return PatchDiscriminator(c.receptive_field, c.discriminator_width, channels, normalize=c.discriminator_norm)

    def restorer(self) -> Deblurrer:
        """A restorer around a fresh copy of the network 'blur_to_sharp', for its averaged weights."""
        return Deblurrer(self.generator())

    def distance(self, restored: Tensor, reference: Tensor) -> Tensor:
        """To the truth, where a system is shown it: `content` of the configuration."""
        if self.config.content == "perceptual":
            apart: Tensor = self.features(restored, reference)
            return apart
        return DISTANCES[self.config.content](restored, reference)

    def player(self, name: str, rate: float, *networks: str | nn.Module) -> None:
        """Give one player its optimiser: networks by name, or parts of them."""
        parts = [self.networks[each] if isinstance(each, str) else each for each in networks]
        parameters = [p for part in parts for p in part.parameters()]
        fused = self.device.type != "meta"  # where a step is only counted
        self.optimizers[name] = torch.optim.Adam(parameters, lr=rate, betas=self.config.betas, fused=fused)
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
        torch.clear_autocast_cache()  # it keeps weights as they were cast before this step
