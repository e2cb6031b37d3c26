"""The noise of the blur model, y = k * x + n."""

import torch
from torch import Tensor

from deblurlib.contracts import image, number, source


def add_noise(x: Tensor, sigma: float, *, generator: torch.Generator | None = None) -> Tensor:
    """Add white Gaussian noise, x + sigma n with n ~ N(0, 1) at every pixel and channel.

    The result is not clipped: clipping would make the noise non-Gaussian near black and white.

    Args:
        x: Image (B, C, H, W) in [0, 1].
        sigma: Standard deviation in units of the range, from 0 to 1; 1 / 255 is one grey level.
        generator: Source of randomness, on the device of `x` or on the CPU; None uses a fresh one seeded with 0.

    Returns:
        The noisy image, same shape and dtype.

    Raises:
        TypeError, ValueError: `x` is not an image, or `sigma` is out of range.

    Example:
        >>> noisy = add_noise(torch.full((1, 1, 64, 64), 0.5), 0.1)
        >>> abs(float(noisy.std()) - 0.1) < 0.005
        True
    """
    image(x)
    number(sigma, "sigma", low=0, high=1)
    generator = source(generator)
    noise = torch.randn(x.shape, generator=generator, device=generator.device, dtype=x.dtype)
    return x + sigma * noise.to(x.device)
