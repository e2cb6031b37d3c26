"""Adversarial losses: what the judge and the forger each want, as functions of the judge's scores."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from deblurlib.contracts import choice


@dataclass(frozen=True)
class Adversarial:
    """One form of the adversarial game.

    Attributes:
        discriminator: (scores of real images, scores of fakes) -> scalar that the discriminator minimises.
        generator: scores of fakes -> scalar that the generator minimises.
        discriminator_chance: What the discriminator pays when it cannot tell real from fake.
        generator_chance: What the generator pays then.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    discriminator_chance: float
    generator_chance: float


def _least_squares_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return 0.5 * ((real - 1).square().mean() + fake.square().mean())


def _least_squares_generator(fake: Tensor) -> Tensor:
    return (fake - 1).square().mean()


def _cross_entropy_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return 0.5 * (F.softplus(-real).mean() + F.softplus(fake).mean())


def _cross_entropy_generator(fake: Tensor) -> Tensor:
    return F.softplus(-fake).mean()


def _hinge_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return 0.5 * (F.relu(1 - real).mean() + F.relu(1 + fake).mean())


def _hinge_generator(fake: Tensor) -> Tensor:
    return -fake.mean()


LOG_2 = 0.6931471805599453
FORMS = {
    "least_squares": Adversarial(_least_squares_discriminator, _least_squares_generator, 0.25, 0.25),
    "cross_entropy": Adversarial(_cross_entropy_discriminator, _cross_entropy_generator, LOG_2, LOG_2),
    "hinge": Adversarial(_hinge_discriminator, _hinge_generator, 1.0, 0.0),
}


def adversarial(kind: str = "least_squares") -> Adversarial:
    """An adversarial loss by name.

    least_squares (Mao et al. 2017, a = 0, b = c = 1): D minimises (E (D(real) - 1)^2 + E D(fake)^2) / 2, G minimises
    E (D(fake) - 1)^2. A judge that cannot tell says 1/2 everywhere, and both losses are 0.25: the chance line.
    cross_entropy (Goodfellow et al. 2014, non-saturating); hinge (Lim & Ye 2017).

    Args:
        kind: 'least_squares', 'cross_entropy' or 'hinge'.

    Raises:
        ValueError: an unknown kind.

    Example:
        >>> import torch
        >>> game = adversarial("least_squares")
        >>> unsure = torch.full((2, 1, 4, 4), 0.5)
        >>> game.discriminator(unsure, unsure).item(), game.generator(unsure).item()
        (0.25, 0.25)
    """
    return FORMS[choice(kind, "kind", list(FORMS))]
