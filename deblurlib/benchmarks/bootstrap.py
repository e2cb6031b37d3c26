"""How sure is a mean over pictures? The bootstrap: draw the scenes again, with replacement, and look how it moves."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

import torch

RESAMPLES = 4000
LEVEL = 0.95
"""Share of the resampled means within the interval."""


@dataclass(frozen=True)
class Interval:
    """A mean and its confidence interval."""

    mean: float
    low: float
    high: float
    count: int
    """Of values."""

    @property
    def excludes_zero(self) -> bool:
        """Whether the interval lies on one side of zero, a difference that the data allow us to state."""
        return self.low > 0 or self.high < 0


def bootstrap(values: Sequence[float], scenes: Sequence[str] | None = None, *, seed: int = 0) -> Interval:
    """The mean of values, with its 95 % interval by the percentile bootstrap (Efron 1979).

    Args:
        values: One for each picture; for a paired comparison the differences of two methods, picture by picture.
        scenes: What each picture shows. Pictures of one scene are drawn together, for they are not independent; None
            takes every picture as a scene of its own.
        seed: Of the draws.

    Raises:
        ValueError: no values, one that is not finite, or another number of scenes.

    Example:
        >>> found = bootstrap([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
        >>> found.mean, round(found.low, 1), round(found.high, 1)
        (3.5, 2.2, 4.8)
    """
    if not values:
        raise ValueError("bootstrap: expected one value at least, got none.")
    if not all(map(math.isfinite, values)):
        raise ValueError("bootstrap: contains NaN or infinite values, which have no mean.")
    names = list(scenes) if scenes is not None else [str(i) for i in range(len(values))]
    if len(names) != len(values):
        raise ValueError(f"scenes: expected {len(values)}, one for each value, got {len(names)}.")
    groups: dict[str, list[float]] = {}
    for name, value in zip(names, values, strict=True):
        groups.setdefault(name, []).append(value)
    sums = torch.tensor([sum(group) for group in groups.values()], dtype=torch.float64)
    counts = torch.tensor([len(group) for group in groups.values()], dtype=torch.float64)
    chance = torch.Generator().manual_seed(seed)
    drawn = torch.randint(len(sums), (RESAMPLES, len(sums)), generator=chance)
    means = sums[drawn].sum(dim=1) / counts[drawn].sum(dim=1)
    ends = torch.tensor([(1 - LEVEL) / 2, (1 + LEVEL) / 2], dtype=torch.float64)
    low, high = torch.quantile(means, ends).tolist()
    return Interval(statistics.fmean(values), low, high, len(values))
