"""Least squares without negative values, for a whole batch at once, and exactly."""

import torch
from torch import Tensor

MOST = 60
"""Pivots of a problem that is solved to its end (our choice)."""


def nonnegative(
    normal: Tensor, target: Tensor, *, passive: Tensor | None = None, pivots: int | None = None
) -> tuple[Tensor, Tensor]:
    """argmin_k k' A k / 2 - b' k with k >= 0, by block principal pivoting (Portugal, Judice, Vicente 1994).

    A guess at the values above zero ('passive') is solved for; all those that break a condition (a value below zero, or
    a zero where a step up would fall) change sides at once, as long as their number shrinks in three tries, and one
    at a time after that, which is sure to end.

    Args:
        normal: A, (B, P, P), symmetric, positive definite.
        target: b, (B, P).
        passive: (B, P) bool, the guess; where b > 0 without one.
        pivots: How many times to solve, without a look at the host; until nothing is wrong without a number, which
            needs a look each time. What is left below zero is clipped.

    Returns:
        k, (B, P), and which of its values are above zero, a guess for the next problem.

    Example:
        >>> a = torch.tensor([[[2.0, 1.0], [1.0, 2.0]]]).double()
        >>> nonnegative(a, torch.tensor([[2.0, 0.0]]).double())[0].round(decimals=6).tolist()
        [[1.0, 0.0]]
    """
    passive = target > 0 if passive is None else passive
    n = target.shape[-1]
    order = torch.arange(1, n + 1, device=target.device)
    small = 1e-10 * target.abs().amax(dim=-1, keepdim=True)
    fewest = torch.full_like(target[:, :1], n + 1)
    tries = torch.full_like(fewest, 3)
    x = torch.zeros_like(target)
    for _ in range(MOST if pivots is None else pivots):
        x = _solved(normal, target, passive)
        slope = (normal @ x[..., None])[..., 0] - target
        wrong = torch.where(passive, x < 0, slope < -small)
        count = wrong.sum(dim=-1, keepdim=True).to(fewest)
        if pivots is None and not bool(wrong.any()):
            break
        fewer = count < fewest
        fewest = torch.where(fewer, count, fewest)
        tries = torch.where(fewer, 3.0, tries - 1)
        last = order == (order * wrong).amax(dim=-1, keepdim=True)
        passive = passive ^ torch.where(tries >= 0, wrong, wrong & last)
    return x.clamp(min=0), passive


def _solved(normal: Tensor, target: Tensor, passive: Tensor) -> Tensor:
    """The solution whose values outside `passive` are zero, by one Cholesky factorisation for each of the batch."""
    kept = passive.to(target)
    masked = normal * kept[:, :, None] * kept[:, None, :] + torch.diag_embed(1 - kept)
    factor, _ = torch.linalg.cholesky_ex(masked)  # no look whether it is positive definite
    solved: Tensor = torch.cholesky_solve((target * kept)[..., None], factor)[..., 0]
    return solved
