"""The checkers of the chapter on motion that varies: solutions pass, and each wrong answer draws its own message."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from deblurlib.exercises import check

Answer = Callable[..., object]
Motion = tuple[float, float]


def blank(*_: object) -> object:
    raise NotImplementedError("your turn")


def vectors(a: Motion, b: Motion, less: float = 1.0) -> tuple[Tensor, Tensor]:
    lengths, angles = torch.tensor([a, b], dtype=torch.float64).unbind(1)
    turn = torch.deg2rad(angles)
    u, v = (lengths[:, None] - less) * torch.stack([turn.cos(), turn.sin()], dim=1)
    return u, v


def motion_distance(a: Motion, b: Motion) -> float:
    u, v = vectors(a, b)
    return min((u - v).norm(), (u + v).norm()).item()


def whole(a: Motion, b: Motion) -> float:
    u, v = vectors(a, b, 0.0)
    return min((u - v).norm(), (u + v).norm()).item()


def directed(a: Motion, b: Motion) -> float:
    u, v = vectors(a, b)
    return (u - v).norm().item()


def weights(distances: Tensor, spread: float) -> Tensor:
    w = torch.exp(-0.5 * (distances / spread) ** 2)
    return w / w.sum()


def hear_patches(evidence: Tensor, distances: Tensor, spread: float) -> Tensor:
    return (weights(distances, spread) @ evidence).softmax(dim=0)


SOLUTIONS: dict[str, Answer] = {"motion_distance": motion_distance, "hear_patches": hear_patches}

MUTANTS: dict[str, list[tuple[str, Answer]]] = {
    "motion_distance": [
        ("take the smaller of two distances", directed),
        ("square of the distance", lambda a, b: motion_distance(a, b) ** 2),
        ("a motion of one pixel is none", whole),
        ("difference of the lengths", lambda a, b: abs(a[0] - b[0])),
        ("you have nan", lambda a, b: math.nan if a[0] == 11 else motion_distance(a, b)),
        ("of type NoneType", lambda a, b: None),
    ],
    "hear_patches": [
        ("log-probabilities still", lambda e, d, s: weights(d, s) @ e),
        ("mean of probabilities", lambda e, d, s: weights(d, s) @ e.exp()),
        ("this is the sum", lambda e, d, s: (torch.exp(-0.5 * (d / s) ** 2) @ e).softmax(dim=0)),
        ("every patch counts alike", lambda e, d, s: e.mean(dim=0).softmax(dim=0)),
        ("do not sum to one", lambda e, d, s: (weights(d, s) @ e).exp()),
        ("expected shape (4,)", lambda e, d, s: e),
        ("of type NoneType", lambda e, d, s: None),
    ],
}


CASES = [(name, message, answer) for name, mutants in MUTANTS.items() for message, answer in mutants]


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_passes(name: str) -> None:
    assert check(name, SOLUTIONS[name], strict=True).passed


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_stub_is_not_done_yet(name: str) -> None:
    assert check(name, blank).passed is None


@pytest.mark.parametrize(("name", "message", "answer"), CASES, ids=[f"{name}: {text}" for name, text, _ in CASES])
def test_a_wrong_answer_draws_its_own_message(name: str, message: str, answer: Answer) -> None:
    result = check(name, answer)
    assert result.passed is False
    assert message in result.message
    others = [text for text, _ in MUTANTS[name] if text not in message]
    assert not [text for text in others if text in result.message]
