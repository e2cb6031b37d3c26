"""The loss of Yuan et al. (2020), its equations (8) to (12) exactly as printed, and beside each what it must mean.

With the judges D_A (of sharp images) and D_B (of blurred ones), the features sigma of VGG-19, and alpha = 10:

    as printed                                            as intended
    (8)  E D_A(G_B2S(blur))                               E (D_A(G_B2S(blur)) - 1)^2
    (9)  E D_A(1 - G_S2B(sharp))                          E (D_B(G_S2B(sharp)) - 1)^2
    (10) the sum of (11) and (12)                         the same
    (11) E |sigma(sharp) - sigma(G_B2S(blur))|^2          E |sigma(sharp) - sigma(G_B2S(G_S2B(sharp)))|^2
    (12) E |sigma(blur) - sigma(G_S2B(sharp))|^2          E |sigma(blur) - sigma(G_S2B(G_B2S(blur)))|^2

As printed, no real image reaches a judge, one judge rules both domains, 1 - G is the negative of an image, and the two
generators never meet: the 'cycle' loss is a paired distance, once for each.
"""

from collections.abc import Callable

from torch import Tensor

from deblurlib.losses.adversarial import adversarial

Judge = Callable[[Tensor], Tensor]
Features = Callable[[Tensor], Tensor]


def printed_8(judge_sharp: Judge, fake_sharp: Tensor) -> Tensor:
    """Equation (8) as printed: E D_A(G_B2S(blur)). No square, no logarithm, no real image.

    Example:
        >>> import torch
        >>> printed_8(lambda x: x, torch.full((1, 3, 2, 2), 0.25)).item()
        0.25
    """
    return judge_sharp(fake_sharp).mean()


def printed_9(judge_sharp: Judge, fake_blur: Tensor) -> Tensor:
    """Equation (9) as printed: E D_A(1 - G_S2B(sharp)). The same judge, of the negative of a blurred image.

    Example:
        >>> import torch
        >>> printed_9(lambda x: x, torch.full((1, 3, 2, 2), 0.25)).item()
        0.75
    """
    return judge_sharp(1 - fake_blur).mean()


def printed_11(features: Features, real_sharp: Tensor, fake_sharp: Tensor) -> Tensor:
    """Equation (11) as printed: E |sigma(sharp) - sigma(G_B2S(blur))|^2, a distance between the two of a pair.

    Example:
        >>> import torch
        >>> printed_11(lambda x: 2 * x, torch.zeros(1, 3, 2, 2), torch.full((1, 3, 2, 2), 0.25)).item()
        0.25

    Raises:
        ValueError: different shapes.
    """
    if real_sharp.shape != fake_sharp.shape:
        raise ValueError(f"real has shape {tuple(real_sharp.shape)}, fake has {tuple(fake_sharp.shape)}.")
    return (features(real_sharp).detach() - features(fake_sharp)).square().mean()


def printed_12(features: Features, real_blur: Tensor, fake_blur: Tensor) -> Tensor:
    """Equation (12) as printed: E |sigma(blur) - sigma(G_S2B(sharp))|^2, the same in the other direction."""
    return printed_11(features, real_blur, fake_blur)


def printed_10(
    features: Features, real_sharp: Tensor, fake_sharp: Tensor, real_blur: Tensor, fake_blur: Tensor
) -> Tensor:
    """Equation (10) as printed: the sum of (11) and (12), called the cycle loss. Nothing goes round in it.

    Example:
        >>> import torch
        >>> x, y = torch.zeros(1, 3, 2, 2), torch.full((1, 3, 2, 2), 0.5)
        >>> printed_10(lambda image: image, x, y, x, y).item()
        0.5
    """
    return printed_11(features, real_sharp, fake_sharp) + printed_12(features, real_blur, fake_blur)


def intended_8(judge_sharp: Judge, fake_sharp: Tensor) -> Tensor:
    """What (8) must mean: the generator's least squares loss, E (D_A(G_B2S(blur)) - 1)^2.

    The judge's own loss, with real images, is `adversarial('least_squares').discriminator`.

    Example:
        >>> import torch
        >>> intended_8(lambda x: x, torch.full((1, 3, 2, 2), 0.5)).item()
        0.25
    """
    return adversarial("least_squares").generator(judge_sharp(fake_sharp))


def intended_9(judge_blur: Judge, fake_blur: Tensor) -> Tensor:
    """What (9) must mean: E (D_B(G_S2B(sharp)) - 1)^2, by the judge of blurred images."""
    return intended_8(judge_blur, fake_blur)


def intended_11(features: Features, real_sharp: Tensor, rec_sharp: Tensor) -> Tensor:
    """What (11) must mean: E |sigma(sharp) - sigma(G_B2S(G_S2B(sharp)))|^2, the distance after a round trip."""
    return printed_11(features, real_sharp, rec_sharp)


def intended_12(features: Features, real_blur: Tensor, rec_blur: Tensor) -> Tensor:
    """What (12) must mean: E |sigma(blur) - sigma(G_S2B(G_B2S(blur)))|^2."""
    return printed_11(features, real_blur, rec_blur)


def intended_10(
    features: Features, real_sharp: Tensor, rec_sharp: Tensor, real_blur: Tensor, rec_blur: Tensor
) -> Tensor:
    """What (10) must mean: the sum of the intended (11) and (12), zero when both round trips come back."""
    return intended_11(features, real_sharp, rec_sharp) + intended_12(features, real_blur, rec_blur)
