"""The exercises of the chapter 'Priors and half-quadratic splitting'."""

from typing import Any

import torch
from torch import Tensor

from deblurlib.blur import transfer_function
from deblurlib.deconvolution.splitting import differences, differences_adjoint, gradient_power
from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

CLOSE = 1e-5
"""Two values this near are equal: another order of the same operations, not another idea."""


def _form(given: object, like: Tensor) -> str | None:
    """What is wrong with the form of an answer that should look like `like`."""
    if given is None:
        return "your answer is None: does the function return its result?"
    if not isinstance(given, Tensor):
        return f"your answer is of type {type(given).__name__}, expected a tensor."
    if given.is_complex():
        return f"your answer is complex ({given.dtype}); a picture is real: end with irfft2."
    if given.shape != like.shape:
        return f"your answer has shape {tuple(given.shape)}, expected {tuple(like.shape)}."
    if not bool(torch.isfinite(given).all()):
        count = int((~torch.isfinite(given)).sum())
        return f"{count} numbers of your answer are NaN or infinite: something was divided by zero."
    return None


def _judge(given: Any, expected: Tensor, mistakes: list[tuple[Tensor, str]], place: str) -> str | None:
    """None for the right answer; else the message of the first known mistake, with the reader's worst number."""
    if complaint := _form(given, expected):
        return complaint
    given = given.double()
    error = (given - expected).abs()
    if bool((error < CLOSE).all()):
        return None
    worst = int(error.argmax())
    start = (
        f"{place} your answer is {float(given.flatten()[worst]):.4f}, expected {float(expected.flatten()[worst]):.4f}"
    )
    for wrong, reason in mistakes:
        if wrong.shape == given.shape and bool(((given - wrong).abs() < CLOSE).all()):
            return f"{start}: {reason}"
    return f"{start}."


@exercise("soft_threshold")
def _soft_threshold(answer: Any) -> str | None:
    weight, penalty = 0.12, 0.3
    v = torch.tensor([-0.9, -0.25, -0.1, 0.0, 0.15, 0.3, 1.0]).double()

    def shrunk(threshold: float) -> Tensor:
        return v.sign() * (v.abs() - threshold).clamp_min(0)

    threshold = weight / (2 * penalty)
    mistakes = [
        (
            shrunk(weight / penalty),
            "your threshold is weight / penalty; the square has the derivative 2 penalty (w - v).",
        ),
        (shrunk(weight), "your threshold is the weight alone; a larger penalty has to hold w closer to v."),
        (
            torch.where(v.abs() > threshold, v, 0),
            "you keep what is large as it is (the hard threshold); |w| pulls at every w with the same force.",
        ),
        (
            v.sign() * (v.abs() - threshold),
            "what is smaller than the threshold has changed its sign; it should be zero.",
        ),
        ((v - threshold).clamp_min(0), "negative differences have been lost: shrink |v|, and give the sign back."),
        (
            v / (1 + weight / penalty),
            "you have shrunk in proportion, which is the step of a squared price; |w| moves all by the same amount.",
        ),
    ]
    return _judge(answer(v.clone(), weight, penalty), shrunk(threshold), mistakes, "at one difference")


@exercise("l0_step")
def _l0_step(answer: Any) -> str | None:
    weight, penalty = 0.32, 0.8
    v = 0.3 * torch.randn(2, 2, 3, 6, 7, generator=seed(4)).double()
    squared = v.square()
    cut = weight / penalty

    def kept(measure: Tensor, threshold: float = cut) -> Tensor:
        return torch.where(measure > threshold, v, 0)

    joint = squared.sum(dim=(0, 2), keepdim=True)
    mistakes = [
        (kept(squared), "you decide for every number alone; a pixel's gradient is kept or dropped as a whole."),
        (
            kept(squared.sum(dim=0, keepdim=True)),
            "you decide for each channel alone, and edges come apart into colours.",
        ),
        (kept(squared.sum(dim=2, keepdim=True)), "you decide for each direction alone, which favours upright edges."),
        (kept(joint.sqrt()), "you compare the length with weight / penalty; the square of the length is what counts."),
        (
            kept(joint, weight / (2 * penalty)),
            "your threshold is weight / (2 penalty); compare the two costs, not slopes.",
        ),
        (kept(joint, penalty / weight), "your threshold is upside down: a dearer edge has to be a larger one."),
        (v - kept(joint), "you have kept the small gradients and dropped the large ones."),
    ]
    return _judge(answer(v.clone(), weight, penalty), kept(joint), mistakes, "at one place")


@exercise("division_step")
def _division_step(answer: Any) -> str | None:
    y = torch.rand(2, 3, 12, 15, generator=seed(1)).double()
    kernel = torch.rand(1, 1, 3, 5, generator=seed(2)).double() * torch.linspace(0.2, 1, 5)
    kernel = kernel / kernel.sum()
    w = 0.2 * torch.randn(2, 2, 3, 12, 15, generator=seed(3)).double()
    penalty, shape = 0.4, (12, 15)
    transfer = transfer_function(kernel, shape)
    power, gain = transfer.abs().square(), gradient_power(shape, y)
    data = transfer.conj() * torch.fft.rfft2(y)
    pulled = torch.fft.rfft2(differences_adjoint(w))

    def back(spectrum: Tensor) -> Tensor:
        x: Tensor = torch.fft.irfft2(spectrum, s=shape)
        return x

    plain = torch.fft.rfft2(differences(w[0])[0] + differences(w[1])[1])
    mistakes = [
        (
            back((data + penalty * plain) / (power + penalty * gain)),
            "you applied D to w again; what belongs there is its adjoint, w_(i-1) - w_i.",
        ),
        (
            back((data - penalty * pulled) / (power + penalty * gain)),
            "the adjoint has the wrong sign: it is w_(i-1) - w_i, minus the divergence.",
        ),
        (back((data + pulled) / (power + penalty * gain)), "the penalty is missing in the numerator."),
        (back((data + penalty * pulled) / (power + gain)), "the penalty is missing in the denominator."),
        (back((data + penalty * pulled) / (power + penalty)), "|D|² is missing: the copy is of D x, not of x."),
        (
            back((transfer * torch.fft.rfft2(y) + penalty * pulled) / (power + penalty * gain)),
            "you multiplied Y by K; its conjugate moves every wave back to where it was.",
        ),
        (back(data / (power + penalty * gain)), "w does not appear: this is Tikhonov's filter."),
    ]
    expected = back((data + penalty * pulled) / (power + penalty * gain))
    return _judge(answer(y.clone(), kernel.clone(), w.clone(), penalty), expected, mistakes, "at one pixel")
