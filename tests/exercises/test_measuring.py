"""The checkers of the chapter on measuring: solutions pass, wrong answers draw their own messages."""

import math
from collections.abc import Callable

import pytest
import torch.nn.functional as F
from torch import Tensor

from deblurlib.exercises import check
from deblurlib.metrics import ms_ssim
from deblurlib.metrics.ms_ssim import WEIGHTS, halve
from deblurlib.metrics.ssim import comparisons

Answer = Callable[..., object]


def blank(*_: object) -> object:
    raise NotImplementedError("your turn")


# ----------------------------------------------------------------------------------------------------- ratio_of_errors
def ratio_of_errors(estimated: float, true: float) -> float:
    return 10 ** ((true - estimated) / 10)


# ------------------------------------------------------------------------------------------------------- bits_received
def bits_received(
    x: Tensor,
    y: Tensor,
    eye: float,
    *,
    centre: bool = True,
    clamp: bool = True,
    correction: int = 0,
    rest_counts: bool = True,
) -> float:
    if centre:
        x, y = x - x.mean(), y - y.mean()
    n = len(x) - correction
    cov, vx, vy = (float((a * b).sum()) / n for a, b in ((x, y), (x, x), (y, y)))
    gain = max(cov / vx, 0) if clamp else cov / vx
    rest = vy - cov / vx * cov if not clamp else vy - gain * cov
    return math.log2(1 + gain**2 * vx / (rest_counts * rest + eye))


def moments(x: Tensor, y: Tensor) -> tuple[float, float, float]:
    x, y = x - x.mean(), y - y.mean()
    return float((x * y).mean()), float((x * x).mean()), float((y * y).mean())


def with_gain(gain: Callable[[float, float, float], float]) -> Answer:
    def answer(x: Tensor, y: Tensor, eye: float) -> float:
        cov, vx, vy = moments(x, y)
        return math.log2(1 + gain(cov, vx, vy) ** 2 * vx / (vy - cov**2 / vx + eye))

    return answer


def with_noise(noise: Callable[[float, float, float], float]) -> Answer:
    """Of rest, variance of y and eye."""

    def answer(x: Tensor, y: Tensor, eye: float) -> float:
        cov, vx, vy = moments(x, y)
        return math.log2(1 + cov**2 / vx / noise(vy - cov**2 / vx, vy, eye))

    return answer


# ------------------------------------------------------------------------------------------------------ mended_ms_ssim
def scales(
    y: Tensor,
    x: Tensor,
    *,
    smaller: Callable[[Tensor], Tensor] = halve,
    levels: tuple[int, ...] = (4,),
    power_first: bool = False,
    weights: tuple[float, ...] = WEIGHTS,
) -> float:
    result = 1.0
    for j, weight in enumerate(weights):
        level, structure = comparisons(x, y)
        score = level * structure if j in levels else structure
        result *= float((score.clamp(min=0) ** weight).mean()) if power_first else float(score.mean()) ** weight
        x, y = smaller(x), smaller(y)
    return result


def every_second(x: Tensor) -> Tensor:
    return x[..., ::2, ::2]


ALL = (0, 1, 2, 3, 4)

SOLUTIONS: dict[str, Answer] = {
    "ratio_of_errors": ratio_of_errors,
    "bits_received": bits_received,
    "mended_ms_ssim": lambda y, x: ms_ssim(y, x).item(),
}

MUTANTS: dict[str, list[tuple[str, Answer]]] = {
    "ratio_of_errors": [
        ("it is upside down: the error", lambda e, t: ratio_of_errors(t, e)),
        ("this is the ratio of root mean squared errors", lambda e, t: ratio_of_errors(e, t) ** 0.5),
        ("upside down, and a ratio of roots", lambda e, t: ratio_of_errors(t, e) ** 0.5),
        ("not of e", lambda e, t: math.exp((t - e) / 10)),
        ("these are bels", lambda e, t: 10 ** (t - e)),
        ("the difference in decibels", lambda e, t: t - e),
        ("you divided decibels", lambda e, t: t / e),
        ("solve PSNR", lambda e, t: 3.0),
        ("your answer is None", lambda e, t: None),
    ],
    "bits_received": [
        ("clamp it at 0", lambda x, y, eye: bits_received(x, y, eye, clamp=False)),
        ("these are nats", lambda x, y, eye: math.log(2) * bits_received(x, y, eye)),
        ("has no half", lambda x, y, eye: bits_received(x, y, eye) / 2),
        ("the sharp picture by the damaged one", lambda x, y, eye: bits_received(y, x, eye)),
        ("not of y", with_gain(lambda cov, vx, vy: max(cov / vy, 0))),
        ("is the correlation", with_gain(lambda cov, vx, vy: cov / math.sqrt(vx * vy))),
        ("enters squared", with_gain(lambda cov, vx, vy: math.sqrt(abs(cov / vx)))),
        ("noise of the eye is missing", with_noise(lambda rest, vy, eye: rest)),
        ("you squared it", with_noise(lambda rest, vy, eye: rest + eye**2)),
        ("standard deviation; variances add", with_noise(lambda rest, vy, eye: math.sqrt(rest) + eye)),
        ("the whole variance of y", with_noise(lambda rest, vy, eye: vy + eye)),
        ("the rest is missing", lambda x, y, eye: bits_received(x, y, eye, rest_counts=False)),
        ("the means are still in it", lambda x, y, eye: bits_received(x, y, eye, centre=False)),
        ("by N - 1", lambda x, y, eye: bits_received(x, y, eye, correction=1)),
        ("these are sums", lambda x, y, eye: bits_received(x, y, eye, correction=len(x) - 1)),
        ("then count", lambda x, y, eye: 7.0),
        ("your answer is None", lambda x, y, eye: None),
        ("a tensor of shape", lambda x, y, eye: x),
    ],
    "mended_ms_ssim": [
        ("3 of 3 bugs left", lambda y, x: scales(y, x, smaller=every_second, levels=ALL, power_first=True)),
        ("1 of 3 bugs left: every second pixel", lambda y, x: scales(y, x, smaller=every_second)),
        ("1 of 3 bugs left: the level", lambda y, x: scales(y, x, levels=ALL)),
        ("1 of 3 bugs left: each window", lambda y, x: scales(y, x, power_first=True)),
        ("2 of 3 bugs left: every second", lambda y, x: scales(y, x, smaller=every_second, levels=ALL)),
        ("2 of 3 bugs left: the level", lambda y, x: scales(y, x, levels=ALL, power_first=True)),
        ("the level is asked for nowhere", lambda y, x: scales(y, x, levels=())),
        ("asked for at the finest", lambda y, x: scales(y, x, levels=(0,))),
        ("the wrong way round", lambda y, x: scales(y, x, weights=WEIGHTS[::-1])),
        ("weigh the same", lambda y, x: scales(y, x, weights=(0.2,) * 5)),
        ("they are exponents", lambda y, x: scales(y, x, weights=(1.0,) * 5)),
        (
            "filled up with zeros",
            lambda y, x: scales(
                y, x, smaller=lambda t: F.avg_pool2d(F.pad(t, (0, t.shape[-1] % 2, 0, t.shape[-2] % 2)), 2)
            ),
        ),
        ("lose their last row", lambda y, x: scales(y, x, smaller=lambda t: F.avg_pool2d(t, 2))),
        ("one of the three at a time", lambda y, x: 0.5),
        ("your answer is None", lambda y, x: None),
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
