"""The exercises of the chapter 'Judging without a reference'."""

import itertools
import math
from collections.abc import Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

CLOSE = 1e-6
"""Two values this near, relatively, are equal: another order of the same operations, not another idea."""

FORGOTTEN = "your answer is None: does the function return its result?"


def _same(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=CLOSE, abs_tol=CLOSE)


def _no_number(given: object) -> str | None:
    """What is wrong with the form of an answer that should be one number."""
    if given is None:
        return FORGOTTEN
    if isinstance(given, Tensor) and given.numel() != 1:
        return f"your answer is a tensor of shape {tuple(given.shape)}, expected one number."
    if not isinstance(given, (int, float, Tensor)):
        return f"your answer is of type {type(given).__name__}, expected a number."
    return None


def _first(mine: float, known: Iterable[tuple[float, str]]) -> str | None:
    """The text of the first known mistake that gives this number."""
    return next((text for value, text in known if _same(mine, value)), None)


# ------------------------------------------------------------------------------------------------- normalised_contrast
def _means(x: Tensor, window: Tensor, mode: str = "replicate") -> Tensor:
    """Weighted means around every pixel."""
    reach = len(window) // 2
    x = F.pad(x, (reach,) * 4, mode=mode)
    return F.conv2d(F.conv2d(x, window[None, None, :, None]), window[None, None, None])


@exercise("normalised_contrast")
def _normalised_contrast(answer: Any) -> str | None:
    x = 128 + 40 * torch.randn(1, 1, 30, 37, generator=seed(3)).double().cumsum(-1).div(6)
    x = (x + 5 * torch.randn(x.shape, generator=seed(4)).double()).clamp(0, 255)
    x[..., 20:, 25:] = 90.0  # a part without any contrast
    window = torch.tensor([1.0, 4.0, 6.0, 4.0, 1.0]).double() / 16
    mean = _means(x, window)
    spread = (_means(x * x, window) - mean * mean).clamp(min=0).sqrt()
    expected = (x - mean) / (spread + 1)
    given = answer(x.clone(), window.clone())
    if given is None:
        return FORGOTTEN
    if not isinstance(given, Tensor):
        return f"your answer is of type {type(given).__name__}, expected a tensor."
    if given.shape != x.shape:
        hint = " Repeat the edge pixels outwards first: F.pad(..., mode='replicate')." if given.ndim == x.ndim else ""
        return f"your answer has shape {tuple(given.shape)}, expected {tuple(x.shape)}.{hint}"
    bare = (x - mean) / spread
    if not bool(given.isfinite().all()) or bool(((given - bare).abs() < CLOSE)[..., :15, :20].all()):
        return (
            "where nothing varies your answer divides nothing by nothing, or blows rounding up: the 1 beside the "
            "standard deviation is missing."
        )
    if bool(((given - expected).abs() < 1e-4).all()):
        return None
    black, mirrored = _means(x, window, "constant"), _means(x, window, "reflect")
    mistakes = [
        ((x - mean) / (spread.square() + 1), "you divided by the variance; its root belongs there."),
        (
            (x - mean) / (spread + 1 / 255),
            "your constant is 1 / 255; in grey levels from 0 to 255 it is 1.",
        ),
        (
            (x - black) / ((_means(x * x, window, "constant") - black * black).clamp(min=0).sqrt() + 1),
            "beyond the frame you see black; repeat the edge pixels.",
        ),
        (
            (x - mirrored) / ((_means(x * x, window, "reflect") - mirrored * mirrored).clamp(min=0).sqrt() + 1),
            "beyond the frame you see a mirror; repeat the edge pixels.",
        ),
        ((x - mean) / (spread.square() + 1).sqrt(), "your 1 stands under the root; it is added to the root."),
        (
            (x - x.mean()) / (x.std(correction=0) + 1),
            "you took one mean and one deviation for the whole picture; each pixel has its own.",
        ),
        (
            (x - mean) / (_means((x - mean).square(), window).sqrt() + 1),
            "your variance measures each neighbour from its own mean; all are measured from the centre's.",
        ),
        (x - mean, "you took the mean away, and did not divide by the contrast."),
        (x / (spread + 1), "you divided by the contrast, and did not take the mean away."),
    ]
    place = int((given.double() - expected).abs().argmax())
    mine, right = (float(t.flatten()[place]) for t in (given, expected))
    reason = next((text for wrong, text in mistakes if bool(((given - wrong).abs() < 1e-4).all())), "")
    end = f": {reason}" if reason else "."
    return (
        f"at row {place // x.shape[-1]}, column {place % x.shape[-1]} your answer is {mine:.4f}, not {right:.4f}{end}"
    )


