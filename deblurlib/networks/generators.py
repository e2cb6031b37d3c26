"""Generators turn one image into another of the same size: the book's own, and what all of them share."""

import math
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def _two_convolutions(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inside, outside, 3, padding=1),
        nn.ReLU(inplace=True),
        nn.Conv2d(outside, outside, 3, padding=1),
        nn.ReLU(inplace=True),
    )


class UNetGenerator(nn.Module):
    """The book's own generator, a U-Net that corrects its input: output = input + correction.

    After Ronneberger et al. (2015): two 3x3 convolutions a level, strided 2x2 convolutions down, transposed ones up,
    skips by concatenation. Three choices differ from the generator of Isola et al. (2017), each for a measured reason:
    no normalisation (it discards the brightness that a restoration must keep), an output that is added to the input,
    and a last layer that starts at zero, so that training starts from the identity and not from noise.

    Args:
        width: Channels at full resolution; they double at each level.
        levels: How often the resolution is halved.
        channels: Of the image.

    Shape:
        (B, channels, H, W) in [0, 1] to the same shape, for any H and W: the image is padded by reflection to a
        multiple of 2^levels and cropped again.

    Example:
        >>> network = UNetGenerator()
        >>> sum(p.numel() for p in network.parameters())
        150835
        >>> x = torch.rand(1, 3, 37, 50)
        >>> bool((network(x) == x).all())
        True
    """

    def __init__(self, width: int = 16, levels: int = 2, channels: int = 3) -> None:
        super().__init__()
        if width < 1 or levels < 1 or channels < 1:
            raise ValueError(
                f"UNetGenerator: expected positive width, levels and channels, got {width}, {levels}, {channels}."
            )
        self.settings = {"width": width, "levels": levels, "channels": channels}
        self.levels = levels
        self.local = True
        self.reach = 2 ** (levels + 3)  # pixels: nothing further away changes an output pixel
        widths = [width * 2**level for level in range(levels + 1)]
        self.encoders = nn.ModuleList([_two_convolutions(channels, width)])
        self.encoders.extend(_two_convolutions(w, w) for w in widths[1:])
        self.down = nn.ModuleList(nn.Conv2d(a, b, 2, stride=2) for a, b in pairwise(widths))
        self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairwise(widths))
        self.decoders = nn.ModuleList(_two_convolutions(2 * w, w) for w in widths[:-1])
        self.last = nn.Conv2d(width, channels, 3, padding=1)
        he_normal(self)
        nn.init.zeros_(self.last.weight)

    def forward(self, x: Tensor) -> Tensor:
        """Correct a batch of images."""
        height, width = x.shape[-2:]
        padded = pad_to_multiple(x, 2**self.levels)
        features = self.encoders[0](2 * padded - 1)
        skips = []
        for down, encoder in zip(self.down, list(self.encoders)[1:], strict=True):
            skips.append(features)
            features = encoder(down(features))
        for level in reversed(range(self.levels)):
            features = self.decoders[level](torch.cat([self.up[level](features), skips[level]], dim=1))
        correction = 0.5 * self.last(features)  # the network works on [-1, 1], the image on [0, 1]
        corrected: Tensor = x + correction[..., :height, :width].to(x.dtype)
        return corrected


def he_normal(network: nn.Module) -> None:
    """Initialise a ReLU network so that it keeps the scale of its signal (He et al. 2015); biases are zero.

    Convolutions of stride 1 and those of 4x4 pixels come after or before a ReLU and get 2 / fan in; 2x2 ones, which
    only change the resolution, 1 / fan in. The fan in of a transposed convolution is what one output pixel sees.
    """
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            taps = module.kernel_size[0] ** 2
            seen = taps if isinstance(module, nn.Conv2d) else max(1, taps // module.stride[0] ** 2)
            gain = 1 if module.kernel_size[0] == 2 else 2
            nn.init.normal_(module.weight, std=math.sqrt(gain / (module.in_channels * seen)))
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]


def normal(network: nn.Module) -> None:
    """Initialise a normalised network as pix2pix and CycleGAN do: weights N(0, 0.02^2), biases zero."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(module.weight, std=0.02)
            nn.init.zeros_(module.bias)  # type: ignore[arg-type]


def pad_to_multiple(x: Tensor, multiple: int) -> Tensor:
    """Extend an image to the right and below until both sides divide by `multiple`; by reflection where it is wide
    enough, else by its edge pixels.

    Raises:
        ValueError: not (B, C, H, W); layers would take three dimensions for a picture without a batch, most of the way.

    Example:
        >>> pad_to_multiple(torch.rand(1, 1, 5, 8), 4).shape
        torch.Size([1, 1, 8, 8])
    """
    if x.ndim != 4:
        raise ValueError(f"image: expected shape (B, C, H, W), got {tuple(x.shape)}.")
    height, width = x.shape[-2:]
    bottom, right = -height % multiple, -width % multiple
    if bottom == right == 0:
        return x
    return F.pad(x, (0, right, 0, bottom), mode="reflect" if bottom < height and right < width else "replicate")
