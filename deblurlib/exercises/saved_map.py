"""The exercises of the chapter 'How MAP was saved'."""

from typing import Any

import torch
from torch import Tensor

from deblurlib.exercises.check import exercise
from deblurlib.exercises.known_kernel import FORGOTTEN, _close, _matches, _no_picture, _scene, _worst
from deblurlib.profile import seed


@exercise("sparsity_ratio")
def _sparsity_ratio(answer: Any) -> str | None:
    x = _scene(3, 1, 20, 26)
    x = x + 0.05 * torch.rand(x.shape, generator=seed(2)).double() * torch.tensor([0.2, 1, 4]).view(3, 1, 1, 1)
    across, down = x[..., :-1, 1:] - x[..., :-1, :-1], x[..., 1:, :-1] - x[..., :-1, :-1]
    g = torch.cat([across, down], dim=1)
    axes = (1, 2, 3)
    size, length = g.abs().sum(dim=axes), g.square().sum(dim=axes).sqrt()
    expected = size / length
    given = answer(x.clone())
    if given is None:
        return FORGOTTEN
    if not isinstance(given, Tensor) or tuple(given.shape) != (3,):
        shape = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        hint = " One number for the whole batch mixes three pictures." if shape == () else ""
        return f"your answer is {shape}, expected (3,): one ratio for each picture.{hint}"
    mine = given.double()
    if torch.allclose(mine, expected, rtol=1e-4):
        return None
    strength = g.square().sum(dim=1).sqrt().sum(dim=(1, 2))
    known = [
        (length / size, "you divided the other way round: this one *falls* with blur."),
        (size / length.square(), "the root is missing below: your answer halves when the contrast doubles."),
        (size, "the denominator is missing: this is the norm that blur pleases."),
        (
            g.abs().mean(dim=axes) / g.square().mean(dim=axes).sqrt(),
            "you took means for sums; a ratio of means is below 1.",
        ),
        (
            x.abs().sum(dim=axes) / x.square().sum(dim=axes).sqrt(),
            "you measured brightness; it is differences that are sparse.",
        ),
        (strength / length, "you took the length of each gradient; here both directions count by themselves."),
        (
            across.abs().sum(dim=axes) / across.square().sum(dim=axes).sqrt(),
            "you counted differences across, and none down.",
        ),
    ]
    reason = next((text for value, text in known if torch.allclose(mine, value, rtol=1e-4)), None)
    return f"for the first picture you have {mine[0]:.2f}, expected {expected[0]:.2f}: {reason or 'look at each sum.'}"


@exercise("tidy_kernel")
def _tidy_kernel(answer: Any) -> str | None:
    estimate = torch.zeros(1, 1, 9, 11).double()
    estimate[0, 0, 5:8, 7] = torch.tensor([0.9, 0.6, 0.6]).double()
    estimate[0, 0, 7, 8:10] = torch.tensor([0.7, 0.5]).double()
    estimate[0, 0, 6, 9] = 0.047  # just above the part of the largest value
    estimate[0, 0, 0, 0], estimate[0, 0, 1, 2] = 0.03, 0.04  # dust
    estimate[0, 0, 4, 4], estimate[0, 0, 8, 1] = -0.2, -0.1
    part = 0.05

    def steps(k: Tensor, *, level: float, clip: bool = True, sign: int = 1, whole: bool = True) -> Tensor:
        k = torch.where(k >= level, k, 0.0) if clip else torch.where(k.abs() >= level, k, 0.0)
        k = k / k.sum() if whole else k
        h, w = k.shape[-2:]
        row = (k.sum(dim=(0, 1, 3)) * torch.arange(h)).sum() / k.sum()
        column = (k.sum(dim=(0, 1, 2)) * torch.arange(w)).sum() / k.sum()
        shift = (sign * (h // 2 - int(row.round())), sign * (w // 2 - int(column.round())))
        return k.roll(shift, dims=(2, 3))

    level = part * float(estimate.max())
    expected = steps(estimate, level=level)
    given = answer(estimate.clone(), part)
    if complaint := _no_picture(given, expected):
        return complaint
    if _close(given, expected):
        return None
    peak = (int(expected.argmax()) // 11, int(expected.argmax()) % 11)
    to_peak = estimate.where(estimate >= level, torch.zeros(1).double())
    to_peak = (to_peak / to_peak.sum()).roll(
        (4 - int(estimate.argmax()) // 11, 5 - int(estimate.argmax()) % 11), (2, 3)
    )
    mistakes = {
        "negative light is still there: only its size was compared.": steps(estimate, level=level, clip=False),
        "the dust is still there: 'part' is a part of the largest value, which is 0.9.": steps(estimate, level=1e-12),
        "you compared with 'part' itself, not with 'part' times the largest value.": steps(estimate, level=part),
        "the sum is not one: a kernel that keeps light would change the picture's brightness.": steps(
            estimate, level=level, whole=False
        ),
        "it moved away from the centre: a centroid below the centre means a move *up*.": steps(
            estimate, level=level, sign=-1
        ),
        "it has not moved: the light is still at the lower right.": steps(estimate, level=level, sign=0),
        f"you moved the brightest pixel to the centre; it is the *centroid* that belongs there, the peak at {peak}.": (
            to_peak
        ),
    }
    if message := _matches(given, mistakes):
        return (
            f"your kernel sums to {float(given.sum()):.3f}, its smallest value is {float(given.min()):.2f}: {message}"
        )
    return _worst(given, expected)


@exercise("shock_step")
def _shock_step(answer: Any) -> str | None:
    u = torch.tensor([0.1, 0.1, 0.12, 0.3, 0.5, 0.7, 0.86, 0.9, 0.9, 0.6, 0.5, 0.55, 0.2, 0.2]).double()
    step = 0.5
    p = torch.cat([u[:1], u, u[-1:]])
    ahead, behind = p[2:] - u, u - p[:-2]
    agree = ahead * behind > 0
    curve = torch.sign(ahead - behind)
    slope = torch.where(agree, torch.minimum(ahead.abs(), behind.abs()), 0.0)
    expected = u - step * curve * slope
    given = answer(u.clone(), step)
    if given is None:
        return FORGOTTEN
    if not isinstance(given, Tensor) or given.shape != u.shape:
        shape = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        return f"your answer is {shape}, expected {tuple(u.shape)}: the ends continue with their own values."
    mine = given.double()
    if _close(mine, expected):
        return None
    central = (p[2:] - p[:-2]).abs() / 2
    known = [
        (u + step * curve * slope, "your ramp gets *gentler*: at its foot, where the curve bends upwards, pull down."),
        (u - curve * slope, "the step is missing, as if it were 1."),
        (u - step * (ahead - behind) * slope, "you multiplied by the second derivative; only its sign is wanted."),
        (u - step * curve * central, "central differences make new extremes: take the smaller one-sided one."),
        (
            u - step * curve * torch.minimum(ahead.abs(), behind.abs()),
            "where the two differences disagree in sign lies an extreme, which has to stay: zero there.",
        ),
        (
            u - step * curve * torch.where(agree, torch.maximum(ahead.abs(), behind.abs()), 0.0),
            "you took the larger of the two differences: values overshoot their neighbours.",
        ),
        (u - step * slope, "the sign of the second derivative is missing: everything is pulled down."),
        (u, "nothing has changed."),
    ]
    place = int((mine - expected).abs().argmax())
    reason = next((text for value, text in known if _close(mine, value)), "look at both one-sided differences there.")
    return f"value {place + 1} becomes {mine[place]:.3f}, expected {expected[place]:.3f}: {reason}"
