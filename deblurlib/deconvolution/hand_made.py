"""Deconvolution with hand-made priors: total variation, hyper-Laplacian, L0; each a thin recipe on the engine."""

from collections.abc import Callable

from torch import Tensor

from deblurlib import contracts
from deblurlib.deconvolution.priors import HyperLaplacian, L0Gradient, TotalVariation
from deblurlib.deconvolution.splitting import Step, half_quadratic_splitting

GROWTH = 2 * 2**0.5
"""By which the penalty grows from round to round (Krishnan & Fergus 2009)."""


def schedule(first: float, last: float, growth: float) -> list[float]:
    """The penalties of one run: first, first growth, first growth^2, ... below `last`, and at least one.

    Example:
        >>> [round(p) for p in schedule(1, 256, GROWTH)]
        [1, 3, 8, 23, 64, 181]
    """
    penalties = [first]
    while penalties[-1] * growth < last:
        penalties.append(penalties[-1] * growth)
    return penalties


def total_variation(
    blurred: Tensor,
    kernel: Tensor,
    *,
    weight: float = 3e-3,
    isotropic: bool = True,
    rounds: int = 8,
    boundary: str = "extend",
    clip: bool = True,
    callback: Callable[[Step], None] | None = None,
    history: list[Step] | None = None,
) -> Tensor:
    """Total variation, argmin_x |k * x - y|^2 + weight sum |D x|, by splitting (Rudin & Osher 1994; Wang et al. 2008).

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        weight: Of the total variation, above 0: larger is smoother. The default suits noise of 0.01 (our choice).
        isotropic: Whether |D x| is the length of the gradient, or the sum of the sizes of its two parts.
        rounds: Of the engine; the penalty grows from weight / 2 by 2 sqrt(2) each (our choice: two more than Krishnan &
            Fergus, because the soft threshold bites longer).
        boundary: 'extend' for a photograph, 'wrap' for an image made by `Blur(kernel, "wrap")`.
        clip: Whether to clip the result to [0, 1].
        callback: Called with a `Step` after each round.
        history: A list that each `Step` is appended to.

    Returns:
        (B, C, H, W).

    Raises:
        TypeError, ValueError: a broken contract, a weight of 0 or less, no rounds.

    Example:
        >>> import torch
        >>> from deblurlib.blur import Blur, gaussian
        >>> x = torch.zeros(1, 1, 32, 32)
        >>> x[..., 12:20, 12:20] = 1.0
        >>> k = gaussian(7, 1.5)
        >>> y = Blur(k)(x)
        >>> bool((total_variation(y, k, boundary="wrap") - x).abs().mean() < 0.5 * (y - x).abs().mean())
        True
    """
    contracts.number(weight, "weight", low=0, open_low=True)
    if rounds < 1:
        raise ValueError(f"rounds: expected at least 1, got {rounds}.")
    penalties = [weight / 2 * GROWTH**i for i in range(rounds)]
    prior = TotalVariation(weight, isotropic)
    return half_quadratic_splitting(
        blurred, kernel, prior, penalties, boundary=boundary, clip=clip, callback=callback, history=history
    )


def hyper_laplacian(
    blurred: Tensor,
    kernel: Tensor,
    *,
    weight: float = 8e-4,
    exponent: float = 2 / 3,
    boundary: str = "extend",
    clip: bool = True,
    callback: Callable[[Step], None] | None = None,
    history: list[Step] | None = None,
) -> Tensor:
    """Krishnan & Fergus (2009): argmin_x |k * x - y|^2 + weight sum |D x|^exponent, exponent below 1.

    Six rounds, one proximal step and one division each: their algorithm 1, with the smooth extension in place of their
    tapered frame. Their lambda is 2 / weight.

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        weight: Of the prior, above 0: larger is smoother (their demo: lambda from 2000 to 3000 for noise of 0.01; this
            is 2500).
        exponent: Above 0 and below 1; two thirds fit photographs (their choice).
        boundary: 'extend' for a photograph, 'wrap' for an image made by `Blur(kernel, "wrap")`.
        clip: Whether to clip the result to [0, 1].
        callback: Called with a `Step` after each round.
        history: A list that each `Step` is appended to.

    Returns:
        (B, C, H, W).

    Raises:
        TypeError, ValueError: a broken contract, a weight of 0 or less, an exponent out of range.

    Example:
        >>> import torch
        >>> from deblurlib.blur import Blur, gaussian
        >>> x = torch.zeros(1, 1, 32, 32)
        >>> x[..., 12:20, 12:20] = 1.0
        >>> k = gaussian(7, 1.5)
        >>> y = Blur(k)(x)
        >>> bool((hyper_laplacian(y, k, boundary="wrap") - x).abs().mean() < 0.5 * (y - x).abs().mean())
        True
    """
    contracts.number(weight, "weight", low=0, open_low=True)
    contracts.number(exponent, "exponent", low=0, high=0.99, open_low=True)
    penalties = schedule(weight / 2, 128 * weight, GROWTH)
    prior = HyperLaplacian(weight, exponent)
    return half_quadratic_splitting(
        blurred, kernel, prior, penalties, boundary=boundary, clip=clip, callback=callback, history=history
    )


def l0_gradient(
    blurred: Tensor,
    kernel: Tensor,
    *,
    weight: float = 2e-3,
    growth: float = 2.0,
    boundary: str = "extend",
    clip: bool = True,
    callback: Callable[[Step], None] | None = None,
    history: list[Step] | None = None,
) -> Tensor:
    """L0 gradient, argmin_x |k * x - y|^2 + weight #{D x != 0} (Xu, Lu, Xu & Jia 2011; Pan et al. 2014).

    Flat regions between sharp edges: less a photograph than a poster, and the working picture of many blind methods.

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        weight: Of the count, above 0: larger is flatter (Pan et al.: 5e-4 to 2e-3 for a known kernel).
        growth: Of the penalty from round to round, above 1; it runs from 2 weight to 1e5 (Xu et al.: 2).
        boundary: 'extend' for a photograph, 'wrap' for an image made by `Blur(kernel, "wrap")`.
        clip: Whether to clip the result to [0, 1].
        callback: Called with a `Step` after each round.
        history: A list that each `Step` is appended to.

    Returns:
        (B, C, H, W).

    Raises:
        TypeError, ValueError: a broken contract, a weight of 0 or less, a growth of 1 or less.

    Example:
        >>> import torch
        >>> from deblurlib.blur import Blur, gaussian
        >>> x = torch.zeros(1, 1, 32, 32)
        >>> x[..., 12:20, 12:20] = 1.0
        >>> k = gaussian(7, 1.5)
        >>> y = Blur(k)(x)
        >>> bool((l0_gradient(y, k, boundary="wrap") - x).abs().mean() < 0.3 * (y - x).abs().mean())
        True
    """
    contracts.number(weight, "weight", low=0, open_low=True)
    contracts.number(growth, "growth", low=1, open_low=True)
    penalties = schedule(2 * weight, 1e5, growth)
    prior = L0Gradient(weight)
    return half_quadratic_splitting(
        blurred, kernel, prior, penalties, boundary=boundary, clip=clip, callback=callback, history=history
    )
