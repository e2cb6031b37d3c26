"""The exercises of the chapter on who wins: solutions pass, wrong answers draw their own messages."""

from collections.abc import Callable

import pytest
import torch

from deblurlib.exercises import check

Answer = Callable[..., object]


def blank(*_: object) -> object:
    raise NotImplementedError("your turn")


def stated_order(a, b, draws, tail=0.025):
    means = (a - b)[draws].mean(dim=1)
    low, high = torch.quantile(means, torch.tensor([tail, 1 - tail]).to(means))
    return "a" if low > 0 else "b" if high < 0 else None


def unpaired(a, b, draws):
    other = draws.flip(0)
    means = a[draws].mean(dim=1) - b[other].mean(dim=1)
    low, high = torch.quantile(means, torch.tensor([0.025, 0.975]).to(means))
    return "a" if low > 0 else "b" if high < 0 else None


def one_sided(a, b, draws):
    return "a" if stated_order(a, b, draws) == "a" else None


def by_mean(a, b, draws):
    return "a" if a.mean() > b.mean() else "b"


def blame(blurred, blind, oracle, better):
    return (oracle - blind) / (better - blind), (better - oracle) / (better - blind)


SOLUTIONS: dict[str, Answer] = {"stated_order": stated_order, "blame": blame}

MUTANTS: dict[str, list[tuple[str, Answer]]] = {
    "stated_order": [
        ("subtract first, picture by picture", unpaired),
        ("surely negative is an order, too", one_sided),
        ("a mean above zero is not enough", by_mean),
        ("leave 95 % between them", lambda a, b, d: stated_order(a, b, d, 0.05)),
        ("expected 'a', 'b' or None", lambda a, b, d: True),
        ("expected 'a', 'b' or None", lambda a, b, d: (a - b).mean()),
    ],
    "blame": [
        ("the two are exchanged", lambda *v: blame(*v)[::-1]),
        ("these are decibels", lambda blurred, blind, oracle, better: (oracle - blind, better - oracle)),
        (
            "the input is not what is missing",
            lambda blurred, blind, oracle, better: (
                (oracle - blind) / (better - blurred),
                (better - oracle) / (better - blurred),
            ),
        ),
        (
            "what the blind method has gained",
            lambda blurred, blind, oracle, better: (
                (oracle - blurred) / (better - blurred),
                (better - oracle) / (better - blurred),
            ),
        ),
        (
            "from the input to the oracle",
            lambda blurred, blind, oracle, better: (
                (blind - blurred) / (oracle - blurred),
                (oracle - blind) / (oracle - blurred),
            ),
        ),
        ("these are per cent", lambda *v: tuple(100 * share for share in blame(*v))),
        ("your answer is None", lambda *v: None),
        ("expected two numbers", lambda *v: 0.25),
    ],
}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_passes(name: str) -> None:
    assert check(name, SOLUTIONS[name], strict=True).passed


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_stub_is_not_done_yet(name: str) -> None:
    result = check(name, blank)
    assert result.passed is None and "not done yet" in result.message


@pytest.mark.parametrize(
    ("name", "message", "mutant"),
    [(name, message, mutant) for name, mutants in MUTANTS.items() for message, mutant in mutants],
)
def test_each_mistake_is_named(name: str, message: str, mutant: Answer) -> None:
    result = check(name, mutant)
    assert result.passed is False
    assert message in result.message
    # No other mistake of this exercise is taken for it.
    assert not [other for other, _ in MUTANTS[name] if other != message and other in result.message]


@pytest.mark.parametrize("name", MUTANTS)
def test_an_exercise_has_four_mutants_or_more(name: str) -> None:
    assert len(MUTANTS[name]) >= 4
