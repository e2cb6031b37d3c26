"""Cycle consistency: there and back again should change nothing."""

from torch import Tensor


def cycle(real: Tensor, recovered: Tensor) -> Tensor:
    """The cycle loss, the mean absolute difference between an image and its round trip (Zhu et al. 2017, Eq. 2).

    For a blurred image b and the generators G (blur to sharp) and F (sharp to blur) this is E |F(G(b)) - b|. Note what
    it does not ask: that G(b) be sharp. The identity for both generators makes it zero.

    Args:
        real: (B, C, H, W).
        recovered: The same image after both generators.

    Returns:
        A scalar in units of the image's range.

    Example:
        >>> import torch
        >>> cycle(torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 0.25)).item()
        0.25
    """
    return (recovered - real).abs().mean()
