"""The exercises of the chapter 'Marginalise instead'."""

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

CLOSE = 1e-6
"""Two values this near, against their size, are equal: another order of the same operations, not another idea."""


def _judge(given: Any, expected: Tensor, mistakes: list[tuple[Tensor, str]], place: str) -> str | None:
    """None for the right answer; else the message of the first known mistake, with the reader's number."""
    if given is None:
        return "your answer is None: does the function return its result?"
    if not isinstance(given, Tensor):
        return f"your answer is of type {type(given).__name__}, expected a tensor."
    if given.shape != expected.shape:
        return f"your answer has shape {tuple(given.shape)}, expected {tuple(expected.shape)}."
    given = given.double()
    if not bool(torch.isfinite(given).all()):
        return "your answer has numbers that are NaN or infinite; take logarithms of sums, not of single small terms."
    allowed = CLOSE * (1 + expected.abs())
    if bool(((given - expected).abs() < allowed).all()):
        return None
    worst = int((given - expected).abs().argmax())
    start = f"{place} your answer is {float(given.flatten()[worst]):.4f}, not {float(expected.flatten()[worst]):.4f}"
    for wrong, reason in mistakes:
        if bool(((given - wrong).abs() < allowed).all()):
            return f"{start}: {reason}"
    return f"{start}."


@exercise("log_evidence")
def _log_evidence(answer: Any) -> str | None:
    y = torch.tensor([0.4, -1.3, 2.2, 0.05], dtype=torch.float64)
    gain, noise = 0.7, 0.3
    x = torch.linspace(-12, 12, 2401, dtype=torch.float64)
    prior = torch.exp(-x.abs()) / 2
    step = x[1] - x[0]
    exponent = -0.5 * ((y[:, None] - gain * x) / noise).square()
    likelihood = exponent.exp() / (noise * math.sqrt(2 * math.pi))
    joint = likelihood * prior
    right = (joint.sum(dim=1) * step).log()
    mistakes = [
        (joint.amax(dim=1).log(), "you took the largest term, the mode; the evidence is what all of them weigh."),
        ((joint.amax(dim=1) * step).log(), "you took the largest term, the mode; the evidence sums over all of them."),
        (joint.sum(dim=1).log(), "you added densities without the width of a grid cell, x[1] - x[0]."),
        ((likelihood.sum(dim=1) * step).log(), "you forgot the prior, and every x counts alike."),
        (
            joint.mean(dim=1).log(),
            "you averaged over the grid; a mean changes with the grid's length, an integral does not.",
        ),
        (
            ((exponent.exp() * prior).sum(dim=1) * step).log(),
            "the density of the noise lacks its factor 1 / (noise sqrt(2 pi)).",
        ),
        (
            ((-0.5 * ((y[:, None] - x) / noise).square()).exp() / (noise * math.sqrt(2 * math.pi)) * prior)
            .sum(dim=1)
            .mul(step)
            .log(),
            "you left out the gain: y is gain · x plus noise.",
        ),
        ((joint.sum(dim=1) * step), "that is the evidence itself; its logarithm was asked for."),
        (
            (likelihood.log() + prior.log()).mean(dim=1),
            "you averaged logarithms; the logarithm comes after the sum, once.",
        ),
    ]
    return _judge(answer(y.clone(), gain, noise, x.clone(), prior.clone()), right, mistakes, "for one observation")


@exercise("mean_precision")
def _mean_precision(answer: Any) -> str | None:
    moment = torch.tensor([0.0, 1e-4, 0.004, 0.03, 0.5], dtype=torch.float64)
    weights = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
    precisions = torch.tensor([900.0, 60.0, 4.0], dtype=torch.float64)

    def by(scores: Tensor) -> Tensor:
        return (scores / scores.sum(dim=-1, keepdim=True) * precisions).sum(dim=-1)

    seen = torch.exp(-0.5 * precisions * moment[:, None])
    scores = weights * precisions.sqrt() * seen
    mistakes = [
        (by(weights * seen), "you left out the height of each bell, the root of its precision."),
        (by(weights * precisions * seen), "the height of a bell is the root of its precision, not the precision."),
        (
            by(weights / precisions.sqrt() * seen),
            "you averaged variances, or took a precision for one: narrow bells are the high ones.",
        ),
        (by(precisions.sqrt() * seen), "you forgot the weights of the mixture."),
        (
            by(weights * precisions.sqrt() * torch.exp(-precisions * moment[:, None])),
            "the exponent lacks its one half.",
        ),
        (
            by(weights * precisions.sqrt() * torch.exp(-0.5 * moment[:, None] / precisions)),
            "in the exponent you divided by the precision.",
        ),
        ((scores * precisions).sum(dim=-1), "your responsibilities do not add up to one."),
        (precisions[scores.argmax(dim=-1)], "you took the likeliest bell alone, a mode again; weigh all of them."),
        ((weights * precisions).sum().expand(5), "that is the prior's precision; it ignores the gradient."),
    ]
    return _judge(answer(moment.clone(), weights.clone(), precisions.clone()), by(scores), mistakes, "at one gradient")


@exercise("expected_misfit")
def _expected_misfit(answer: Any) -> str | None:
    mean = torch.randn(14, generator=seed(1)).double()
    variance = torch.rand(14, generator=seed(2)).double()
    kernel = torch.tensor([0.2, 0.5, 0.3], dtype=torch.float64)
    y = torch.randn(12, generator=seed(3)).double()

    def blur(x: Tensor, k: Tensor) -> Tensor:
        return F.conv1d(x.view(1, 1, -1), k.flip(0).view(1, 1, -1)).flatten()

    misfit = (y - blur(mean, kernel)).square()
    spread = blur(variance, kernel.square())
    mistakes = [
        (misfit.sum(), "you left the variances out, and are back at the mode."),
        ((misfit + blur(variance, kernel)).sum(), "variances go through the *square* of the kernel."),
        ((misfit + blur(variance, kernel).square()).sum(), "square the kernel, not the blurred variances."),
        ((misfit + blur(variance.square(), kernel.square())).sum(), "a variance is a square already."),
        ((misfit - spread).sum(), "the variances add to what is not explained; you subtracted them."),
        ((misfit + spread).mean(), "you took the mean; the free energy has the sum."),
        (misfit.sum() + variance.sum(), "you added the variances as they are, before the blur."),
        (
            ((y - blur(mean, kernel.flip(0))).square() + blur(variance, kernel.square().flip(0))).sum(),
            "`conv1d` correlates: turn the kernel for a convolution.",
        ),
    ]
    return _judge(
        answer(y.clone(), kernel.clone(), mean.clone(), variance.clone()), (misfit + spread).sum(), mistakes, "here"
    )