# --------------------------------------------------------------------------------------------------- generalised_shape
def _shape_for(ratio: float, shapes: Tensor, expected: Tensor) -> float:
    return float(shapes[(expected - ratio).abs().argmin()])


@exercise("generalised_shape")
def _generalised_shape(answer: Any) -> str | None:
    shapes = torch.arange(200, 10_001).double() / 1000
    expected = (2 * torch.lgamma(2 / shapes) - torch.lgamma(1 / shapes) - torch.lgamma(3 / shapes)).exp()
    normal = torch.randn(4000, generator=seed(7)).double()
    for samples in (0.8 * normal * normal.abs(), normal.sign() * normal.abs().sqrt(), 3 * normal):
        absolute, square = float(samples.abs().mean()), float(samples.square().mean())
        right = _shape_for(absolute**2 / square, shapes, expected)
        given = answer(samples.clone())
        if complaint := _no_number(given):
            return complaint
        mine = float(given)
        if abs(mine - right) < 0.0015:  # one step of the grid
            continue
        known = [
            (absolute**2 / square, "this is the ratio itself; asked for is the shape that has this ratio."),
            (
                _shape_for(square / absolute**2, shapes, expected),
                "your ratio is upside down: no shape has one above 1.",
            ),
            (_shape_for(absolute / square, shapes, expected), "the mean of |x| has to be squared."),
            (_shape_for(absolute / square**0.5, shapes, expected), "your ratio is the root of the one asked for."),
            (
                _shape_for(float(samples.mean()) ** 2 / square, shapes, expected),
                "you took the mean of x, which is about zero; take that of |x|.",
            ),
            (1 / right, "this is one over the shape."),
            (float((expected - absolute**2 / square).abs().argmin()), "this is a place in the list of shapes."),
        ]
        reason = _first(mine, known) or "compare mean(|x|)² / mean(x²) with the ratio of each shape."
        return f"your answer is {mine:.3f} for samples of shape {right:.3f}: {reason}"
    return None


# ----------------------------------------------------------------------------------------------------- mended_distance
BUGS = (
    "the *mean* of the two covariances belongs in the middle, not their sum",
    "the covariance divides by n - 1, not by n",
    "the root is missing",
)


def _distance(blocks: Tensor, mean: Tensor, covariance: Tensor, bugs: tuple[int, ...] = ()) -> float:
    d = blocks.mean(dim=0) - mean
    own = blocks.T.cov(correction=0 if 1 in bugs else 1)
    middle = (own + covariance) / (1 if 0 in bugs else 2)
    squared = float(d @ torch.linalg.pinv(middle) @ d)
    return squared if 2 in bugs else squared**0.5


@exercise("mended_distance")
def _mended_distance(answer: Any) -> str | None:
    mixing = torch.randn(6, 6, generator=seed(8)).double()
    covariance = mixing @ mixing.T + 0.5 * torch.eye(6).double()
    mean = torch.randn(6, generator=seed(9)).double()
    blocks = mean + 1 + torch.randn(4, 6, generator=seed(10)).double()
    right = _distance(blocks, mean, covariance)
    given = answer(blocks.clone(), mean.clone(), covariance.clone())
    if complaint := _no_number(given):
        return complaint
    mine = float(given)
    if _same(mine, right):
        return None
    known = [
        (_distance(blocks, mean, covariance, bugs), "; ".join(BUGS[i] for i in bugs) + ".")
        for count in (1, 2, 3)
        for bugs in itertools.combinations(range(3), count)
    ]
    d = blocks.mean(dim=0) - mean
    single = (blocks - mean).unbind()
    known += [
        (float(d @ torch.linalg.pinv(covariance) @ d) ** 0.5, "the spread of the picture's own blocks is left out."),
        (float(d.norm()), "this is the bare distance of the means; a feature that varies much should count less."),
        (
            float((d.square() / ((blocks.T.cov() + covariance) / 2).diagonal()).sum()) ** 0.5,
            "you used the variances alone; the features go together, and their covariances say how.",
        ),
        (
            sum(float(e @ torch.linalg.pinv((blocks.T.cov() + covariance) / 2) @ e) ** 0.5 for e in single) / 4,
            "you averaged the distances of the blocks; average the features first.",
        ),
    ]
    reason = _first(mine, known) or "compare with the equation term by term."
    return f"your answer is {mine:.4f}, expected {right:.4f}: {reason}"
