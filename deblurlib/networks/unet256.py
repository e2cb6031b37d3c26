"""The U-Net of pix2pix, which the seed paper names: down to a single pixel and up again."""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deblurlib.networks.filled import filled
from deblurlib.networks.generators import he_normal, normal, pad_to_multiple
from deblurlib.networks.instance_norm import instance_norm


class UNet256Generator(nn.Module):
    """The U-Net generator of Isola et al. (2017, section 6.1.1): eight halvings of the resolution, and skips.

    Strided 4x4 convolutions with leaky ReLU (0.2) down, transposed ones with ReLU up, each encoder level concatenated
    to the decoder level of its size, tanh at the end. As in the authors' code, neither the first nor the innermost
    convolution is normalised: at 256x256 pixels the innermost level is a single pixel, which has no variance. Their
    dropout, the source of noise of a conditional GAN, is left out: a restoration is a function of its input (as in
    Zhu et al. 2017).

    Args:
        width: Channels of the first level; they double with each level, up to eight times `width`.
        levels: How often the resolution is halved (paper: 8).
        channels: Of the image.
        normalize: Instance normalisation, as Yuan et al. (2020) and Zhu et al. (2017) use. The output then depends on
            each image's statistics, and no tile sees those of the whole.
        residual: output = input + correction, which starts at zero (our choice). False: the output is made anew.

    Weights start as in the authors' code, N(0, 0.02^2), which counts on normalisation; without it, after He et al.
    (2015).

    Shape:
        (B, channels, H, W) in [0, 1] to the same shape, for any H and W: the image is padded to a multiple of
        2^levels and cropped again.

    Raises:
        ValueError: no channels, or fewer than two levels.

    Example:
        >>> with torch.device("meta"):
        ...     sum(p.numel() for p in UNet256Generator().parameters())
        54409603
        >>> UNet256Generator(4, levels=3)(torch.rand(1, 3, 37, 50)).shape
        torch.Size([1, 3, 37, 50])
    """

    def __init__(
        self, width: int = 64, levels: int = 8, channels: int = 3, *, normalize: bool = True, residual: bool = False
    ) -> None:
        super().__init__()
        if width < 1 or levels < 2 or channels < 1:
            raise ValueError(
                "UNet256Generator: expected positive width and channels and two levels or more, "
                f"got {width}, {levels}, {channels}."
            )
        self.settings = {
            "width": width,
            "levels": levels,
            "channels": channels,
            "normalize": normalize,
            "residual": residual,
        }
        self.levels, self.normalize, self.residual = levels, normalize, residual
        self.local = not normalize
        self.reach = 2 ** (levels + 2)  # pixels: without normalisation, nothing further away changes an output pixel
        widths = [channels, *(width * min(2**level, 8) for level in range(levels))]
        self.down = nn.ModuleList(nn.Conv2d(a, b, 4, stride=2, padding=1) for a, b in pairwise(widths))
        self.up = nn.ModuleList(
            nn.ConvTranspose2d(b if level == levels - 1 else 2 * b, a, 4, stride=2, padding=1)
            for level, (a, b) in enumerate(pairwise(widths))
        )
        (normal if normalize else he_normal)(self)
        if residual:
            nn.init.zeros_(self.up[0].weight)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """Restore a batch of images."""
        height, width = x.shape[-2:]
        first, *further = self.down
        features = filled(first, 2 * pad_to_multiple(x, 2**self.levels) - 1)  # type: ignore[arg-type]
        skips = [features]
        for level, convolution in enumerate(further, 1):
            features = convolution(F.leaky_relu(features, 0.2))
            if self.normalize and level < self.levels - 1:
                features = instance_norm(features)
            skips.append(features)
        features = skips.pop()
        for level in reversed(range(1, self.levels)):
            features = self.up[level](F.relu(features))
            if self.normalize:
                features = instance_norm(features)
            features = torch.cat([skips.pop(), features], dim=1)
        made = filled(self.up[0], F.relu(features))  # type: ignore[arg-type]
        made = torch.tanh(made)[..., :height, :width].to(x.dtype)
        return x + 0.5 * made if self.residual else 0.5 * made + 0.5  # the network works on [-1, 1], images on [0, 1]
