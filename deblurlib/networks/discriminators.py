"""Discriminators: networks that say, patch by patch, whether an image looks sharp."""

from itertools import pairwise

from torch import Tensor, nn

from deblurlib.networks.filled import filled
from deblurlib.networks.generators import normal
from deblurlib.networks.instance_norm import InstanceNorm

LAYERS = {16: 1, 34: 2, 70: 3, 142: 4, 286: 5}
"""Receptive field in pixels -> number of strided 4x4 layers (Isola et al. 2017, appendix 6.1.2)."""


class PatchDiscriminator(nn.Module):
    """PatchGAN: a convolutional classifier whose every output sees only a patch of the image (Isola et al. 2017).

    Strided 4x4 convolutions with leaky ReLU (0.2), then two 4x4 convolutions of stride 1. The output is a map of
    scores, one a patch, without a final sigmoid: the loss decides what a score means.

    Args:
        receptive_field: Side of the patch that one score sees, in pixels: 16, 34, 70, 142 or 286.
        width: Channels of the first layer; they double with each strided layer, up to eight times `width`.
        channels: Of the image.
        normalize: Instance normalisation between the layers, as in the paper; the first and the last layer have none.
            With it the weights start as in the authors' code, N(0, 0.02^2), which counts on it.

    Shape:
        (B, channels, H, W) in [0, 1] to (B, 1, h, w).

    Raises:
        ValueError: a receptive field that no number of layers has, or no width or channels.

    Example:
        >>> import torch
        >>> judge = PatchDiscriminator(70, width=8)
        >>> receptive_field(judge), judge(torch.rand(1, 3, 256, 256)).shape
        (70, torch.Size([1, 1, 30, 30]))
    """

    def __init__(
        self, receptive_field: int = 70, width: int = 64, channels: int = 3, *, normalize: bool = True
    ) -> None:
        super().__init__()
        if receptive_field not in LAYERS:
            sizes = ", ".join(map(str, LAYERS))
            raise ValueError(f"receptive_field: expected one of {sizes}, got {receptive_field!r}.")
        if width < 1 or channels < 1:
            raise ValueError(f"PatchDiscriminator: expected positive width and channels, got {width}, {channels}.")
        self.settings = {
            "receptive_field": receptive_field,
            "width": width,
            "channels": channels,
            "normalize": normalize,
        }
        self.smallest_side = 2 ** LAYERS[receptive_field] * 4
        strided = LAYERS[receptive_field]
        widths = [channels] + [width * min(2**i, 8) for i in range(strided + 1)]
        layers: list[nn.Module] = []
        for i, (a, b) in enumerate(pairwise(widths)):
            layers.append(nn.Conv2d(a, b, 4, stride=2 if i < strided else 1, padding=1))
            if normalize and i > 0:
                layers.append(InstanceNorm(b))
            layers.append(nn.LeakyReLU(0.2, inplace=True))
        layers.append(nn.Conv2d(widths[-1], 1, 4, padding=1))
        self.layers = nn.Sequential(*layers)
        if normalize:
            normal(self)

    def forward(self, x: Tensor) -> Tensor:
        """Score each patch."""
        if min(x.shape[-2:]) < self.smallest_side:
            raise ValueError(
                f"image: {x.shape[-2]}x{x.shape[-1]} pixels are too few for a receptive field of "
                f"{self.settings['receptive_field']}; at least {self.smallest_side} a side are needed."
            )
        first, *middle, last = self.layers
        features = filled(first, 2 * x - 1)  # type: ignore[arg-type]
        for layer in middle:
            features = layer(features)
        scores = filled(last, features)  # type: ignore[arg-type]
        return scores.to(x.dtype)  # a loss is a mean of squares, which half precision would round to three digits


def receptive_field(network: nn.Module) -> int:
    """How many pixels of the input, on one axis, one output of a chain of convolutions sees.

    Walking back from the output, r <- (r - 1) stride + kernel size for each convolution.

    Args:
        network: A chain of convolutions, such as `PatchDiscriminator`.

    Returns:
        The side of the receptive field in pixels.

    Example:
        >>> [receptive_field(PatchDiscriminator(size, width=1)) for size in (16, 34, 70, 286)]
        [16, 34, 70, 286]
    """
    size = 1
    for layer in reversed([m for m in network.modules() if isinstance(m, nn.Conv2d)]):
        size = (size - 1) * layer.stride[0] + layer.kernel_size[0]
    return size
