"""Gradients of sharp photographs: a mixture of Gaussians around zero, narrow for flat parts, wide for edges."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Mixture:
    """A density of gradients, sum_l weights[l] Normal(0, 1 / precisions[l]), for pictures in [0, 1]."""

    weights: tuple[float, ...]
    """Of sum 1."""
    precisions: tuple[float, ...]
    """One over the variances."""

    @property
    def mean_precision(self) -> float:
        """The precision that the weights give on average."""
        return sum(w * p for w, p in zip(self.weights, self.precisions, strict=True))

    def responsibilities(self, second_moment: Tensor) -> tuple[Tensor, Tensor]:
        """Which component a gradient comes from, the best q for the bound of `energy`, and the bound itself.

        q_l is proportional to weights[l] sqrt(precisions[l]) exp(-precisions[l] E x^2 / 2).

        Args:
            second_moment: E x^2 of each gradient, any shape.

        Returns:
            The precision sum_l q_l precisions[l] of each gradient, and its part of the free energy,
            -log sum_l weights[l] sqrt(precisions[l] / 2 pi) exp(-precisions[l] E x^2 / 2), both of that shape.

        Example:
            >>> narrow_and_wide = Mixture((0.5, 0.5), (1e4, 1.0))
            >>> precision, _ = narrow_and_wide.responsibilities(torch.tensor([0.0, 0.25]))
            >>> [round(p) for p in precision.tolist()]
            [9901, 1]
        """
        pairs = list(zip(self.weights, self.precisions, strict=True))
        logs = torch.stack([math.log(w * math.sqrt(p / (2 * math.pi))) - 0.5 * p * second_moment for w, p in pairs])
        best = logs.amax(dim=0)
        parts = (logs - best).exp()
        total = parts.sum(dim=0)
        mean = sum(p * part for p, part in zip(self.precisions, parts, strict=True)) / total
        return mean, -(best + total.log())


NATURAL = Mixture((0.299, 0.269, 0.334, 0.098), tuple(d**-2 for d in (0.0020, 0.0092, 0.0404, 0.1607)))
"""Fitted by EM to the gradients of open photographs at half their size (our fit)."""

STREET = Mixture((0.342, 0.408, 0.078, 0.172), tuple(255.0**2 * p for p in (0.298, 3.057, 0.00145, 0.01705)))
"""Of a street scene (Fergus et al. 2006, released code, there for values up to 255)."""
