"""The checkers of the chapter on camera shake: the solution passes, and each wrong answer draws its own message."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from deblurlib.blur.kernels import splat
from deblurlib.exercises import check

Answer = Callable[..., object]


def blank(*_: object) -> object:
    raise NotImplementedError("your turn")


def step_factors(steps: int) -> tuple[float, float, float]:
    m = 2000 / steps
    return math.sqrt(m), m, m


def exposures(
    path: Tensor, fractions: tuple[float, ...], size: int, *, centre: str = "mean", begin: bool = True
) -> Tensor:
    kernels, start = [], 0
    for f in fractions:
        end = round(f * len(path))
        part = path[start:end]
        places = {
            "mean": part.mean(0),
            "whole": path.mean(0),
            "box": (path.amin(0) + path.amax(0)) / 2,
            "each box": (part.amin(0) + part.amax(0)) / 2,
            "start": path[0],
        }
        kernels.append(splat((part - places[centre])[None], size))
        start = start if begin else end
    return torch.cat(kernels)


def rounded(path: Tensor, fractions: tuple[float, ...], size: int) -> Tensor:
    parts = [path[: round(f * len(path))] for f in fractions]
    return torch.cat([splat((p - p.mean(0)).round()[None], size) for p in parts])


def unevenly_bright(path: Tensor, fractions: tuple[float, ...], size: int) -> Tensor:
    return exposures(path, fractions, size) * torch.tensor(fractions).reshape(-1, 1, 1, 1)


def agreement(x: Tensor) -> Tensor:
    power = torch.fft.rfft2(x).abs().square().mean((0, 1))
    return torch.fft.irfft2(power, s=x.shape[-2:]) / x[0, 0].numel()


def displacement_cost(x: Tensor) -> Tensor:
    r = agreement(x)
    return 2 * (r[0, 0] - r)


SOLUTIONS: dict[str, Answer] = {
    "step_factors": step_factors,
    "exposures": exposures,
    "displacement_cost": displacement_cost,
}

MUTANTS: dict[str, list[tuple[str, Answer]]] = {
    "step_factors": [
        ("upside down", lambda n: [1 / v for v in step_factors(n)]),
        ("variances do", lambda n: [2000 / n] * 3),
        ("random in sign", lambda n: [math.sqrt(2000 / n)] * 3),
        ("stands for", lambda n: (1.0, 1.0, 1.0)),
        ("your factor for the jerks is 7,", lambda n: (*step_factors(n)[:2], 7.0)),
        ("has 2 numbers", lambda n: step_factors(n)[:2]),
        ("expected three numbers", lambda n: None),
    ],
    "exposures": [
        ("not by those of the path", unevenly_bright),
        ("share out one unit", lambda p, f, n: len(p) * unevenly_bright(p, f, n)),
        ("it is the sum that is 1", lambda p, f, n: (k := exposures(p, f, n)) / k.amax((-2, -1), True)),
        ("you centred the whole path", lambda p, f, n: exposures(p, f, n, centre="whole")),
        ("as the original does", lambda p, f, n: exposures(p, f, n, centre="box")),
        ("where the hand lingered", lambda p, f, n: exposures(p, f, n, centre="each box")),
        ("start of the path", lambda p, f, n: exposures(p, f, n, centre="start")),
        ("rounded to whole pixels", rounded),
        ("where the one before ended", lambda p, f, n: exposures(p, f, n, begin=False)),
        ("changed places", lambda p, f, n: exposures(p, f, n).mT),
        ("differs by", lambda p, f, n: exposures(p, f, n).square()),
        ("has shape (1, 1, 25, 25)", lambda p, f, n: exposures(p, f[:1], n)),
        ("of type list", lambda p, f, n: []),
    ],
    "displacement_cost": [
        ("the factor 2", lambda x: displacement_cost(x) / 2),
        ("the agreement R itself", agreement),
        ("a sum over the pixels;", lambda x: 96 * displacement_cost(x)),
        ("pixels and channels", lambda x: 288 * displacement_cost(x)),
        ("added the channels up", lambda x: 3 * displacement_cost(x)),
        ("the root of the mean", lambda x: displacement_cost(x).clamp(min=0).sqrt()),
        ("the sign is turned", lambda x: -displacement_cost(x)),
        ("lies in the middle", lambda x: torch.fft.fftshift(displacement_cost(x))),
        ("three channels", lambda x: torch.cat([displacement_cost(x[:, c : c + 1])[None] for c in range(3)])),
        ("is complex", lambda x: displacement_cost(x) + 0j),
        ("has shape (4, 12)", lambda x: displacement_cost(x)[:4]),
        ("at (0, 1) your answer is 7", lambda x: torch.full((8, 12), 7.0)),
        ("of type float", lambda x: 1.0),
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
