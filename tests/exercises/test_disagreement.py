"""The checkers of the chapter on metrics that disagree: solutions pass, wrong answers draw their own messages."""

from collections.abc import Callable

import pytest
import torch.nn.functional as F
from torch import Tensor

from deblurlib.exercises import check
from deblurlib.metrics import psnr, ssim

Answer = Callable[..., object]
Scores = list[float]


def blank(*_: object) -> object:
    raise NotImplementedError("your turn")


# ----------------------------------------------------------------------------------------------------------- reversals
def products(a: Scores, b: Scores, lower: bool) -> Scores:
    sign = -1 if lower else 1
    return [sign * (a[i] - a[j]) * (b[i] - b[j]) for i in range(len(a)) for j in range(i)]


def reversals(a: Scores, b: Scores, lower: bool) -> int:
    return sum(p < 0 for p in products(a, b, lower))


def places(a: Scores, b: Scores, lower: bool) -> int:
    first = sorted(range(len(a)), key=lambda i: -a[i])
    second = sorted(range(len(a)), key=lambda i: b[i] if lower else -b[i])
    return sum(i != j for i, j in zip(first, second, strict=True))


# --------------------------------------------------------------------------------------------------------- halved_ssim
def pooled(x: Tensor, y: Tensor, f: int) -> float:
    return ssim(F.avg_pool2d(x, f), F.avg_pool2d(y, f)).item()


def halved_ssim(x: Tensor, y: Tensor) -> float:
    return pooled(x, y, max(1, round(min(y.shape[-2:]) / 256)))


def every_second(x: Tensor, y: Tensor) -> float:
    return ssim(x[..., ::2, ::2], y[..., ::2, ::2]).item() if min(y.shape[-2:]) > 384 else ssim(x, y).item()


# -------------------------------------------------------------------------------------------------------- aligned_psnr
def aligned_psnr(
    x: Tensor,
    y: Tensor,
    reach: int,
    *,
    rows: Callable[[int], range] = lambda r: range(-r, r + 1),
    columns: Callable[[int], range] = lambda r: range(-r, r + 1),
    rim: bool = True,
    choose: Callable[[Scores], float] = max,
) -> float:
    inner = (..., slice(reach, -reach), slice(reach, -reach)) if rim else ...
    return choose(
        [psnr(x.roll((dy, dx), (-2, -1))[inner], y[inner]).item() for dy in rows(reach) for dx in columns(reach)]
    )


def short(reach: int) -> range:
    return range(-reach, reach)


def only_in_place(_: int) -> range:
    return range(1)


def overlapping(x: Tensor, y: Tensor, reach: int) -> float:
    """Scores each displacement where the two pictures overlap."""
    h, w = y.shape[-2:]
    scores = []
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            there = (..., slice(max(dy, 0), h + min(dy, 0)), slice(max(dx, 0), w + min(dx, 0)))
            scores.append(psnr(x.roll((dy, dx), (-2, -1))[there], y[there]).item())
    return max(scores)


SOLUTIONS: dict[str, Answer] = {
    "reversals": reversals,
    "halved_ssim": halved_ssim,
    "aligned_psnr": aligned_psnr,
}

MUTANTS: dict[str, list[tuple[str, Answer]]] = {
    "reversals": [
        ("did you turn the sign", lambda a, b, lower: reversals(a, b, False)),
        ("`lower_is_better` is False here", lambda a, b, lower: reversals(a, b, True)),
        ("you counted each pair twice", lambda a, b, lower: 2 * reversals(a, b, lower)),
        ("a tie is no reversal", lambda a, b, lower: sum(p <= 0 for p in products(a, b, lower))),
        ("you counted ties, and each pair twice", lambda a, b, lower: 2 * sum(p <= 0 for p in products(a, b, lower))),
        ("this is their share", lambda a, b, lower: reversals(a, b, lower) / len(products(a, b, lower))),
        ("Kendall's tau", lambda a, b, lower: sum((p > 0) - (p < 0) for p in products(a, b, lower))),
        ("change their place", places),
        ("pair by pair", lambda a, b, lower: 0),
        ("your answer is None", lambda a, b, lower: None),
        ("is of type list", lambda a, b, lower: products(a, b, lower)),
    ],
    "halved_ssim": [
        ("at the full size", lambda x, y: ssim(x, y).item()),
        ("at the full size", lambda x, y: pooled(x, y, max(1, min(y.shape[-2:]) // 256))),
        ("keeps all of the noise", every_second),
        ("from the longer side", lambda x, y: pooled(x, y, max(1, round(max(y.shape[-2:]) / 256)))),
        ("too small for that", lambda x, y: pooled(x, y, 2)),
        ("too small for that", lambda x, y: pooled(x, y, -(-min(y.shape[-2:]) // 256))),
        ("average both pictures", lambda x, y: 0.5),
        ("your answer is None", lambda x, y: None),
        ("a tensor of shape", lambda x, y: x),
    ],
    "aligned_psnr": [
        ("neither bug is mended", lambda x, y, r: aligned_psnr(x, y, r, rows=short, columns=short, rim=False)),
        ("from the opposite border are scored", lambda x, y, r: aligned_psnr(x, y, r, rim=False)),
        ("range leaves its end out", lambda x, y, r: aligned_psnr(x, y, r, rows=short, columns=short)),
        ("the rim has to stay fixed", overlapping),
        (
            "you did not look for a better place",
            lambda x, y, r: aligned_psnr(x, y, r, rows=only_in_place, columns=only_in_place),
        ),
        ("and not up and down", lambda x, y, r: aligned_psnr(x, y, r, rows=only_in_place)),
        ("and not to the left and right", lambda x, y, r: aligned_psnr(x, y, r, columns=only_in_place)),
        ("the *worst* place", lambda x, y, r: aligned_psnr(x, y, r, choose=min)),
        ("mean over all places", lambda x, y, r: aligned_psnr(x, y, r, choose=lambda v: sum(v) / len(v))),
        ("then take the best", lambda x, y, r: 7.0),
        ("your answer is None", lambda x, y, r: None),
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
    if message != "neither bug is mended":
        assert not [other for other, _ in MUTANTS[name] if other != message and other in result.message]


@pytest.mark.parametrize("name", MUTANTS)
def test_an_exercise_has_four_mutants_or_more(name: str) -> None:
    assert len(MUTANTS[name]) >= 4
