"""The exercises of the chapter 'From regression to a blurry mean'."""

from typing import Any

import torch
from torch import Tensor

from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

CLOSE = 1e-6
"""Two values this near are equal: another order of the same operations, not another idea."""

Mistakes = list[tuple[Any, str]]


def _number(given: Any) -> float | None:
    """A number, or a tensor of one element, as a float."""
    if isinstance(given, Tensor):
        return float(given.detach()) if given.numel() == 1 else None
    return float(given) if isinstance(given, int | float) and not isinstance(given, bool) else None


def _judge(given: Any, expected: float, mistakes: Mistakes, what: str) -> str | None:
    """None for the right number; else the message of the first known mistake, with the reader's number."""
    mine = _number(given)
    if mine is None:
        return f"{what} your answer is {given if given is None else type(given).__name__}, expected one number."
    if abs(mine - expected) <= CLOSE * (1 + abs(expected)):
        return None
    said = f"{what} your answer is {mine:.4f}, expected {expected:.4f}"
    for wrong, reason in mistakes:
        if abs(mine - float(wrong)) <= CLOSE * (1 + abs(float(wrong))):
            return f"{said}: {reason}"
    return f"{said}."


@exercise("cheapest_answer")
def _cheapest_answer(answer: Any) -> str | None:
    values = torch.tensor([0.9, 0.1, 0.5, 0.2], dtype=torch.float64)
    chances = torch.tensor([0.35, 0.15, 0.25, 0.25], dtype=torch.float64)
    mean, median = float(chances @ values), 0.5
    in_given_order = float(values[chances.cumsum(0) >= 0.5][0])
    for loss, expected, mistakes in (
        (
            "squared",
            mean,
            [
                (values.mean(), "the values have different chances; you let each count alike."),
                (median, "that is the median, which the absolute error asks for."),
                (values[chances.argmax()], "that is the likeliest value; a square forbids to be far from the others."),
                ((chances * values).mean(), "chances add up to one already: sum, do not average."),
            ],
        ),
        (
            "absolute",
            median,
            [
                (mean, "that is the mean, which the squared error asks for."),
                (values.sort().values[1:3].mean(), "a median of the values alone; their chances are the weights."),
                (in_given_order, "you passed half of the chances in the order in which the values came; sort them."),
                (values.median(), "a median of the values alone; their chances are the weights."),
                (values[chances.argmax()], "that is the likeliest value; here it holds less than half of the chances."),
            ],
        ),
    ):
        said = _judge(answer(values.clone(), chances.clone(), loss), expected, mistakes, f"for the {loss} error")
        if said:
            return said
    balanced = answer(torch.tensor([1.0, 0.0]).double(), torch.tensor([0.5, 0.5]).double(), "absolute")
    wrong: Mistakes = [
        (1.0, "at exactly half the smaller value counts as passed: compare with >= 0.5."),
        (0.5, "that is between the values; the smallest at which half of the chances are passed was asked for."),
    ]
    return _judge(balanced, 0.0, wrong, "for two values with equal chances and the absolute error")


@exercise("misaligned_answer")
def _misaligned_answer(answer: Any) -> str | None:
    truth = torch.rand(1, 1, 5, 9, generator=seed(3), dtype=torch.float64)
    shifts, chances = [0, 1, 3], torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)

    def mixture(weights: Tensor, sign: int = 1, dim: int = -1) -> Tensor:
        return torch.stack([w * truth.roll(sign * s, dims=dim) for s, w in zip(shifts, weights, strict=True)]).sum(0)

    expected = mixture(chances)
    given = answer(truth.clone(), list(shifts), chances.clone())
    if not isinstance(given, Tensor):
        return f"your answer is {'None' if given is None else 'a ' + type(given).__name__}, expected a tensor."
    if given.shape != expected.shape:
        return f"your answer has shape {tuple(given.shape)}, expected {tuple(expected.shape)}."
    worst = int((given - expected).abs().argmax())
    if float((given - expected).abs().max()) < CLOSE:
        return None
    said = (
        f"at one pixel your answer is {float(given.flatten()[worst]):.4f}, not {float(expected.flatten()[worst]):.4f}"
    )
    even = torch.full((3,), 1 / 3, dtype=torch.float64)
    copies = torch.stack([truth.roll(s, dims=-1) for s in shifts])
    for wrong, reason in (
        (mixture(chances, sign=-1), "your copies went to the left; a positive roll along the last axis goes right"),
        (mixture(chances, dim=-2), "your copies went down; columns are the last axis"),
        (mixture(even), "you let each displacement count alike; they have chances"),
        (mixture(chances) / 3, "chances add up to one already; you averaged once more"),
        (truth.roll(0), "that is the truth itself, which only perfectly aligned pairs teach"),
        (copies.median(dim=0).values, "that is the median, which the absolute error asks for"),
        (truth.roll(1, dims=-1), "one copy, at the mean displacement; the mean is taken of the copies, not the shifts"),
    ):
        if float((given - wrong).abs().max()) < CLOSE:
            return f"{said}: {reason}."
    return f"{said}."


@exercise("feature_distance")
def _feature_distance(answer: Any) -> str | None:
    truth = torch.rand(2, 3, 6, 6, generator=seed(1), dtype=torch.float64)
    restored = torch.rand(2, 3, 6, 6, generator=seed(2), dtype=torch.float64).requires_grad_()
    goal = truth.clone().requires_grad_()

    def maps(x: Tensor) -> Tensor:
        return torch.stack([(2 * x.sum(dim=1) - 1).relu(), x[:, 0] * x[:, 1]], dim=1)

    a, c = maps(restored.detach()), maps(truth)
    apart, spread = (a - c).square().mean(), c.var()
    given = answer(maps, restored, goal)
    mistakes: Mistakes = [
        (apart, "the variance of the truth's features is missing."),
        ((a - c).abs().mean() / spread, "you took absolute differences; they are squared here."),
        (apart / a.var(), "you divided by the variance of the restoration's features; the truth sets the scale."),
        (apart / c.std(), "you divided by the standard deviation; squares are compared with a variance."),
        ((a - c).square().sum() / spread, "you took the sum; a distance should not grow with the picture."),
        (
            (restored.detach() - truth).square().mean() / truth.var(),
            "you compared the pixels; features come out of maps.",
        ),
        ((a.mean() - c.mean()).square() / spread, "you averaged before you compared; errors of opposite sign cancel."),
        (apart / c.square().mean(), "you divided by the mean square; the variance is taken about the mean."),
    ]
    said = _judge(given, float(apart / spread), mistakes, "for two small pictures")
    if said:
        return said
    if not (isinstance(given, Tensor) and given.requires_grad):
        return "the number is right, 1 of 2, but no gradient reaches the restoration: it is what should improve."
    given.backward()  # type: ignore[no-untyped-call]
    if goal.grad is not None:
        return "the number is right, 1 of 2, but the truth gets a gradient as well: compute its features under no_grad."
    return None
