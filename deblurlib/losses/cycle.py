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

    Raises:
        ValueError: different shapes.

    Example:
        >>> import torch
        >>> cycle(torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 0.25)).item()
        0.25
    """
    if real.shape != recovered.shape:
        raise ValueError(f"real has shape {tuple(real.shape)}, recovered has {tuple(recovered.shape)}.")
    return (recovered - real).abs().mean()


def identity(real: Tensor, same: Tensor) -> Tensor:
    """The identity loss: a generator leaves alone what is already right (Zhu et al. 2017, section 5.2).

    For a sharp image s and the generator G (blur to sharp) this is E |G(s) - s|.

    Args:
        real: (B, C, H, W), an image of the generator's *output* domain.
        same: What the generator makes of it.

    Returns:
        A scalar in units of the image's range.

    Raises:
        ValueError: different shapes.

    Example:
        >>> import torch
        >>> identity(torch.zeros(1, 3, 8, 8), torch.full((1, 3, 8, 8), 0.25)).item()
        0.25
    """
    if real.shape != same.shape:
        raise ValueError(f"real has shape {tuple(real.shape)}, same has {tuple(same.shape)}.")
    return (same - real).abs().mean()
