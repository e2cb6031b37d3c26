"""Convolutions of few channels, filled up to a number that tensor cores take."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

TAKEN = 8
"""Channels of 16 bits that tensor cores take at a time."""


def filled(convolution: nn.Conv2d | nn.ConvTranspose2d, x: Tensor) -> Tensor:
    """A convolution from or to an image's three channels, where it is compiled with channels of zeros beside these.

    For three, cuDNN copies the image into eight by itself, or takes a kernel that leaves tensor cores idle. Where
    nothing is compiled, this is the convolution.

    Args:
        convolution: Of one group, without dilation or output padding, with zeros around its input.
        x: (B, C, H, W), its input.

    Returns:
        Its output.

    Example:
        >>> filled(nn.Conv2d(3, 5, 3), torch.zeros(1, 3, 8, 8)).shape
        torch.Size([1, 5, 6, 6])
    """
    return _with_zeros(convolution, x) if torch.compiler.is_compiling() else convolution(x)


def _with_zeros(convolution: nn.Conv2d | nn.ConvTranspose2d, x: Tensor) -> Tensor:
    into, out_of = -convolution.in_channels % TAKEN, -convolution.out_channels % TAKEN
    transposed = isinstance(convolution, nn.ConvTranspose2d)
    weight = _beside(convolution.weight, 0, into if transposed else out_of)
    weight = _beside(weight, 1, out_of if transposed else into)
    bias = None if convolution.bias is None else _beside(convolution.bias, 0, out_of)
    apply = F.conv_transpose2d if transposed else F.conv2d
    x = _beside(x.contiguous(memory_format=torch.channels_last), 1, into)
    y: Tensor = apply(x, weight, bias, convolution.stride, convolution.padding)  # type: ignore[arg-type]
    return _beside(y, 1, -out_of)  # unlike a slice, its gradient leaves the channels last


def _beside(x: Tensor, dim: int, count: int) -> Tensor:
    """A tensor with zeros after its own in one dimension; a negative count takes them away again."""
    return F.pad(x, [0, 0] * (x.ndim - 1 - dim) + [0, count]) if count else x
