"""Adversarial losses: what the judge and the forger each want, as functions of the judge's scores."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from deblurlib.contracts import choice, source


@dataclass(frozen=True)
class Adversarial:
    """One form of the adversarial game.

    Attributes:
        discriminator: (scores of real images, scores of fakes) -> scalar that the discriminator minimises.
        generator: scores of fakes -> scalar that the generator minimises.
        discriminator_chance: What the discriminator pays when it cannot tell real from fake.
        generator_chance: What the generator pays then.
        penalty: Weight of the gradient penalty that the discriminator pays besides; 0 for none.
    """

    discriminator: Callable[[Tensor, Tensor], Tensor]
    generator: Callable[[Tensor], Tensor]
    discriminator_chance: float
    generator_chance: float
    penalty: float = 0.0


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


def _wasserstein_discriminator(real: Tensor, fake: Tensor) -> Tensor:
    return fake.mean() - real.mean()


LOG_2 = 0.6931471805599453
FORMS = {
    "least_squares": Adversarial(_least_squares_discriminator, _least_squares_generator, 0.25, 0.25),
    "cross_entropy": Adversarial(_cross_entropy_discriminator, _cross_entropy_generator, LOG_2, LOG_2),
    "hinge": Adversarial(_hinge_discriminator, _hinge_generator, 1.0, 0.0),
    "wasserstein": Adversarial(_wasserstein_discriminator, _hinge_generator, 0.0, 0.0, penalty=10.0),
}
"""Name -> form of the game."""


def adversarial(kind: str = "least_squares") -> Adversarial:
    """An adversarial loss by name.

    least_squares (Mao et al. 2017, a = 0, b = c = 1): D minimises (E (D(real) - 1)^2 + E D(fake)^2) / 2, G minimises
    E (D(fake) - 1)^2. A judge that cannot tell says 1/2 everywhere, and both losses are 0.25: the chance line.
    cross_entropy (Goodfellow et al. 2014, non-saturating); hinge (Lim & Ye 2017).
    wasserstein (Arjovsky et al. 2017): D minimises E D(fake) - E D(real), and needs the gradient penalty (Gulrajani et
    al. 2017), whose weight of 10 stands in `penalty`: add `penalty * gradient_penalty(...)`.

    Args:
        kind: 'least_squares', 'cross_entropy', 'hinge' or 'wasserstein'.

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


def gradient_penalty(
    judge: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, *, generator: torch.Generator | None = None
) -> Tensor:
    """The gradient penalty E (|grad f(x)| - 1)^2 at x between real and fake (Gulrajani et al. 2017, Eq. 3).

    f(x) is the mean of an image's scores, which is what the Wasserstein loss averages; x = e real + (1 - e) fake with
    e uniform in [0, 1], one number an image.

    Args:
        judge: (B, C, H, W) -> scores, (B, 1, h, w).
        real: (B, C, H, W).
        fake: Same shape; no gradient flows to the network that made it.
        generator: Of the numbers e.

    Returns:
        A scalar, differentiable in the judge's parameters.

    Raises:
        ValueError: different shapes.

    Example:
        >>> x, y = torch.zeros(2, 1, 4, 4), torch.ones(2, 1, 4, 4)
        >>> gradient_penalty(lambda image: 8 * image, x, y).item()  # a gradient of 8 / 16 at each of 16 pixels: norm 2
        1.0
    """
    if real.shape != fake.shape:
        raise ValueError(f"real has shape {tuple(real.shape)}, fake has {tuple(fake.shape)}.")
    draws = torch.rand(len(real), generator=source(generator)).to(real).view(-1, 1, 1, 1)
    between = (draws * real.detach() + (1 - draws) * fake.detach()).requires_grad_()
    value = judge(between).flatten(1).mean(dim=1).sum()
    (slope,) = torch.autograd.grad(value, between, create_graph=True)
    length: Tensor = slope.flatten(1).norm(dim=1)
    return (length - 1).square().mean()
