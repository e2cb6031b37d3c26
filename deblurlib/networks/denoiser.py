"""A denoiser that is told how strong the noise is: the prior of plug-and-play deconvolution."""

from torch import Tensor

from deblurlib.networks.conditioned_unet import ConditionedUNet

TRAINED_TO = 50 / 255
"""The standard deviation of the strongest noise that the shipped denoiser was trained on."""


class Denoiser(ConditionedUNet):
    """A small residual U-Net that removes white noise of a given standard deviation.

    After the DRUNet of Zhang et al. (2021), in small: residual blocks without normalisation and without biases, a map
    of the noise level beside the image, one network for every level. It works at half resolution and below (the pixel
    unshuffling of FFDNet, Zhang et al. 2018), and predicts the noise. Without biases the network is homogeneous:
    an image and a noise level multiplied by the same positive number give that multiple of the output.

    Args:
        widths: Channels at a half, a quarter and an eighth of the resolution.
        blocks: Residual blocks at each of them, on the way down and again on the way up (once at the bottom).

    Shape:
        (B, 1 or 3, H, W) and a noise level, to the same shape, for any H and W. A grey image is denoised as a colour
        image whose three channels, noise included, are equal: one network serves both.

    Example:
        >>> import torch
        >>> network = Denoiser()
        >>> sum(p.numel() for p in network.parameters())
        459808
        >>> x = torch.rand(1, 3, 37, 50)
        >>> bool((network(x, 0.1) == x).all())
        True
    """

    def __init__(self, widths: tuple[int, int, int] = (32, 64, 96), blocks: tuple[int, int, int] = (2, 1, 1)) -> None:
        super().__init__(3, 1, 3, widths, blocks)

    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Remove noise of standard deviation `sigma`, a number or one for each image of the batch."""
        noise = self.correction(x.expand(-1, 3, -1, -1), sigma)
        return x - (noise.mean(dim=1, keepdim=True) if x.shape[1] == 1 else noise)
