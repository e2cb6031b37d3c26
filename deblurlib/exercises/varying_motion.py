"""The exercises of the chapter on motion that varies across the image."""

import math
from typing import Any

import torch
from torch import Tensor

from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

CLOSE = 1e-4
"""Two numbers this near are equal."""


def _vector(motion: tuple[float, float]) -> tuple[float, float]:
    turn = math.radians(motion[1])
    return (motion[0] - 1) * math.cos(turn), (motion[0] - 1) * math.sin(turn)


def _distances(a: tuple[float, float], b: tuple[float, float]) -> tuple[float, float]:
    """To a vector and to its opposite."""
    (u, v), (s, t) = _vector(a), _vector(b)
    return math.hypot(u - s, v - t), math.hypot(u + s, v + t)


@exercise("motion_distance")
def _motion_distance(answer: Any) -> str | None:
    for a, b in (((9.0, 10.0), (7.0, 60.0)), ((11.0, 170.0), (11.0, 5.0)), ((1.0, 0.0), (1.0, 90.0))):
        said = answer(a, b)
        if not isinstance(said, int | float | Tensor) or (isinstance(said, Tensor) and said.numel() != 1):
            return f"your answer is of type {type(said).__name__}, expected a number."
        d, near = float(said), min(_distances(a, b))
        if abs(d - near) < CLOSE:
            continue
        start = f"between {a} and {b} you have {d:.3f}, expected {near:.3f}"
        ahead = _distances(a, b)[0]
        longer = tuple((n + 1, angle) for n, angle in (a, b))
        mistakes = (
            (ahead, "a vector and its opposite are one motion: take the smaller of two distances"),
            (near**2, "this is the square of the distance"),
            (min(_distances(*longer)), "a motion of one pixel is none: the vectors are of length - 1"),
            (abs(a[0] - b[0]), "this is the difference of the lengths; motions differ in angle, too"),
        )
        return next((f"{start}: {why}." for wrong, why in mistakes if abs(d - wrong) < CLOSE), f"{start}.")
    return None


@exercise("hear_patches")
def _hear_patches(answer: Any) -> str | None:
    evidence = (3 * torch.randn(6, 4, generator=seed(41))).log_softmax(dim=1)
    distances = torch.linspace(0, 14, 6)
    w = torch.exp(-0.5 * (distances / 8) ** 2)
    share = w / w.sum()
    expected = (share @ evidence).softmax(dim=0)
    p = answer(evidence.clone(), distances.clone(), 8.0)
    if not isinstance(p, Tensor):
        return f"your answer is of type {type(p).__name__}, expected a tensor."
    if p.shape != expected.shape:
        return f"your answer has shape {tuple(p.shape)}, expected shape (4,)."
    if _close(p, expected):
        return None
    start = f"the first probability of yours is {float(p[0]):.4f}, expected {float(expected[0]):.4f}"
    mistakes = (
        (share @ evidence, "these are log-probabilities still; softmax makes them probabilities"),
        (share @ evidence.exp(), "this is the mean of probabilities; the mean is of their logarithms"),
        ((w @ evidence).softmax(dim=0), "this is the sum; a mean divides the weights by their sum"),
        (evidence.mean(dim=0).softmax(dim=0), "every patch counts alike; near ones count for more"),
        ((share @ evidence).exp(), "these do not sum to one; softmax sees to that"),
    )
    return next((f"{start}: {why}." for wrong, why in mistakes if _close(p, wrong)), f"{start}.")


def _close(a: Tensor, b: Tensor) -> bool:
    return bool(((a.double() - b.double()).abs() < CLOSE).all())
