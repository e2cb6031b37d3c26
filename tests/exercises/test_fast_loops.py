"""The checkers of the chapter on CUDA machines: the solution passes, and each wrong answer draws its own message."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from deblurlib.exercises import check
from deblurlib.exercises.fast_loops import QueuedDevice

Answer = Callable[..., Any]


def blank(*_: Any) -> None:
    raise NotImplementedError("your turn")


def roofline_time(operations, bytes_moved, products, copy):
    return max(operations / products, bytes_moved / copy)


def standing_memory(trained, frozen):
    return 16 * trained + 4 * frozen


def parts(batch, size):
    return [batch[i : i + size] for i in range(0, len(batch), size)]


def gradient_in_parts(gradient_of, batch, size):
    return sum(len(part) * gradient_of(part) for part in parts(batch, size)) / len(batch)


def stopwatch(device, count, *, warm=True, before=True, after=True, each=True):
    if warm:
        device.step()
    if before:
        device.wait()
    begun = device.clock()
    for _ in range(count):
        device.step()
    if after:
        device.wait()
    return (device.clock() - begun) / (count if each else 1)


def patient(device, count):
    """Waits after every step: slower by a launch, and no mistake."""
    device.step()
    device.wait()
    begun = device.clock()
    for _ in range(count):
        device.step()
        device.wait()
    return (device.clock() - begun) / count


SOLUTIONS: dict[str, Answer] = {
    "roofline_time": roofline_time,
    "standing_memory": standing_memory,
    "gradient_in_parts": gradient_in_parts,
    "mended_stopwatch": stopwatch,
}

MUTANTS: dict[str, list[tuple[str, Answer]]] = {
    "roofline_time": [
        ("you added the two", lambda f, b, p, c: f / p + b / c),
        ("the shorter of the two", lambda f, b, p, c: min(f / p, b / c)),
        ("the operations alone", lambda f, b, p, c: f / p),
        ("the bytes alone", lambda f, b, p, c: b / c),
        ("operations a byte", lambda f, b, p, c: f / b),
        ("you multiplied", lambda f, b, p, c: max(f * p, b * c)),
        ("upside down, and work", lambda f, b, p, c: max(p / f, c / b)),
        ("steps a second", lambda f, b, p, c: min(p / f, c / b)),
        ("milliseconds", lambda f, b, p, c: 1000 * roofline_time(f, b, p, c)),
        ("of type str", lambda f, b, p, c: "soon"),
        ("is None", lambda f, b, p, c: None),
    ],
    "standing_memory": [
        ("neither gradients nor averages", lambda t, f: 16 * (t + f)),
        ("have to be there all the same", lambda t, f: 16 * t),
        ("three numbers a weight", lambda t, f: 12 * t + 4 * f),
        ("two averages are missing", lambda t, f: 8 * t + 4 * f),
        ("the weights alone", lambda t, f: 4 * t + 4 * f),
        ("two bytes are enough", lambda t, f: 8 * t + 2 * f),
        ("numbers, not bytes", lambda t, f: 4 * t + f),
        ("these are bits", lambda t, f: 8 * standing_memory(t, f)),
        ("gigabytes", lambda t, f: standing_memory(t, f) / 1e9),
        ("is None", lambda t, f: None),
    ],
    "gradient_in_parts": [
        ("you added the parts", lambda g, b, n: sum(g(x) for x in parts(b, n))),
        ("counts as much as three", lambda g, b, n: torch.stack([g(x) for x in parts(b, n)]).mean(dim=0)),
        ("did not divide", lambda g, b, n: sum(len(x) * g(x) for x in parts(b, n))),
        ("by the size of a part", lambda g, b, n: sum(len(x) * g(x) for x in parts(b, n)) / n),
        ("is lost: seven", lambda g, b, n: sum(g(x) for x in parts(b, n)[:-1]) / 2),
        ("counted all the same", lambda g, b, n: sum(len(x) * g(x) for x in parts(b, n)[:-1]) / len(b)),
        ("only the last part", lambda g, b, n: g(b[6:])),
        ("only the first part", lambda g, b, n: g(b[:n])),
        ("7 crops at a time", lambda g, b, n: g(b)),
        ("expected (4,)", lambda g, b, n: g(b[:n])[None]),
        ("of type NoneType", lambda g, b, n: None),
    ],
    "mended_stopwatch": [
        ("waits for the compiler.", lambda d, n: stopwatch(d, n, warm=False)),
        ("launched before.", lambda d, n: stopwatch(d, n, before=False)),
        ("not when they are done.", lambda d, n: stopwatch(d, n, after=False)),
        ("not that of one.", lambda d, n: stopwatch(d, n, each=False)),
        ("is None", lambda d, n: None),
    ],
}

CASES = [(name, message, answer) for name, mutants in MUTANTS.items() for message, answer in mutants]


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_passes(name: str) -> None:
    assert check(name, SOLUTIONS[name], strict=True).passed


def test_a_patient_stopwatch_passes() -> None:
    assert check("mended_stopwatch", patient).passed


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_stub_is_not_done_yet(name: str) -> None:
    assert check(name, blank).passed is None


@pytest.mark.parametrize(("name", "message", "answer"), CASES, ids=[f"{name}: {text}" for name, text, _ in CASES])
def test_a_wrong_answer_draws_its_own_message(name: str, message: str, answer: Answer) -> None:
    result = check(name, answer)
    assert result.passed is False
    assert message in result.message, result.message
    others = [text for text, _ in MUTANTS[name] if text not in message]
    assert not [text for text in others if text in result.message]


def test_two_bugs_are_both_named() -> None:
    """A clock that is stopped too early and shows the time of all steps."""
    message = check("mended_stopwatch", lambda d, n: stopwatch(d, n, after=False, each=False)).message
    assert "not when they are done; the time of all steps" in message


def test_the_device_is_a_queue() -> None:
    """Launching is quick, and steps are done one after the other."""
    device = QueuedDevice()
    device.step()
    device.wait()
    begun = device.clock()
    device.step()
    device.step()
    assert device.clock() - begun == pytest.approx(2 * device.LAUNCH)
    device.wait()
    assert device.clock() - begun == pytest.approx(2 * device.STEP + device.LAUNCH)
