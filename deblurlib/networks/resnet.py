"""The ResBlock generator: down twice, a chain of residual blocks, up twice."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deblurlib.networks.generators import he_normal, normal, pad_to_multiple
from deblurlib.networks.instance_norm import instance_norm


class ResidualBlock(nn.Module):
    """x + norm(conv(ReLU(norm(conv(x))))), 3x3, mirrored at the rim (Johnson et al. 2016, Zhu et al. 2017)."""

    def __init__(self, width: int, *, normalize: bool) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect")
        self.second = nn.Conv2d(width, width, 3, padding=1, padding_mode="reflect")
        self.normalize = normalize

    def forward(self, x: Tensor) -> Tensor:
        """Add a correction of the features to them."""
        features = self.first(x)
        features = self.second(F.relu(instance_norm(features) if self.normalize else features))
        return x + (instance_norm(features) if self.normalize else features)


class ResNetGenerator(nn.Module):
    """The ResBlock generator of Johnson et al. (2016), as Zhu et al. (2017) and Kupyn et al. (2018) use it.

    A 7x7 convolution, two strided 3x3 ones, residual blocks at a quarter of the resolution, two transposed 3x3
    convolutions, a 7x7 one and tanh. There are no skips: detail has to pass through the quarter.

    Args:
        width: Channels at full resolution; twice and four times as many below.
        blocks: Residual blocks (Zhu et al., Kupyn et al.: 9).
        channels: Of the image.
        normalize: Instance normalisation after every convolution but the last. The output then depends on each image's
            statistics, and no tile sees those of the whole.
        residual: output = input + correction, the global skip of DeblurGAN (Kupyn et al. 2018, section 3.2), which
            starts at zero (our choice). False: the output is made anew, as Zhu et al. do.

    Weights start as in the authors' code, N(0, 0.02^2), which counts on normalisation; without it, after He et al.
    (2015), and each block close to the identity.

    Shape:
        (B, channels, H, W) in [0, 1] to the same shape, for any H and W: the image is padded and cropped again.

    Raises:
        ValueError: no channels, or no block.

    Example:
        >>> with torch.device("meta"):
        ...     sum(p.numel() for p in ResNetGenerator().parameters())
        11378179
        >>> x = torch.rand(1, 3, 37, 50)
        >>> bool((ResNetGenerator(4, 2, residual=True)(x) == x).all())
        True
    """

    def __init__(
        self, width: int = 64, blocks: int = 9, channels: int = 3, *, normalize: bool = True, residual: bool = False
    ) -> None:
        super().__init__()
        if width < 1 or blocks < 1 or channels < 1:
            raise ValueError(
                f"ResNetGenerator: expected positive width, blocks and channels, got {width}, {blocks}, {channels}."
            )
        self.settings = {
            "width": width,
            "blocks": blocks,
            "channels": channels,
            "normalize": normalize,
            "residual": residual,
        }
        self.normalize, self.residual = normalize, residual
        self.local = not normalize
        self.reach = 8 * blocks + 20  # pixels: without normalisation, nothing further away changes an output pixel
        self.first = nn.Conv2d(channels, width, 7, padding=3, padding_mode="reflect")
        self.down = nn.ModuleList(nn.Conv2d(n * width, 2 * n * width, 3, stride=2, padding=1) for n in (1, 2))
        self.blocks = nn.Sequential(*(ResidualBlock(4 * width, normalize=normalize) for _ in range(blocks)))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(2 * n * width, n * width, 3, stride=2, padding=1, output_padding=1) for n in (2, 1)
        )
        self.last = nn.Conv2d(width, channels, 7, padding=3, padding_mode="reflect")
        (normal if normalize else he_normal)(self)
        if not normalize:
            for block in self.blocks:
                block.second.weight.data.mul_(0.1)  # type: ignore[operator, union-attr]
        if residual:
            nn.init.zeros_(self.last.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Restore a batch of images."""
        height, width = x.shape[-2:]
        features = self.first(2 * pad_to_multiple(x, 8) - 1)  # by 4 for the strides; a mirror needs two pixels there
        for convolution in self.down:
            features = convolution(self._activated(features))
        features = self.blocks(self._activated(features))
        for level, convolution in enumerate(self.up):
            features = convolution(features if level == 0 else self._activated(features))
        made = torch.tanh(self.last(self._activated(features)))[..., :height, :width].to(x.dtype)
        return x + 0.5 * made if self.residual else 0.5 * made + 0.5  # the network works on [-1, 1], images on [0, 1]

    def _activated(self, features: Tensor) -> Tensor:
        return F.relu(instance_norm(features) if self.normalize else features)
