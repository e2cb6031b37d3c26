"""The exercises of the chapter 'A game of two: from points in the plane to patches'."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

CLOSE = 1e-4
"""Two values this near are equal: float32 in another order of operations, not another idea."""

CHAIN = "the score goes through sigma: by the chain rule its derivative, sigma (1 - sigma), is a factor"

LOSSES = ("cross-entropy as first written", "cross-entropy flipped", "least squares")


@exercise("pushes")
def _pushes(answer: Any) -> str | None:
    s = torch.tensor([-3.0, -0.5, 2.0])
    result = answer(s.clone())
    if not (isinstance(result, tuple | list) and len(result) == 3 and all(isinstance(v, Tensor) for v in result)):
        return f"your answer is of type {type(result).__name__}, expected three tensors, one for each loss."
    p = s.sigmoid()
    for name, mine, true, slips in zip(
        LOSSES,
        result,
        (-p, p - 1, 2 * (s - 1)),
        (
            ((p, "the sign: the forger's loss falls as the score rises"), *_about_p(p)),
            (
                (1 - p, "the sign: the forger's loss falls as the score rises"),
                (-p, "that is the first form's push"),
                (-1 / p, CHAIN),
            ),
            (
                (s - 1, "the factor of the square is missing"),
                ((s - 1).square(), "that is the loss, not its derivative"),
            ),
        ),
        strict=True,
    ):
        if mine.shape != s.shape:
            return f"{name}: your answer has shape {tuple(mine.shape)}, expected that of the scores, {tuple(s.shape)}."
        if (mine - true).abs().max() <= CLOSE:
            continue
        said = f"{name}: at a score of -3 your push is {float(mine[0]):.4f}, expected {float(true[0]):.4f}"
        return next((f"{said}: {why}." for wrong, why in slips if (mine - wrong).abs().max() <= CLOSE), f"{said}.")
    return None


def _about_p(p: Tensor) -> tuple[tuple[Tensor, str], ...]:
    return (
        (p - 1, "that is the flipped form's push; the first form is the one that dies where the judge is sure"),
        (-1 / (1 - p), CHAIN),
        (-p * (1 - p), "the logarithm is missing: its derivative divides by 1 - sigma, which cancels a factor"),
    )


@exercise("one_round")
def _one_round(answer: Any) -> str | None:
    rate, rounds, start = 0.1, 30, (1.0, 0.5)
    mine = _played(answer, rate, rounds, start)
    if mine is None:
        return "your answer is no pair of two numbers, expected (theta, psi)."
    true = _played(_both, rate, rounds, start)
    assert true is not None
    if _equal(mine, true):
        return None
    said = (
        f"after {rounds} rounds you are at ({mine[0]:.3f}, {mine[1]:.3f}), expected ({true[0]:.3f}, {true[1]:.3f}), "
        "a little further out than the start"
    )
    for rule, why in ROUND_SLIPS:
        wrong = _played(rule, rate, rounds, start)
        if wrong is not None and _equal(mine, wrong):
            return f"{said}: {why}."
    return f"{said}."


Rule = Callable[[float, float, float], tuple[float, float]]


def _both(theta: float, psi: float, rate: float) -> tuple[float, float]:
    return theta + rate * psi, psi - rate * theta


def _judge_first(theta: float, psi: float, rate: float) -> tuple[float, float]:
    leaning = psi - rate * theta
    return theta + rate * leaning, leaning


def _forger_first(theta: float, psi: float, rate: float) -> tuple[float, float]:
    moved = theta + rate * psi
    return moved, psi - rate * moved


ROUND_SLIPS: tuple[tuple[Rule, str], ...] = (
    (_judge_first, "your forger already knows where the judge has just leant; they move at the same time"),
    (_forger_first, "your judge already knows where the forger has just gone; they move at the same time"),
    (lambda t, p, r: (t - r * p, p - r * t), "your forger helps the judge; it lowers minus psi theta"),
    (lambda t, p, r: (t + r * p, p + r * t), "your judge helps the forger; it lowers psi theta"),
    (lambda t, p, r: (t - r * p, p + r * t), "both signs are turned round: each player raises its own loss"),
    (lambda t, p, r: (t + r * t, p - r * p), "each player follows its own number; the slope of a product is the other"),
    (lambda t, p, r: (p - r * t, t + r * p), "the two numbers are swapped; hand back (theta, psi)"),
)


def _played(rule: Any, rate: float, rounds: int, start: tuple[float, float]) -> tuple[float, float] | None:
    theta, psi = start
    for _ in range(rounds):
        result = rule(theta, psi, rate)
        if not (isinstance(result, tuple | list) and len(result) == 2):
            return None
        theta, psi = (float(v) for v in result)
    return theta, psi


def _equal(a: tuple[float, float], b: tuple[float, float]) -> bool:
    return all(abs(p - q) <= CLOSE * max(1.0, abs(q)) for p, q in zip(a, b, strict=True))


CENTRES = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0], [8.0, 0.0], [8.0, 4.0]])
SHARES = (50, 20, 11, 2, 0, 0)
"""Points near each centre, of 180 in all: a tenth of a fair share is 3, so the fourth, with two, is not covered."""

LOST = (0, 0, 0, 0, 49, 48)
"""Points that are nearest to each centre, but outside its radius."""


@exercise("covered")
def _covered(answer: Any) -> str | None:
    points, radius = _cloud(), 0.5
    result = answer(points.clone(), CENTRES.clone(), radius)
    if isinstance(result, Tensor) and result.numel() == 1:
        result = result.item()
    if isinstance(result, bool) or not isinstance(result, int | float):
        return f"your answer is of type {type(result).__name__}, expected one number, of clusters."
    distance, which = torch.cdist(points, CENTRES).min(dim=1)
    inside = torch.bincount(which[distance < radius], minlength=len(CENTRES))
    everywhere = torch.bincount(which, minlength=len(CENTRES))
    fair = len(points) / len(CENTRES)
    true = int((inside >= 0.1 * fair).sum())
    if result == true:
        return None
    slips = (
        (int((inside > 0).sum()), "one stray point covers no cluster; ask for a tenth of the fair share"),
        (int((everywhere >= 0.1 * fair).sum()), "you count points that lie in no cluster; the radius is missing"),
        (int((inside >= fair).sum()), "you ask for the whole fair share; a tenth of it is enough"),
        (int((inside >= 0.1 * len(points)).sum()), "a tenth of all points is not a tenth of a fair share, N / K"),
        (int((distance < radius).sum()), "that is a number of points, asked is a number of clusters"),
    )
    said = f"your answer is {result:g}, expected {true} of {len(CENTRES)} clusters"
    return next((f"{said}: {why}." for wrong, why in slips if result == wrong), f"{said}.")


def _cloud() -> Tensor:
    chance = seed(3)

    def heaps(numbers: tuple[int, ...], off: float) -> list[Tensor]:
        return [
            c + off + 0.1 * torch.randn(n, 2, generator=chance).clamp(-3, 3)
            for c, n in zip(CENTRES, numbers, strict=True)
        ]

    return torch.cat([*heaps(SHARES, 0.0), *heaps(LOST, 0.7)])
