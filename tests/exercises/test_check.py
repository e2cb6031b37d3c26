"""Checking answers: right, wrong, broken and missing ones."""

import importlib
from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

import deblurlib.exercises
from deblurlib.exercises import Result, check, exercise, names

machinery: ModuleType = importlib.import_module("deblurlib.exercises.check")


@pytest.fixture(autouse=True)
def double() -> Iterator[None]:
    """An exercise: a function that doubles its argument."""

    @exercise("double")
    def _double(answer: Callable[[float], float]) -> str | None:
        return None if answer(3) == 6 else f"your answer for 3 is {answer(3)}, expected 6: did you square it?"

    yield
    machinery._CHECKERS.pop("double")


def broken(x: float) -> float:
    return x + "two"  # type: ignore[operator]


def not_done(x: float) -> float:
    raise NotImplementedError("your turn")


def silent(x: float) -> float:
    raise KeyError


@pytest.mark.parametrize(
    ("answer", "passed", "line"),
    [
        (lambda x: 2 * x, True, "✔ double: right."),
        (lambda x: x * x, False, "✘ double: your answer for 3 is 9, expected 6: did you square it?"),
        (not_done, None, "… double: not done yet."),
        (broken, False, "✘ double: your answer raised TypeError: unsupported operand type(s) for +: 'int' and 'str'"),
        (silent, False, "✘ double: your answer raised KeyError"),
        (None, False, "✘ double: your answer raised TypeError: 'NoneType' object is not callable"),
    ],
)
def test_an_answer_gets_one_line(answer: Any, passed: bool | None, line: str) -> None:
    result = check("double", answer)
    assert (result.passed, repr(result)) == (passed, line)
    if passed:
        assert check("double", answer, strict=True) == result
    else:
        with pytest.raises(AssertionError) as error:
            check("double", answer, strict=True)
        assert str(error.value) == line


def test_html_is_escaped() -> None:
    shown = Result("less", False, "1 < 2 & <script>")._repr_html_()
    assert "1 &lt; 2 &amp; &lt;script&gt;" in shown and "✘ less" in shown


@pytest.mark.parametrize("passed", [True, False, None])
def test_colours_are_readable(passed: bool | None) -> None:
    """WCAG contrast of the white text on its colour is 4.5 or more."""
    colour = machinery.COLOURS[passed]
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    assert 1.05 / (luminance + 0.05) > 5.5


def test_an_unknown_exercise_is_named_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match=r"unknown exercise 'doubel', expected one of .*double"):
        check("doubel", abs)


def test_a_name_is_given_once() -> None:
    with pytest.raises(ValueError, match="'double' is taken"):

        @exercise("double")
        def _other(answer: object) -> str | None:
            return None


def test_every_module_beside_registers_its_exercises() -> None:
    assert names() == deblurlib.exercises.names() == sorted(names())
    modules = {checker.__module__ for checker in machinery._CHECKERS.values()}
    assert all(name.startswith("deblurlib.exercises.") or name == __name__ for name in modules)
