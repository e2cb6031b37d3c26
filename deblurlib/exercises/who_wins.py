"""The exercises of the chapter 'Who wins, where'."""

from typing import Any

import torch
from torch import Tensor

from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

CLOSE = 1e-6
"""Two numbers this near are equal."""


def _said(given: object) -> str:
    return "None" if given is None else repr(given)


@exercise("stated_order")
def _stated_order(answer: Any) -> str | None:
    chance = seed(3)
    hard = 4 * torch.randn(30, generator=chance).double()  # pictures differ more than methods do
    noise = torch.randn(30, generator=chance).double()
    draws = torch.randint(30, (2000, 30), generator=chance)
    small = hard + 0.2 + 0.1 * noise
    unsure = hard + 0.05 + 0.6 * noise
    slight = hard + 0.2 + 0.6 * noise
    cases: list[tuple[str, Tensor, Tensor, str | None, str]] = [
        (
            "a small gain on every picture",
            small,
            hard,
            "a",
            "the pictures scatter, their differences do not: subtract first, picture by picture, and resample that.",
        ),
        ("the same, turned round", hard, small, "b", "a difference that is surely negative is an order, too."),
        (
            "a gain that the noise hides",
            unsure,
            hard,
            None,
            "the interval holds zero, so no order may be stated; a mean above zero is not enough.",
        ),
        (
            "a gain that is sure at 90 % and not at 95 %",
            slight,
            hard,
            _order(slight, hard, draws, 0.025),
            "look at the quantiles: 2.5 % and 97.5 % leave 95 % between them.",
        ),
    ]
    for name, a, b, expected, reason in cases:
        given = answer(a.clone(), b.clone(), draws.clone())
        if given not in ("a", "b", None) or isinstance(given, Tensor):
            return f"for {name} your answer is {_said(given)}; expected 'a', 'b' or None."
        if given != expected:
            return f"for {name} your answer is {_said(given)}, expected {_said(expected)}: {reason}"
    return None


def _order(a: Tensor, b: Tensor, draws: Tensor, tail: float) -> str | None:
    means = (a - b)[draws].mean(dim=1)
    low, high = torch.quantile(means, torch.tensor([tail, 1 - tail], dtype=means.dtype)).tolist()
    return "a" if low > 0 else "b" if high < 0 else None


@exercise("blame")
def _blame(answer: Any) -> str | None:
    blurred, blind, oracle, better = 20.0, 26.0, 27.0, 30.0
    given = answer(blurred, blind, oracle, better)
    if given is None:
        return "your answer is None: does the function return its result?"
    if not isinstance(given, tuple | list) or len(given) != 2:
        return f"your answer is {given!r}, expected two numbers, the kernel's share and that of the last step."
    kernel, finish = (float(v) for v in given)
    if abs(kernel - 0.25) < CLOSE and abs(finish - 0.75) < CLOSE:
        return None
    start = f"your answer is {kernel:.3g} and {finish:.3g}, expected 0.25 and 0.75"
    mistakes = [
        ((0.75, 0.25), "the two are exchanged; the kernel alone leads from `blind` to `oracle`."),
        ((1.0, 3.0), "these are decibels; divide by all that is missing."),
        ((0.1, 0.3), "you divided by the way from the input; the input is not what is missing."),
        ((0.7, 0.3), "you counted what the blind method has gained; ask what is missing to it."),
        ((6 / 7, 1 / 7), "you split the way from the input to the oracle; ask what is missing to the blind method."),
        ((25.0, 75.0), "these are per cent; a share runs from 0 to 1."),
    ]
    for (a, b), reason in mistakes:
        if abs(kernel - a) < CLOSE and abs(finish - b) < CLOSE:
            return f"{start}: {reason}"
    return f"{start}."
