"""The exercises of the chapter on reading a paper: solutions pass, wrong answers draw their own messages."""

import itertools
from collections.abc import Callable

import pytest

from deblurlib.exercises import check

Answer = Callable[..., object]


def blank(*_: object) -> object:
    raise NotImplementedError("your turn")


def bounds(ifc, vif):
    return [i / v for i, v in zip(ifc, vif, strict=True)]


def shares(a, b):
    return [v / i for i, v in zip(a, b, strict=True)]


def updates(pairs, batch, epochs, judge_steps):
    return epochs * (pairs // batch) // (judge_steps + 1)


def sums(a, b):
    return [sum(a[i] - b[i] for i in four) for four in itertools.combinations(range(len(a)), 4)]


def won(values, tie=0.5):
    return sum(1 if s > 0 else tie if s == 0 else 0 for s in values) / len(values)


def with_replacement(a, b):
    difference = [p - q for p, q in zip(a, b, strict=True)]
    return won([sum(four) for four in itertools.product(difference, repeat=4)])


SOLUTIONS: dict[str, Answer] = {
    "reference_bound": lambda ifc, vif: min(bounds(ifc, vif)),
    "generator_updates": updates,
    "wins_of_four": lambda a, b: won(sums(a, b)),
}

MUTANTS: dict[str, list[tuple[str, Answer]]] = {
    "reference_bound": [
        ("you took the largest bound", lambda i, v: max(bounds(i, v))),
        ("you took the mean", lambda i, v: sum(bounds(i, v)) / len(i)),
        ("you divided VIF by IFC", lambda i, v: min(shares(i, v))),
        ("upside down", lambda i, v: max(shares(i, v))),
        ("each minimum by itself", lambda i, v: min(i) / min(v)),
        ("IFC of one method and VIF of another", lambda i, v: min(i) / max(v)),
        ("you added the scores first", lambda i, v: sum(i) / sum(v)),
        ("you multiplied", lambda i, v: min(a * b for a, b in zip(i, v, strict=True))),
        ("your answer is None", lambda i, v: None),
        ("is of type list", bounds),
    ],
    "generator_updates": [
        ("the generator's own step belongs", lambda p, b, e, j: e * (p // b) // j),
        ("these are the judge's updates", lambda p, b, e, j: e * (p // b) - updates(p, b, e, j)),
        ("you counted pairs", lambda p, b, e, j: e * p // (j + 1)),
        ("you counted one epoch", lambda p, b, e, j: (p // b) // (j + 1)),
        ("you counted all batches", lambda p, b, e, j: e * (p // b)),
        ("a new round with every epoch", lambda p, b, e, j: e * ((p // b) // (j + 1))),
        ("that is not full", lambda p, b, e, j: e * -(-p // b) // (j + 1)),
        ("an update is whole", lambda p, b, e, j: e * (p // b) / (j + 1)),
        ("your answer is None", lambda p, b, e, j: None),
    ],
    "wins_of_four": [
        ("you counted it as none", lambda a, b: won(sums(a, b), 0)),
        ("you counted it as a whole one", lambda a, b: won(sums(a, b), 1)),
        ("how often `b` wins", lambda a, b: won(sums(b, a))),
        ("this is a number of sets", lambda a, b: won(sums(a, b)) * len(sums(a, b))),
        ("picture by picture", lambda a, b: won([p - q for p, q in zip(a, b, strict=True)])),
        ("picture by picture", lambda a, b: sum(p > q for p, q in zip(a, b, strict=True)) / len(a)),
        ("you took the first four", lambda a, b: float(sum(a[:4]) > sum(b[:4]))),
        ("with replacement", with_replacement),
        ("means over all pictures", lambda a, b: float(sum(a) > sum(b))),
        ("is of type str", lambda a, b: "a"),
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
