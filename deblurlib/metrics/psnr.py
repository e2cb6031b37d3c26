"""Peak signal-to-noise ratio."""

from torch import Tensor

from deblurlib import contracts


def psnr(restored: Tensor, reference: Tensor, *, data_range: float = 1.0) -> Tensor:
    """Peak signal-to-noise ratio, 10 log10(data_range^2 / MSE), in dB.

    The mean squared error is taken over all pixels and channels together (of RGB, not of luma, which reads about a
    decibel higher); it equals skimage.metrics.peak_signal_noise_ratio.

    Args:
        restored: (B, C, H, W) in [0, data_range].
        reference: Same shape, dtype and device.
        data_range: The value of white: 1 for images in [0, 1].

    Returns:
        (B,) in dB; infinite for equal images.

    Raises:
        TypeError, ValueError: not images, different shapes, or values outside the range by more than half of it.

    Example:
        >>> import torch
        >>> x = torch.full((1, 3, 8, 8), 0.5)
        >>> round(psnr(x + 0.1, x).item(), 3)
        20.0
    """
    contracts.pair(restored, reference, data_range)
    error = (restored - reference).square().mean(dim=(1, 2, 3))
    return 10 * (data_range**2 / error).log10()
