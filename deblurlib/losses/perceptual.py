"""A distance in the space of convolutional features, where a blurred edge costs more than it does in pixels."""

from itertools import pairwise

import torch
from torch import Tensor, nn


class RandomFeatures(nn.Module):
    """Mean squared distance between features of a *random* network in the shape of VGG-19 up to conv3_3.

    The layers are VGG-19's, a quarter as wide, with He-normal weights drawn from `seed`. No file is needed and nothing
    was learnt: that is why it is not called a VGG loss. The distance is divided by the variance of the reference's
    features, so 1 means 'as different as two unrelated images'.

    Args:
        seed: Of the random weights.
        width: Channels of the first block (VGG-19 has 64).

    Shape:
        (B, 3, H, W) twice, in [0, 1], to a scalar.

    Example:
        >>> distance = RandomFeatures()
        >>> x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
        >>> distance(x, x).item(), distance(x.mean(dim=1, keepdim=True).expand_as(x), x).item() > 0.01
        (0.0, True)
    """

    def __init__(self, seed: int = 0, width: int = 16) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        blocks = [[3, width, width], [width, 2 * width, 2 * width], [2 * width, 4 * width, 4 * width, 4 * width]]
        layers: list[nn.Module] = []
        for block in blocks:
            if layers:
                layers.append(nn.MaxPool2d(2))
            for inside, outside in pairwise(block):
                with torch.random.fork_rng(devices=[]):  # the weights that it starts with are replaced
                    convolution = nn.Conv2d(inside, outside, 3, padding=1)
                nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu", generator=generator)
                nn.init.zeros_(convolution.bias)  # type: ignore[arg-type]
                layers += [convolution, nn.ReLU()]
        self.features = nn.Sequential(*layers[:-1]).requires_grad_(False)

    def forward(self, restored: Tensor, reference: Tensor) -> Tensor:
        """The distance; gradients flow to `restored` alone."""
        with torch.no_grad():
            target = self.features(2 * reference - 1).float()
        features: Tensor = self.features(2 * restored - 1).float()
        distance: Tensor = (features - target).square().mean() / target.var().clamp_min(1e-12)
        return distance
