"""Instance normalisation, in two ways of writing the same: torch's own, and one that a compiler can leave in place."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

EPSILON = 1e-5
"""Added to a variance, as everywhere."""


def instance_norm(x: Tensor) -> Tensor:
    """Each channel of each image less its mean and over its standard deviation (Ulyanov et al. 2016), no weights.

    Torch's own views the channels of all images as those of one, which takes channels that come last in memory apart,
    and the next convolution puts them together again. Where a network is compiled, the sums stand here as such: they
    are fused, in float32, and the layout stays. Where it is not, each of them would be a pass over memory.

    Args:
        x: (B, C, H, W).

    Returns:
        The same shape, precision and layout in memory.

    Example:
        >>> instance_norm(torch.tensor([[[[1.0, 3.0]]]])).flatten().tolist()
        [-0.9999949932098389, 0.9999949932098389]
    """
    return _sums(x) if torch.compiler.is_compiling() else F.instance_norm(x, eps=EPSILON)


class InstanceNorm(nn.InstanceNorm2d):
    """`instance_norm` as a layer."""

    def forward(self, x: Tensor) -> Tensor:
        """Normalise a batch of features."""
        return instance_norm(x)


def _sums(x: Tensor) -> Tensor:
    precise = x if x.dtype == torch.float64 else x.float()
    variance, mean = torch.var_mean(precise, dim=(2, 3), correction=0, keepdim=True)
    normalised = (precise - mean) * torch.rsqrt(variance + EPSILON)
    return normalised.to(x.dtype)
