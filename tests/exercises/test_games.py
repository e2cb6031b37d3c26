"""The checkers of the games in the plane accept right answers and name what went wrong in wrong ones."""

import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from deblurlib.exercises import check

Answer = Callable[..., Any]


def pushes(s: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    s = s.clone().requires_grad_()
    losses = ((1 - s.sigmoid()).log(), -s.sigmoid().log(), (s - 1) ** 2)
    return tuple(torch.autograd.grad(loss.sum(), s)[0] for loss in losses)  # type: ignore[return-value]


def turned(which: int, change: Callable[[Tensor, Tensor], Tensor]) -> Answer:
    """The right pushes, but for one."""

    def wrong(s: Tensor) -> tuple[Tensor, ...]:
        right = list(pushes(s))
        right[which] = change(s, right[which])
        return tuple(right)

    return wrong


def one_round(theta: float, psi: float, rate: float) -> tuple[float, float]:
    pair = torch.tensor([theta, psi], dtype=torch.float64)
    wheel = torch.tensor([[1.0, rate], [-rate, 1.0]], dtype=torch.float64)
    theta, psi = (wheel @ pair).tolist()
    return theta, psi


def judge_first(theta: float, psi: float, rate: float) -> tuple[float, float]:
    psi = psi - rate * theta
    return theta + rate * psi, psi


def forger_first(theta: float, psi: float, rate: float) -> tuple[float, float]:
    theta = theta + rate * psi
    return theta, psi - rate * theta


def covered(points: Tensor, centres: Tensor, radius: float, share: float = 0.1) -> int:
    counts = [0] * len(centres)
    for point in points:
        distances = (centres - point).norm(dim=1)
        nearest = int(distances.argmin())
        counts[nearest] += int(distances[nearest] < radius)
    return sum(count >= share * len(points) / len(centres) for count in counts)


REFERENCES: dict[str, Answer] = {"pushes": pushes, "one_round": one_round, "covered": covered}

WRONG: dict[str, dict[str, tuple[Answer, str]]] = {
    "pushes": {
        "sign of the first": (turned(0, lambda s, v: -v), "the sign"),
        "sign of the second": (turned(1, lambda s, v: -v), "the sign"),
        "first and second swapped": (lambda s: (pushes(s)[1], pushes(s)[0], pushes(s)[2]), "flipped form's push"),
        "no logarithm": (turned(0, lambda s, v: -s.sigmoid() * (1 - s.sigmoid())), "the logarithm is missing"),
        "no chain rule": (turned(0, lambda s, v: -1 / (1 - s.sigmoid())), "chain rule"),
        "no factor": (turned(2, lambda s, v: s - 1), "the factor of the square"),
        "the loss itself": (turned(2, lambda s, v: (s - 1) ** 2), "that is the loss"),
        "something else": (turned(1, lambda s, v: 7 + 0 * s), r"your push is 7\.0000, expected -0\.9526\.$"),
        "a mean": (turned(1, lambda s, v: v.mean()), "has shape"),
        "one tensor": (lambda s: s, "expected three tensors"),
    },
    "one_round": {
        "judge first": (judge_first, "has just leant"),
        "forger first": (forger_first, "has just gone"),
        "forger helps": (lambda t, p, r: (t - r * p, p - r * t), "your forger helps"),
        "judge helps": (lambda t, p, r: (t + r * p, p + r * t), "your judge helps"),
        "both signs": (lambda t, p, r: (t - r * p, p + r * t), "both signs"),
        "own number": (lambda t, p, r: (t + r * t, p - r * p), "its own number"),
        "swapped": (lambda t, p, r: one_round(t, p, r)[::-1], "swapped"),
        "standing still": (lambda t, p, r: (t, p), r"than the start\.$"),
        "one number": (lambda t, p, r: t, "no pair"),
    },
    "covered": {
        "stray points count": (lambda x, c, r: covered(x, c, r, share=1e-9), "stray point"),
        "no radius": (lambda x, c, r: covered(x, c, 1e9), "the radius is missing"),
        "whole share": (lambda x, c, r: covered(x, c, r, share=1.0), "whole fair share"),
        "a tenth of all": (lambda x, c, r: covered(x, c, r, share=0.1 * len(c)), "a tenth of all points"),
        "points": (lambda x, c, r: int((torch.cdist(x, c).min(dim=1).values < r).sum()), "a number of points"),
        "something else": (lambda x, c, r: 77, r"your answer is 77, expected \d of 6 clusters\.$"),
        "no number": (lambda x, c, r: x, "expected one number"),
    },
}


@pytest.mark.parametrize("name", REFERENCES)
def test_a_right_answer_passes(name: str) -> None:
    assert check(name, REFERENCES[name], strict=True).passed


@pytest.mark.parametrize(("name", "mistake"), [(name, mistake) for name in WRONG for mistake in WRONG[name]])
def test_a_wrong_answer_hears_why(name: str, mistake: str) -> None:
    answer, why = WRONG[name][mistake]
    result = check(name, answer)
    assert result.passed is False
    assert re.search(why, result.message), result.message


@pytest.mark.parametrize("name", WRONG)
def test_each_mistake_has_a_message_of_its_own(name: str) -> None:
    messages = {mistake: check(name, answer).message for mistake, (answer, _) in WRONG[name].items()}
    reasons = [message.rpartition(": ")[2] for message in messages.values() if ": " in message]
    allowed = 1 if name == "pushes" else 0  # a turned sign is told in the same words for both forms
    assert len(reasons) - len(set(reasons)) <= allowed
