"""Checking an answer: a table of exercises, and one friendly line for whoever tried."""

import html
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Checker = Callable[[Any], str | None]
"""Takes an answer; returns None if it is right, else one sentence that names the number and the misconception."""

_CHECKERS: dict[str, Checker] = {}

SIGNS = {True: "✔", False: "✘", None: "…"}
COLOURS = {True: "#00704f", False: "#b3261e", None: "#4a5568"}
"""Behind white text, all with a contrast above 5.5: the line looks the same on a light and on a dark page."""


@dataclass(frozen=True)
class Result:
    """What came of an answer. Prints as one line, shows as one coloured line in a notebook.

    Attributes:
        name: Of the exercise.
        passed: True, False, or None where the answer is not written yet.
        message: What to tell the reader.

    Example:
        >>> Result("add", False, "your answer is 5, expected 4.")
        ✘ add: your answer is 5, expected 4.
    """

    name: str
    passed: bool | None
    message: str

    def __repr__(self) -> str:
        return f"{SIGNS[self.passed]} {self.name}: {self.message}"

    def _repr_html_(self) -> str:
        badge = (
            f'<span style="background:{COLOURS[self.passed]};color:#fff;border-radius:4px;padding:0.1em 0.5em;'
            f'margin-right:0.5em;font-weight:bold">{SIGNS[self.passed]} {html.escape(self.name)}</span>'
        )
        return f'<p style="margin:0.3em 0">{badge}{html.escape(self.message)}</p>'


def exercise(name: str) -> Callable[[Checker], Checker]:
    """Register the checker of an exercise.

    Args:
        name: Of the exercise, as notebooks call it.

    Returns:
        A decorator for a function answer -> None (right) or one sentence (what went wrong).

    Raises:
        ValueError: another checker has that name.

    Example:
        >>> @exercise("example")
        ... def _example(answer):
        ...     return None if answer(2) == 4 else f"your answer for 2 is {answer(2)}, expected 4."
        >>> check("example", lambda x: x * x)
        ✔ example: right.
        >>> check("example", lambda x: 3 * x)
        ✘ example: your answer for 2 is 6, expected 4.
        >>> del _CHECKERS["example"]
    """

    def register(checker: Checker) -> Checker:
        known = _CHECKERS.get(name)
        # A module that is reloaded registers itself again.
        if known and (known.__module__, known.__qualname__) != (checker.__module__, checker.__qualname__):
            raise ValueError(f"exercise: the name {name!r} is taken by {known.__module__}.{known.__qualname__}.")
        _CHECKERS[name] = checker
        return checker

    return register


def names() -> list[str]:
    """The names of all exercises."""
    _open_all()
    return sorted(_CHECKERS)


def check(name: str, answer: Any, *, strict: bool = False) -> Result:
    """Check an answer, and say in one line what came of it.

    An answer that raises NotImplementedError counts as not done yet; any other exception inside it is reported like a
    wrong answer. Nothing is raised, so that a whole notebook runs through before the exercises are done.

    Args:
        name: Of the exercise.
        answer: What the exercise asks for: nearly always a function.
        strict: Raise unless the answer is right, as a solution has to be.

    Returns:
        The result; as the last expression of a cell it shows itself.

    Raises:
        ValueError: there is no such exercise; the message lists the names.
        AssertionError: `strict`, and the answer is not right.
    """
    _open_all()
    if name not in _CHECKERS:
        raise ValueError(f"check: unknown exercise {name!r}, expected one of {', '.join(sorted(_CHECKERS))}.")
    passed: bool | None
    try:
        message = _CHECKERS[name](answer)
        passed = message is None
    except NotImplementedError:
        passed, message = None, "not done yet."
    except Exception as error:
        what = " ".join(str(error).split())
        passed, message = False, f"your answer raised {type(error).__name__}{': ' + what if what else ''}"
    result = Result(name, passed, "right." if message is None else message)
    if strict and not passed:
        raise AssertionError(repr(result))
    return result


def _open_all() -> None:
    """Import the modules beside this one: each holds the checkers of one chapter and registers them."""
    package = __name__.rpartition(".")[0]
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__, f"{package}."):
        if module.name != __name__:
            importlib.import_module(module.name)
