"""Hand-made priors of sharp photographs, each with its proximal step.

A prior R of the differences D x between neighbours enters as |k * x - y|^2 + weight R(D x). Its proximal step is
argmin_w weight R(w) + penalty |w - v|^2, in closed form or by Newton's method, pixel by pixel.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

NEWTON_STEPS = 4
"""Of the hyper-Laplacian step (Krishnan & Fergus 2009); its error is then below 1e-7 for exponents up to 0.9."""


CHUNK = 2**16
"""Numbers that Newton's method takes at once: they stay in the processor's cache (our choice)."""


@dataclass(frozen=True)
class TotalVariation:
    """R = sum |D x|: the length of the gradient (isotropic), or the sum of its two parts (anisotropic).

    The step is the soft threshold by weight / (2 penalty) (Wang, Yang, Yin & Zhang 2008, equations 2.4 and 2.6).

    Example:
        >>> TotalVariation(0.2, isotropic=False)(torch.tensor([0.5, -0.05]), 1.0).tolist()
        [0.4000000059604645, -0.0]
    """

    weight: float
    isotropic: bool = False
    domain: str = "gradient"
    joint: bool = False

    def __call__(self, v: Tensor, penalty: float) -> Tensor:
        """The proximal step."""
        threshold = self.weight / (2 * penalty)
        if not self.isotropic:
            return torch.nn.functional.softshrink(v, threshold)
        length = v.square().sum(dim=0, keepdim=True).clamp_min(torch.finfo(v.dtype).tiny).sqrt()
        return v * (1 - threshold / length).clamp_min(0)

    def value(self, v: Tensor) -> Tensor:
        """Of the prior, weight included, for each image: (2, B, C, H, W) -> (B,)."""
        size = v.square().sum(dim=0).sqrt() if self.isotropic else v.abs().sum(dim=0)
        return self.weight * size.sum(dim=(1, 2, 3))


@dataclass(frozen=True)
class HyperLaplacian:
    """R = sum |D x|^exponent, exponent below 1: the heavy tails of the differences in photographs.

    In the unit s = (weight / (2 penalty))^(1 / (2 - exponent)) the step has no parameter but the exponent a:
    u = argmin |u|^a + (u - r)^2 / 2, r = v / s (our rescaling of Krishnan & Fergus 2009, equation 5). It is zero up to
    r = (2 - a) / (2 - 2 a) (2 - 2 a)^(1 / (2 - a)), where it jumps; above, Newton's method from r falls to the root of
    u + a u^(a - 1) = r without overshooting, because the left side is convex.

    Example:
        >>> step = HyperLaplacian(2.0, exponent=0.5)
        >>> [round(v, 4) for v in step(torch.tensor([1.4, 1.6, -4.0], dtype=torch.float64), 1.0).tolist()]
        [0.0, 1.1295, -3.7415]
    """

    weight: float
    exponent: float = 2 / 3
    domain: str = "gradient"
    joint: bool = False

    def __call__(self, v: Tensor, penalty: float) -> Tensor:
        """The proximal step."""
        a = self.exponent
        scale = (self.weight / (2 * penalty)) ** (1 / (2 - a))
        jump = (2 - a) / (2 - 2 * a) * (2 - 2 * a) ** (1 / (2 - a))
        kept = v.abs() > jump * scale  # as a rule few: only they are worth an iteration
        alive = v[kept]
        parts = [_root(part.abs() / scale, a) for part in torch.split(alive, CHUNK)]
        w = torch.copysign(torch.cat(parts) * scale, alive)
        return torch.zeros_like(v).masked_scatter(kept, w)

    def value(self, v: Tensor) -> Tensor:
        """Of the prior, weight included, for each image: (2, B, C, H, W) -> (B,)."""
        return self.weight * v.abs().pow(self.exponent).sum(dim=(0, 2, 3, 4))


def _root(r: Tensor, a: float) -> Tensor:
    """Newton's method for u + a u^(a - 1) = r, from u = r."""
    u = r
    for _ in range(NEWTON_STEPS):
        power = a * torch.exp((a - 1) * torch.log(u))  # three times as fast as pow
        u = u - (u + power - r) / (1 + (a - 1) * power / u)
    return u


@dataclass(frozen=True)
class L0Gradient:
    """R = the number of pixels whose gradient is not zero, in any direction and any channel.

    The step keeps a gradient, or drops it where its squared length is at most weight / penalty (Xu, Lu, Xu & Jia 2011,
    equation 12).

    Example:
        >>> L0Gradient(0.25)(torch.tensor([0.6, 0.4]).reshape(2, 1, 1, 1, 1), 1.0).flatten().tolist()
        [0.6000000238418579, 0.4000000059604645]
        >>> L0Gradient(0.25)(torch.tensor([0.4, 0.2]).reshape(2, 1, 1, 1, 1), 1.0).flatten().tolist()
        [0.0, 0.0]
    """

    weight: float
    domain: str = "gradient"
    joint: bool = True

    def __call__(self, v: Tensor, penalty: float) -> Tensor:
        """The proximal step."""
        squared = v.square().sum(dim=(0, 2), keepdim=True)
        return torch.where(squared > self.weight / penalty, v, 0)

    def value(self, v: Tensor) -> Tensor:
        """Of the prior, weight included, for each image: (2, B, C, H, W) -> (B,)."""
        return self.weight * (v.abs().amax(dim=(0, 2)) > 0).to(v.dtype).sum(dim=(1, 2))
