"""The exercise of the introduction: write the peak signal-to-noise ratio."""

from typing import Any

import torch
from torch import Tensor

from deblurlib.exercises.check import exercise
from deblurlib.metrics import psnr

TOLERANCE = 0.01
"""Decibels; the slips below differ from the right answer, and from each other, by more than ten times that."""


def _examination() -> tuple[Tensor, Tensor]:
    """Two small colour images, (2, 3, 16, 24), and restorations whose errors differ from channel to channel."""
    chance = torch.Generator().manual_seed(40)
    reference = 0.1 + 0.6 * torch.rand(2, 3, 16, 24, generator=chance)
    strength = torch.tensor([[0.01, 0.03, 0.06], [0.08, 0.02, 0.04]])[..., None, None]
    offset = torch.tensor([0.02, -0.01])[:, None, None, None]
    restored = reference + offset + strength * torch.randn(reference.shape, generator=chance)
    return restored, reference


def _slips(restored: Tensor, reference: Tensor) -> list[tuple[Tensor, str]]:
    """What each misconception computes, (2,), and what to say about it."""
    over_pixels = (1, 2, 3)
    difference = restored - reference
    squares = difference.square()
    right = psnr(restored, reference)
    peak = reference.amax(dim=over_pixels)
    luma = torch.tensor([0.299, 0.587, 0.114])[:, None, None]
    grey = (difference * luma).sum(dim=1).square().mean(dim=(1, 2))
    return [
        (-right, "The fraction stands on its head: it is 1 / MSE, so that a smaller error scores higher."),
        (2 * right, "The factor 20 belongs to the root of the MSE; the MSE itself takes 10."),
        (right / 2, "You took the root of the MSE and kept the factor 10: take the MSE itself, or 20."),
        (right / 10, "These are bels: a decibel is a tenth of one, so the logarithm is multiplied by 10."),
        (right * torch.tensor(10.0).log(), "Decibels use the logarithm to the base 10; torch.log is the natural one."),
        (-10 * difference.abs().mean(dim=over_pixels).log10(), "You averaged |difference|; square it before the mean."),
        (
            -20 * difference.abs().mean(dim=over_pixels).log10(),
            "You averaged |difference| and squared the mean: square first, so that large errors count more.",
        ),
        (
            -20 * difference.mean(dim=over_pixels).abs().log10(),
            "You averaged before you squared, so errors of opposite sign cancelled: square first, then average.",
        ),
        (
            -10 * squares.sum(dim=over_pixels).log10(),
            "You added the squares up; divide by their number: the M is for mean.",
        ),
        (
            right + 20 * torch.tensor(255.0).log10(),
            "The peak is the value of white, and in this library that is 1, not 255.",
        ),
        (
            right + 20 * peak.log10(),
            "You took the brightest pixel of the photograph for the peak: the peak is the value of white, 1, "
            "whether or not this photograph has a white pixel.",
        ),
        (
            -10 * squares.mean(dim=(2, 3)).log10().mean(dim=1),
            "You averaged the decibels of three channels: take one mean of the squares over pixels and channels.",
        ),
        (-10 * grey.log10(), "You compared grey versions: errors of opposite sign in red, green and blue cancelled."),
    ]


@exercise("psnr")
def _psnr(answer: Any) -> str | None:
    restored, reference = _examination()
    right = psnr(restored, reference)
    expected = f"{right[0]:.2f} and {right[1]:.2f}"
    got = answer(restored.clone(), reference.clone())
    if isinstance(got, float) or (isinstance(got, Tensor) and got.numel() == 1):
        return (
            f"your answer is one number, {float(got):.2f}, for a batch of two images; expected two, {expected} dB. "
            "A mean over everything mixes the photographs: leave the batch out of it, dim=(1, 2, 3)."
        )
    if not isinstance(got, Tensor):
        return f"your answer is a {type(got).__name__}, expected a tensor (B,): {expected} dB for the two images here."
    if got.shape != (2,):
        return (
            f"your answer has shape {tuple(got.shape)}, expected (2,), one number for each image: {expected} dB. "
            "The mean goes over channels, rows and columns together, dim=(1, 2, 3)."
        )
    if not torch.allclose(got, right, atol=TOLERANCE):
        yours = f"your answer is {got[0]:.2f} and {got[1]:.2f} dB, expected {expected}."
        for slip, why in _slips(restored, reference):
            if torch.allclose(got, slip, atol=TOLERANCE):
                return f"{yours} {why}"
        return f"{yours} In this order: subtract, square, take the mean, turn the fraction over, logarithm, times 10."
    same = answer(reference.clone(), reference.clone())
    if not bool(torch.isposinf(same).all()):
        return (
            f"for two equal images your answer is {float(same[0]):.2f} dB, expected infinity. "
            "A small number added to the MSE caps every score; without it torch divides by zero and returns inf."
        )
    return None
