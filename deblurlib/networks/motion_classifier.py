"""A patch classifier: by which straight motion was this patch of 30x30 pixels blurred?"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

PATCH, STRIDE = 30, 4
"""Side of a patch (Sun et al. 2015), and how far apart the patches of one pass lie: by the layout's two poolings."""

FLOOR = 0.01
"""A contrast that is added to every patch's, so that noise does not count as texture (our choice)."""

LONGEST, LENGTH_STEP, ANGLES = 25, 2, 6
"""Sun et al. (2015): lengths 1, 3, ..., 25 pixels and angles 0, 30, ..., 150 degrees."""


def straight_motions(longest: int = LONGEST, angles: int = ANGLES) -> Tensor:
    """The classes: (K, 2), the length in pixels and the angle in degrees of each; length 1, no motion, comes once.

    Args:
        longest: The largest length, odd.
        angles: How many, equally spaced from 0 to below 180 degrees.

    Raises:
        ValueError: `longest` is not an odd number of at least 3, or there is no angle.

    Example:
        >>> straight_motions().shape, straight_motions()[[0, 1, 2, -1]].tolist()
        (torch.Size([73, 2]), [[1.0, 0.0], [3.0, 0.0], [3.0, 30.0], [25.0, 150.0]])
    """
    if longest < 3 or longest % 2 == 0 or angles < 1:
        raise ValueError(f"expected an odd length of at least 3 and an angle or more, got {longest} and {angles}.")
    lengths = range(1 + LENGTH_STEP, longest + 1, LENGTH_STEP)
    turns = [180 * i / angles for i in range(angles)]
    return torch.tensor([(1.0, 0.0), *((float(n), angle) for n in lengths for angle in turns)])


class MotionClassifier(nn.Module):
    """Sun, Cao, Xu & Ponce (2015) in small: convolution, pooling, convolution, pooling, one hidden layer, the classes.

    The paper's layers have 96 and 256 filters and 1024 hidden units, and look at colour patches; here are fewer (our
    choice, so that it learns in minutes on a CPU), and patches are grey: the mean of the channels. No layer pads, so
    the network runs over a whole picture at once, and each of its answers is what the patch alone would have got.

    Neither brightness nor contrast says anything of the motion. So the first filters have mean zero, no layer before
    the hidden one has a bias, and the hidden units are divided by the patch's standard deviation (our choice).

    Args:
        longest: Of the motions, see `straight_motions`.
        angles: Likewise.
        width: Filters of the first layer; the second has twice as many.
        hidden: Units of the hidden layer.

    Shape:
        (B, C, H, W), 30 pixels a side or more, to the scores before the softmax,
        (B, K, (H - 30) // 4 + 1, (W - 30) // 4 + 1): of the patches that begin at every fourth pixel.

    Example:
        >>> network = MotionClassifier()
        >>> sum(p.numel() for p in network.parameters())
        333929
        >>> network(torch.rand(1, 1, 30, 38)).shape
        torch.Size([1, 73, 1, 3])
    """

    smallest_side = PATCH

    def __init__(self, longest: int = LONGEST, angles: int = ANGLES, width: int = 32, hidden: int = 256) -> None:
        super().__init__()
        self.settings = {"longest": longest, "angles": angles, "width": width, "hidden": hidden}
        self.motions: Tensor
        self.register_buffer("motions", straight_motions(longest, angles), persistent=False)
        self.features = nn.Sequential(
            nn.Conv2d(1, width, 7, bias=False),  # 30 -> 24
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),  # 12
            nn.Conv2d(width, 2 * width, 5, bias=False),  # 8
            nn.ReLU(inplace=True),
            nn.MaxPool2d(2),  # 4
            nn.Conv2d(2 * width, hidden, 4, bias=False),  # 1: every unit sees the whole patch
        )
        self.bias = nn.Parameter(torch.zeros(hidden, 1, 1))
        self.classes = nn.Conv2d(hidden, len(self.motions), 1)
        for layer in self.features:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
        nn.init.normal_(self.classes.weight, std=hidden**-0.5)
        nn.init.zeros_(self.classes.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """The scores of every motion for every patch."""
        grey = x.mean(dim=1, keepdim=True)
        raw: Tensor = self.features[0].weight  # type: ignore[assignment]
        features = self.features[1:](F.conv2d(grey, raw - raw.mean(dim=(-2, -1), keepdim=True)))
        hidden = features / (deviation(grey) + FLOOR)
        scores: Tensor = self.classes(F.relu(hidden + self.bias))
        return scores


def deviation(x: Tensor) -> Tensor:
    """The standard deviation of each patch that `MotionClassifier` sees: (B, 1, H, W) to (B, 1, rows, columns)."""
    mean, square = (F.avg_pool2d(t.float(), PATCH, STRIDE) for t in (x, x.square()))
    return (square - mean.square()).clamp_min(0).sqrt()
