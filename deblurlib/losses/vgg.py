"""The shape of VGG-19: its layers by name, wide or narrow, with random weights."""

import torch
from torch import nn

from deblurlib.contracts import choice

BLOCKS = (2, 2, 4, 4, 4)
"""Convolutions before each pooling layer of VGG-19 (Simonyan & Zisserman 2015, table 1, column E)."""
LAYERS = [f"conv{i}_{j}" for i, count in enumerate(BLOCKS, 1) for j in range(1, count + 1)]


def vgg_index(layer: str) -> int:
    """Where a convolution of VGG-19 stands among its layers, `torchvision.models.vgg19().features`.

    Convolution j of block i comes after sum_(b < i) (2 n_b + 1) + 2 (j - 1) layers, n_b being the block's convolutions:
    each has a ReLU behind it, and each block a pooling layer.

    Args:
        layer: 'conv1_1' to 'conv5_4'.

    Raises:
        ValueError: no such layer.

    Example:
        >>> vgg_index("conv3_3")
        14
    """
    block, number = (int(part) for part in choice(layer, "layer", LAYERS)[4:].split("_"))
    return sum(2 * count + 1 for count in BLOCKS[: block - 1]) + 2 * (number - 1)


def vgg_layers(layer: str = "conv3_3", *, width: int = 64, before_relu: bool = True) -> nn.Sequential:
    """VGG-19 up to a named convolution: a shape to load weights into.

    Args:
        layer: The last convolution.
        width: Channels of the first block; the others have 2, 4, 8 and 8 times as many.
        before_relu: Whether the last convolution's ReLU is left out.

    Raises:
        ValueError: no such layer.

    Example:
        >>> sum(p.numel() for p in vgg_layers("conv3_3").parameters())
        1735488
    """
    last, layers, inside = vgg_index(layer), list[nn.Module](), 3
    with torch.random.fork_rng(devices=[]):  # whoever asks for the shape brings the weights
        for block, count in enumerate(BLOCKS):
            outside = width * min(2**block, 8)
            for _ in range(count):
                layers += [nn.Conv2d(inside, outside, 3, padding=1), nn.ReLU()]
                inside = outside
            layers.append(nn.MaxPool2d(2))
            if len(layers) > last:
                break
    return nn.Sequential(*layers[: last + (1 if before_relu else 2)])
