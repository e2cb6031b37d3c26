"""The checkers of the chapter on judging without a reference: solutions pass, wrong answers draw their own messages."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.exercises import check

Answer = Callable[..., object]


def blank(*_: object) -> object:
    raise NotImplementedError("your turn")


# ------------------------------------------------------------------------------------------------- normalised_contrast
def means(x: Tensor, window: Tensor, mode: str = "replicate") -> Tensor:
    reach = len(window) // 2
    x = F.pad(x, (reach, reach, reach, reach), mode=mode) if mode else x
    return F.conv2d(F.conv2d(x, window[None, None, :, None]), window[None, None, None])


def normalised(x: Tensor, window: Tensor, *, one: float = 1.0, mode: str = "replicate", power: float = 0.5) -> Tensor:
    mean = means(x, window, mode)
    variance = (means(x * x, window, mode) - mean * mean).clamp(min=0)
    return (x - mean) / (variance**power + one)


def of_the_whole(x: Tensor, window: Tensor) -> Tensor:
    return (x - x.mean()) / (x.std(correction=0) + 1)


def own_means(x: Tensor, window: Tensor) -> Tensor:
    rest = x - means(x, window)
    return rest / (means(rest * rest, window).sqrt() + 1)


def one_under_the_root(x: Tensor, window: Tensor) -> Tensor:
    mean = means(x, window)
    return (x - mean) / (means(x * x, window) - mean * mean + 1).sqrt()


def mean_kept(x: Tensor, window: Tensor) -> Tensor:
    mean = means(x, window)
    return x / ((means(x * x, window) - mean * mean).clamp(min=0).sqrt() + 1)


# --------------------------------------------------------------------------------------------------- generalised_shape
SHAPES = torch.arange(200, 10_001).double() / 1000
RATIOS = (2 * torch.lgamma(2 / SHAPES) - torch.lgamma(1 / SHAPES) - torch.lgamma(3 / SHAPES)).exp()


def place_of(ratio: Tensor) -> int:
    return int((RATIOS - ratio).abs().argmin())


def ratio_of(x: Tensor) -> Tensor:
    return x.abs().mean() ** 2 / x.square().mean()


def generalised_shape(x: Tensor, ratio: Callable[[Tensor], Tensor] = ratio_of) -> float:
    return SHAPES[place_of(ratio(x))].item()


# ----------------------------------------------------------------------------------------------------- mended_distance
def distance(
    blocks: Tensor, mean: Tensor, covariance: Tensor, *, halves: float = 2.0, correction: int = 1, power: float = 0.5
) -> Tensor:
    d = blocks.mean(dim=0) - mean
    middle = (blocks.T.cov(correction=correction) + covariance) / halves
    return (d @ torch.linalg.pinv(middle) @ d) ** power


def variances_alone(blocks: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    d = blocks.mean(dim=0) - mean
    return (d**2 / ((blocks.T.cov() + covariance) / 2).diagonal()).sum().sqrt()


def block_by_block(blocks: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    inverse = torch.linalg.pinv((blocks.T.cov() + covariance) / 2)
    return torch.stack([((b - mean) @ inverse @ (b - mean)).sqrt() for b in blocks]).mean()


def pristine_alone(blocks: Tensor, mean: Tensor, covariance: Tensor) -> Tensor:
    d = blocks.mean(dim=0) - mean
    return (d @ torch.linalg.pinv(covariance) @ d).sqrt()


SOLUTIONS: dict[str, Answer] = {
    "normalised_contrast": normalised,
    "generalised_shape": generalised_shape,
    "mended_distance": distance,
}

MUTANTS: dict[str, list[tuple[str, Answer]]] = {
    "normalised_contrast": [
        ("the 1 beside the", lambda x, w: normalised(x, w, one=0.0)),
        ("the 1 beside the", lambda x, w: normalised(x, w, one=1e-12)),
        ("divided by the variance", lambda x, w: normalised(x, w, power=1.0)),
        ("your constant is 1 / 255", lambda x, w: normalised(x, w, one=1 / 255)),
        ("you see black", lambda x, w: normalised(x, w, mode="constant")),
        ("you see a mirror", lambda x, w: normalised(x, w, mode="reflect")),
        ("under the root", one_under_the_root),
        ("for the whole picture", of_the_whole),
        ("from its own mean", own_means),
        ("did not divide by the contrast", lambda x, w: x - means(x, w)),
        ("did not take the mean away", mean_kept),
        ("Repeat the edge pixels outwards", lambda x, w: means(x, w, "")),
        ("your answer is None", lambda x, w: None),
        ("is of type float", lambda x, w: 1.0),
        ("your answer is 7.0000", lambda x, w: torch.full_like(x, 7.0)),
    ],
    "generalised_shape": [
        ("this is the ratio itself", lambda x: ratio_of(x)),
        ("upside down", lambda x: generalised_shape(x, lambda t: 1 / ratio_of(t))),
        ("has to be squared", lambda x: generalised_shape(x, lambda t: t.abs().mean() / t.square().mean())),
        ("the root of the one asked for", lambda x: generalised_shape(x, lambda t: ratio_of(t).sqrt())),
        ("which is about zero", lambda x: generalised_shape(x, lambda t: t.mean() ** 2 / t.square().mean())),
        ("one over the shape", lambda x: 1 / generalised_shape(x)),
        ("a place in the list", lambda x: place_of(ratio_of(x))),
        ("compare mean", lambda x: 5.5),
        ("your answer is None", lambda x: None),
        ("a tensor of shape", lambda x: x),
        ("is of type str", lambda x: "2"),
    ],
    "mended_distance": [
        ("not their sum.", lambda *a: distance(*a, halves=1)),
        ("not by n.", lambda *a: distance(*a, correction=0)),
        ("the root is missing", lambda *a: distance(*a, power=1)),
        ("not their sum; the covariance", lambda *a: distance(*a, halves=1, correction=0)),
        ("not their sum; the root", lambda *a: distance(*a, halves=1, power=1)),
        ("not by n; the root", lambda *a: distance(*a, correction=0, power=1)),
        ("by n - 1, not by n; the root", lambda *a: distance(*a, halves=1, correction=0, power=1)),
        ("own blocks is left out", pristine_alone),
        ("bare distance of the means", lambda b, m, c: (b.mean(dim=0) - m).norm()),
        ("variances alone", variances_alone),
        ("average the features first", block_by_block),
        ("term by term", lambda *a: 0.5),
        ("your answer is None", lambda *a: None),
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
