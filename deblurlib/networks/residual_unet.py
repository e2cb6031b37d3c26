"""A deep generator for the long run: a U-Net of residual blocks that works at half the resolution."""

from itertools import pairwise

import torch.nn.functional as F
from torch import Tensor, nn

from deblurlib.networks.generators import he_normal, pad_to_multiple

FOLD = 2
"""Pixels a side that become channels before the first layer: a quarter of the places, and four times the reach."""


class PlainBlock(nn.Module):
    """x + conv(ReLU(conv(x))), 3x3, with nothing that normalises (Lim et al. 2017, EDSR)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Add a correction of the features to them."""
        corrected: Tensor = x + self.second(F.relu(self.first(x)))
        return corrected


class ResidualUNet(nn.Module):
    """A U-Net of residual blocks that corrects its input, after DRUNet (Zhang et al. 2021, section 3.1).

    Strided 2x2 convolutions down, transposed ones up, skips by addition. Four choices differ: 2x2 pixels are folded
    into channels first (Shi et al. 2016), which spends the work where a long shake is seen whole; the output is added
    to the input; each block starts as the identity, and the last layer at zero, so training starts from the input
    itself; and the layers have biases.

    Args:
        width: Channels at half the resolution; they double at each level.
        levels: How often it is halved again.
        blocks: Residual blocks on the way down and on the way up, at each level; the lowest has twice as many.
        channels: Of the image.

    Shape:
        (B, channels, H, W) in [0, 1] to the same shape, for any H and W: the image is padded by reflection and cropped.

    Raises:
        ValueError: no channels, no level, or no block.

    Example:
        >>> import torch
        >>> with torch.device("meta"):
        ...     sum(p.numel() for p in ResidualUNet().parameters())
        6538892
        >>> x = torch.rand(1, 3, 37, 50)
        >>> bool((ResidualUNet(4, 1, 1)(x) == x).all())
        True
    """

    def __init__(self, width: int = 64, levels: int = 2, blocks: int = 2, channels: int = 3) -> None:
        super().__init__()
        if min(width, levels, blocks, channels) < 1:
            raise ValueError(
                "ResidualUNet: expected positive width, levels, blocks and channels, "
                f"got {width}, {levels}, {blocks}, {channels}."
            )
        self.settings = {"width": width, "levels": levels, "blocks": blocks, "channels": channels}
        self.local = True
        self.stride = FOLD * 2**levels
        strides = [FOLD * 2**level for level in range(levels + 1)]
        # pixels: two layers at the ends, two in a block, two blocks for each of `blocks`, and a cell of the grid
        reach = 2 * FOLD + 4 * blocks * sum(strides) + self.stride
        self.reach = -(-reach // self.stride) * self.stride  # tiles begin on whole cells
        widths = [width * 2**level for level in range(levels + 1)]
        self.first = nn.Conv2d(channels * FOLD**2, width, 3, padding=1)
        self.encoders = nn.ModuleList(_chain(w, blocks) for w in widths)
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairwise(widths))
        self.decoders = nn.ModuleList(_chain(w, blocks) for w in widths)
        self.last = nn.Conv2d(width, channels * FOLD**2, 3, padding=1)
        he_normal(self)
        for module in self.modules():
            if isinstance(module, PlainBlock):
                nn.init.zeros_(module.second.weight)
        nn.init.zeros_(self.last.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Correct a batch of images."""
        height, width = x.shape[-2:]
        padded = pad_to_multiple(x, self.stride)
        features = self.first(F.pixel_unshuffle(2 * padded - 1, FOLD))
        skips = []
        for encoder, down in zip(self.encoders, self.down, strict=False):
            features = encoder(features)
            skips.append(features)
            features = down(features)
        features = self.decoders[-1](self.encoders[-1](features))
        for up, decoder in zip(reversed(self.up), list(self.decoders)[-2::-1], strict=True):
            features = decoder(up(features) + skips.pop())
        correction = 0.5 * F.pixel_shuffle(self.last(features), FOLD)
        corrected: Tensor = x + correction[..., :height, :width].to(x.dtype)
        return corrected


def _chain(width: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(*(PlainBlock(width) for _ in range(blocks)))
