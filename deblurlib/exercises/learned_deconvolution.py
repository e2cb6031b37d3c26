"""The exercises of the chapter 'Learned help'."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from deblurlib.blur import Blur, add_noise, transfer_function
from deblurlib.exercises.check import exercise
from deblurlib.exercises.known_kernel import FORGOTTEN, _close, _lopsided, _matches, _no_picture, _scene, _worst
from deblurlib.profile import seed


@exercise("strength_schedule")
def _strength_schedule(answer: Any) -> str | None:
    noise, rounds, strongest = 0.01, 5, 0.16
    steps = torch.arange(rounds, dtype=torch.float64)
    ratio = noise / strongest
    expected = strongest * ratio ** (steps / (rounds - 1))
    given = answer(noise, rounds, strongest)
    if given is None:
        return FORGOTTEN
    if not isinstance(given, Iterable):
        return f"your answer is one number, {given}; expected {rounds} strengths, one for each round."
    mine = torch.as_tensor([float(value) for value in given], dtype=torch.float64)
    if len(mine) != rounds:
        return f"your answer has {len(mine)} strengths, expected {rounds}: the first and the last round count, too."
    if torch.allclose(mine, expected, rtol=1e-3, atol=0):
        return None
    known = [
        (expected.flip(0), "you begin with the weakest: rough estimates need the strong denoiser."),
        (
            strongest + (noise - strongest) * steps / (rounds - 1),
            "your strengths fall by equal differences; equal *factors* spend as many rounds below 0.04 as above.",
        ),
        (
            strongest * ratio ** (steps / rounds),
            f"you divide by the {rounds} rounds; between {rounds} values lie {rounds - 1} steps.",
        ),
        (expected.square(), "these are variances; the denoiser is told standard deviations."),
        (255 * expected, "these are grey levels; our images run from 0 to 1."),
    ]
    reason = next((text for value, text in known if torch.allclose(mine, value, rtol=1e-3, atol=0)), None)
    if reason is None:
        place = int((mine - expected).abs().argmax())
        return f"strength {place + 1} of {rounds} is {mine[place]:.4f}, expected {expected[place]:.4f}."
    return f"your strengths run from {mine[0]:.4g} to {mine[-1]:.4g}: {reason}"


@exercise("data_step")
def _data_step(answer: Any) -> str | None:
    x, k, penalty = _scene(2, 3, 24, 31), _lopsided(5, 7), 0.05
    y = add_noise(Blur(k)(x), 0.01, generator=seed(2))
    z = x.roll(1, -1)
    shape = (24, 31)
    transfer, blurred, picture = transfer_function(k, shape), torch.fft.rfft2(y), torch.fft.rfft2(z)
    power = transfer.abs().square()

    def back(spectrum: Tensor) -> Tensor:
        restored: Tensor = torch.fft.irfft2(spectrum, s=shape)
        return restored

    data = transfer.conj() * blurred
    expected = back((data + penalty * picture) / (power + penalty))
    given = answer(y.clone(), k.clone(), z.clone(), penalty)
    if complaint := _no_picture(given, expected):
        return complaint
    if _close(given, expected):
        return None
    corner = torch.fft.rfft2(k, s=shape)
    mistakes = {
        "your answer turns no wave back: multiply the photograph's spectrum by the *conjugate* of K.": back(
            (transfer * blurred + penalty * picture) / (power + penalty)
        ),
        "the picture comes in at full weight: in the numerator, too, it is multiplied by the penalty.": back(
            (data + picture) / (power + penalty)
        ),
        "the picture is missing from the numerator: this is a Wiener filter, which pulls towards black.": back(
            data / (power + penalty)
        ),
        "the denominator lacks the penalty: where K is small you divide by nearly nothing.": back(
            (data + penalty * picture) / power.clamp_min(1e-12)
        ),
        "the penalty weighs the photograph; it should weigh the picture.": back(
            (penalty * data + picture) / (penalty * power + 1)
        ),
        "the kernel's corner lies at the origin, its centre should; transfer_function rolls it there.": back(
            (corner.conj() * blurred + penalty * picture) / (corner.abs().square() + penalty)
        ),
    }
    return _matches(given, mistakes) or _worst(given, expected)


@exercise("separable_filter")
def _separable_filter(answer: Any) -> str | None:
    inverse, rank = torch.randn(9, 9, generator=seed(4)).double(), 3
    u, s, v = torch.linalg.svd(inverse)
    expected = u[:, :rank] * s[:rank] @ v[:rank]
    given = answer(inverse.clone(), rank)
    if given is None:
        return FORGOTTEN
    if not (isinstance(given, tuple | list) and len(given) == 2 and all(isinstance(t, Tensor) for t in given)):
        return "expected two tensors, the columns (9, 3) and the rows (3, 9)."
    columns, rows = given
    if tuple(columns.shape) != (9, rank) or tuple(rows.shape) != (rank, 9):
        return (
            f"your columns have shape {tuple(columns.shape)} and your rows {tuple(rows.shape)}, "
            f"expected (9, {rank}) and ({rank}, 9)."
        )
    product = columns.double() @ rows.double()
    if _close(product, expected):
        return None
    known = [
        (u[:, :rank] @ v[:rank], "the singular values are missing: every pair of vectors counts the same."),
        (u[:, :rank] * s[:rank].square() @ v[:rank], "the singular values are in both factors: once is enough."),
        (
            u[:, :rank] * s[:rank] @ v.T[:rank],
            "the rows come from the wrong side: torch.linalg.svd hands back the transposed V, whose *rows* you need.",
        ),
        (u[:, -rank:] * s[-rank:] @ v[-rank:], "you kept the smallest singular values; svd sorts the largest first."),
    ]
    error = float((product - inverse).norm() / inverse.norm())
    least = float((expected - inverse).norm() / inverse.norm())
    reason = next((text for value, text in known if _close(product, value)), "no other pair of factors comes closer.")
    return f"your product misses {error:.0%} of the filter, the best of rank {rank} misses {least:.0%}: {reason}"
