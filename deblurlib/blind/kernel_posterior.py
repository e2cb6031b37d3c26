"""What the kernel may be, given the sharp gradients: a mean and a variance for each of its values, none below zero."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class KernelPrior:
    """Of each value of a kernel of sum one: sum_l weights[l] rates[l] exp(-rates[l] k), k >= 0."""

    weights: tuple[float, ...] = (0.576, 0.147, 0.173, 0.105)
    """Of sum about 1 (Fergus et al. 2006, released code)."""
    rates: tuple[float, ...] = (5114.0, 5006.0, 173.9, 50.65)
    """One over the means (released code)."""

    def slope(self, mean: Tensor) -> tuple[Tensor, Tensor]:
        """The rate sum_l q_l rates[l] by the best responsibilities, and the bound -log sum_l w_l r_l exp(-r_l E k).

        Example:
            >>> rate, _ = KernelPrior((0.5, 0.5), (1000.0, 10.0)).slope(torch.tensor([0.0, 0.1]).double())
            >>> [round(r) for r in rate.tolist()]
            [990, 10]
        """
        logs = torch.stack([math.log(w * r) - r * mean for w, r in zip(self.weights, self.rates, strict=True)])
        total = logs.logsumexp(dim=0)
        return sum(r * q for r, q in zip(self.rates, (logs - total).exp(), strict=True)), -total


@dataclass(frozen=True)
class Rectified:
    """Densities proportional to exp(-precision k^2 / 2 + pull k) for k >= 0, each of its own."""

    precision: Tensor
    """(B, P), above 0."""
    pull: Tensor
    """(B, P)."""

    def moments(self) -> tuple[Tensor, Tensor, Tensor]:
        """Mean, variance, and the log of the integral that normalises, each (B, P).

        With s = precision^(-1/2), a = -pull s and h = sqrt(2 / pi) / erfcx(a / sqrt 2): mean s (h - a), variance
        s^2 (1 + a h - h^2), integral s sqrt(pi / 2) erfcx(a / sqrt 2); for a above 30 their expansions in 1 / a.

        Example:
            >>> one = Rectified(torch.ones(1, 1).double(), torch.zeros(1, 1).double())
            >>> [round(float(m), 4) for m in one.moments()]  # a half Gaussian
            [0.7979, 0.3634, 0.2258]
        """
        s = self.precision.rsqrt()
        a = -self.pull * s
        far = a > 30
        near = torch.where(far, 0.0, a)
        scaled = torch.special.erfcx(near / math.sqrt(2))
        h = math.sqrt(2 / math.pi) / scaled
        t = a.clamp(min=30).reciprocal()
        mean = s * torch.where(far, t - 2 * t**3 + 10 * t**5, h - near)
        variance = s.square() * torch.where(far, t**2 - 6 * t**4 + 50 * t**6, 1 + near * h - h.square())
        log = s.log() + torch.where(far, (t - t**3 + 3 * t**5).log(), (math.sqrt(math.pi / 2) * scaled).log())
        # Beyond -6 or so erfcx overflows, and the density is a whole Gaussian.
        whole = a < -20
        log = torch.where(whole, s.log() + 0.5 * a.square() + 0.5 * math.log(2 * math.pi), log)
        mean = torch.where(whole, -a * s, mean)
        variance = torch.where(whole, s.square(), variance)
        return mean, variance.clamp_min(torch.finfo(variance.dtype).tiny), log


def kernel_posterior_step(
    normal: Tensor,
    target: Tensor,
    noise: float,
    prior: KernelPrior,
    mean: Tensor,
    *,
    sweeps: int = 5,
) -> Rectified:
    """The q(k) that makes the free energy small, given the second moments of the gradients, value by value.

    Value i has precision A_ii / noise^2, and pull (b_i - sum_j A_ij E k_j, j not i) / noise^2 - rate. Each value in its
    turn, with the best responsibilities before each sweep: the free energy falls with each (Miskin & MacKay 2000).

    Args:
        normal: A, (B, P, P), from `kernel_equations`.
        target: b, (B, P).
        noise: Standard deviation.
        prior: Of the values.
        mean: (B, P), to begin with.
        sweeps: Through all the values (our choice).
    """
    square = noise**2
    diagonal = torch.diagonal(normal, dim1=1, dim2=2)
    precision = diagonal / square
    mean, pull = mean.double().clone(), torch.zeros_like(target)
    for _ in range(sweeps):
        rate, _ = prior.slope(mean)
        residual = target - (normal @ mean[..., None])[..., 0]
        for i in range(target.shape[-1]):
            own = (residual[:, i] + diagonal[:, i] * mean[:, i]) / square - rate[:, i]
            fresh = Rectified(precision[:, i], own).moments()[0]
            residual = residual - normal[:, :, i] * (fresh - mean[:, i])[:, None]
            mean[:, i], pull[:, i] = fresh, own
    return Rectified(precision, pull)


def kernel_energy(q: Rectified, prior: KernelPrior) -> Tensor:
    """The kernel's part of the free energy, E_q[log q(k) - log p(k)] at the best responsibilities, (B,)."""
    mean, variance, log = q.moments()
    inside = -0.5 * q.precision * (variance + mean.square()) + q.pull * mean - log
    return (inside + prior.slope(mean)[1]).sum(dim=-1)
