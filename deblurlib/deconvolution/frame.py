"""What lies beyond the frame: a strip round a photograph that the blur itself explains."""

from torch import Tensor

from deblurlib.blur.operator import Blur
from deblurlib.deconvolution.boundary import prepare
from deblurlib.deconvolution.direct import wiener


def explained_extension(blurred: Tensor, kernel: Tensor, *, noise: float = 0.01, rounds: int = 10) -> Tensor:
    """Continue a photograph so that it wraps round, and so that its strip could have been blurred by the kernel.

    The smooth extension wraps without a jump, but no scene, blurred, looks like it; a division near a zero of K turns
    that into ripples. So: restore by the Wiener filter, blur again, take the strip from there, and repeat. The
    photograph itself never changes. Alternating projections; the number of rounds and the filter are our choice.

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        noise: Standard deviation of the noise, above 0 and at most 1.
        rounds: At least 0; with 0 it is the smooth extension.

    Returns:
        (B, C, H', W') whose top-left H x W part is `blurred`.

    Raises:
        TypeError, ValueError: a broken contract.

    Example:
        >>> import torch
        >>> from deblurlib.blur import gaussian
        >>> y = torch.rand(1, 1, 30, 40, generator=torch.Generator().manual_seed(0)) * 0.9
        >>> wide = explained_extension(y, gaussian(5, 1.0))
        >>> wide.shape, bool((wide[..., :30, :40] == y).all())
        (torch.Size([1, 1, 40, 48]), True)
    """
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 0:
        raise ValueError(f"rounds: expected an integer of at least 0, got {rounds!r}.")
    wide = prepare(blurred, kernel, "extend")
    height, width = blurred.shape[-2:]
    blur = Blur(kernel, "wrap")
    for _ in range(rounds):
        strip = blur(wiener(wide, kernel, noise=noise, boundary="wrap")).clamp(max=DARKER)
        strip[..., :height, :width] = blurred
        wide = strip
    return wide


DARKER = 0.99
"""The strip is below saturation: no camera has cut its light off."""
