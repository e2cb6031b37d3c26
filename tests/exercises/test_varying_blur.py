"""The checkers of the chapter on varying blur: the solution passes, and each wrong answer draws its own message."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from deblurlib.blur import Blur, average_frames, from_linear, to_linear
from deblurlib.exercises import check

Answer = Callable[..., object]


def blank(*_: object) -> object:
    raise NotImplementedError("your turn")


def mean(x: Tensor) -> Tensor:
    return x.mean(0, keepdim=True)


def pairs(k: Tensor, w: Tensor) -> list[tuple[Blur, Tensor]]:
    return [(Blur(one[None], "zero"), u) for one, u in zip(k, w, strict=True)]


def filter_flow(x: Tensor, k: Tensor, w: Tensor) -> Tensor:
    return torch.stack([b(u * x) for b, u in pairs(k, w)]).sum(0)


def flow_adjoint(y: Tensor, k: Tensor, w: Tensor) -> Tensor:
    return torch.stack([u * b.adjoint(y) for b, u in pairs(k, w)]).sum(0)


def sensor_fit(m: Tensor, v: Tensor) -> tuple[float, float]:
    slope = ((m - m.mean()) @ (v - v.mean()) / ((m - m.mean()) @ (m - m.mean()))).item()
    return 1 / slope, (v.mean().item() - slope * m.mean().item()) ** 0.5


SOLUTIONS: dict[str, Answer] = {
    "average_light": average_frames,
    "filter_flow": filter_flow,
    "flow_adjoint": flow_adjoint,
    "sensor_fit": sensor_fit,
}

MUTANTS: dict[str, list[tuple[str, Answer]]] = {
    "average_light": [
        ("file values; light adds", mean),
        ("this is light, not a file", lambda x: mean(to_linear(x))),
        ("the sum of the light", lambda x: 5 * mean(to_linear(x))),
        ("bent already", lambda x: from_linear(mean(x))),
        ("after the mean", lambda x: to_linear(mean(x))),
        ("a second time", lambda x: mean(from_linear(x))),
        ("power 2.2", lambda x: average_frames(x, curve="gamma")),
        ("changed places", lambda x: to_linear(mean(from_linear(x)))),
        ("lost its batch", lambda x: average_frames(x)[0]),
        ("of type NoneType", lambda x: None),
    ],
    "filter_flow": [
        ("you windowed the blurred", lambda x, k, w: sum(u * b(x) for b, u in pairs(k, w))),
        ("left the windows out", lambda x, k, w: sum(b(x) for b, _ in pairs(k, w))),
        ("took the mean", lambda x, k, w: filter_flow(x, k, w) / 3),
        ("correlates", lambda x, k, w: sum(b.adjoint(u * x) for b, u in pairs(k, w))),
        ("wraps round", lambda x, k, w: sum(Blur(k[i : i + 1])(w[i] * x) for i in range(3))),
        ("windowed twice", lambda x, k, w: sum(u * b(u * x) for b, u in pairs(k, w))),
        ("has shape (2, 12, 18)", lambda x, k, w: filter_flow(x, k, w)[0]),
    ],
    "flow_adjoint": [
        ("this is the blur itself", filter_flow),
        ("the order is that of the blur", lambda y, k, w: sum(b.adjoint(u * y) for b, u in pairs(k, w))),
        ("not turned round", lambda y, k, w: sum(u * b(y) for b, u in pairs(k, w))),
        ("left the windows out", lambda y, k, w: sum(b.adjoint(y) for b, _ in pairs(k, w))),
        ("belongs to darkness", lambda y, k, w: sum(w[i] * Blur(k[i : i + 1]).adjoint(y) for i in range(3))),
        ("has no mean", lambda y, k, w: flow_adjoint(y, k, w) / 3),
        ("of type list", lambda y, k, w: []),
    ],
    "sensor_fit": [
        ("the two have changed", lambda m, v: sensor_fit(m, v)[::-1]),
        ("is the slope", lambda m, v: (1 / sensor_fit(m, v)[0], sensor_fit(m, v)[1])),
        ("is a variance", lambda m, v: (sensor_fit(m, v)[0], sensor_fit(m, v)[1] ** 2)),
        ("goes through zero", lambda m, v: ((m @ m / (m @ v)).item(), 0.0)),
        ("a root of the photons", lambda m, v: (sensor_fit(m, v)[0] ** 0.5, sensor_fit(m, v)[1])),
        ("of the darkest card", lambda m, v: (sensor_fit(m, v)[0], v[0].item() ** 0.5)),
        ("has 1 numbers", lambda m, v: (1.0,)),
        ("expected two numbers", lambda m, v: 400.0),
        ("your answer is (1, 2)", lambda m, v: (1.0, 2.0)),
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
