"""The checkers of the atlas of failures: solutions pass, wrong answers draw their own messages."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from deblurlib.blur import Blur
from deblurlib.exercises import check

Answer = Callable[..., object]


def blank(*_: object) -> object:
    raise NotImplementedError("your turn")


def rest_of(x: Tensor, y: Tensor, kernel: Tensor, *, rim: bool = True) -> Tensor:
    h, w = (side // 2 for side in kernel.shape[-2:])
    rest = Blur(kernel, "reflect")(x) - y
    return rest[..., h : rest.shape[-2] - h, w : rest.shape[-1] - w] if rim else rest


def rms(x: Tensor) -> Tensor:
    return x.square().mean().sqrt()


def blurred_again(x: Tensor, y: Tensor, kernel: Tensor, noise: float) -> float:
    return (rms(rest_of(x, y, kernel)) / noise).item()


def chessboard(x: Tensor, rows: bool = True, columns: bool = True) -> Tensor:
    h, w = x.shape[-2:]
    i = torch.arange(h)[:, None] * rows + torch.arange(w) * columns
    return x * (1 - 2 * (i % 2))


def period_two(x: Tensor) -> Tensor:
    return chessboard(x).mean().abs()


SOLUTIONS: dict[str, Answer] = {"blurred_again": blurred_again, "period_two": period_two}

MUTANTS: dict[str, list[tuple[str, Answer]]] = {
    "blurred_again": [
        ("blur it again first", lambda x, y, k, n: rms((x - y)[..., 2:-2, 3:-3]) / n),
        ("your kernel is turned", lambda x, y, k, n: blurred_again(x, y, k.flip(-2, -1), n)),
        ("leave half a kernel out", lambda x, y, k, n: rms(rest_of(x, y, k, rim=False)) / n),
        ("the root is missing", lambda x, y, k, n: rest_of(x, y, k).square().mean() / n),
        ("divide by the noise", lambda x, y, k, n: rms(rest_of(x, y, k))),
        ("ratio of the powers", lambda x, y, k, n: rest_of(x, y, k).square().mean() / n**2),
        ("the root of the mean square", lambda x, y, k, n: rest_of(x, y, k).abs().mean() / n),
        ("cancelled", lambda x, y, k, n: rest_of(x, y, k).mean().abs() / n),
        ("leave the rim out, root mean square", lambda x, y, k, n: 7.0),
        ("your answer is None", lambda x, y, k, n: None),
        ("a tensor of shape", lambda x, y, k, n: x),
    ],
    "period_two": [
        ("from row to row alone", lambda x: chessboard(x, columns=False).mean().abs()),
        ("from column to column alone", lambda x: chessboard(x, rows=False).mean().abs()),
        ("asked for is the magnitude", lambda x: chessboard(x).mean()),
        ("you took the sum", lambda x: chessboard(x).sum().abs()),
        ("comes after the mean", lambda x: chessboard(x).abs().mean()),
        ("half of it is the amplitude", lambda x: 2 * period_two(x)),
        ("signs of a chessboard", lambda x: 0.5),
        ("your answer is None", lambda x: None),
        ("is of type str", lambda x: "0.1"),
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


@pytest.mark.parametrize("name", MUTANTS)
def test_an_exercise_has_four_mutants_or_more(name: str) -> None:
    assert len(MUTANTS[name]) >= 4
