"""The exercises of the chapter 'When metrics disagree'."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blur import add_noise
from deblurlib.exercises.check import exercise
from deblurlib.metrics import psnr, ssim
from deblurlib.profile import seed

CLOSE = 1e-4
"""Two scores this near are equal: another order of the same operations, not another idea."""

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


def _scene(h: int, w: int) -> Tensor:
    """Blocks of even brightness under a little texture, (1, 1, h, w) in [0, 1]."""
    blocks = torch.rand(1, 1, -(-h // 9), -(-w // 9), generator=seed(5)).double()
    large = blocks.repeat_interleave(9, -2).repeat_interleave(9, -1)[..., :h, :w]
    return add_noise(large * 0.7 + 0.15, 0.04, generator=seed(6)).clamp(0, 1)


# ----------------------------------------------------------------------------------------------------------- reversals
MORE = [31.0, 29.5, 29.5, 27.0, 26.0, 24.5]
OTHER = [5.1, 4.2, 6.0, 4.2, 7.3, 5.5]
"""Scores of six restorations, with a tie in each list."""


def _differences(a: list[float], b: list[float]) -> list[float]:
    """For each pair of restorations, the product of the two differences."""
    return [(a[i] - a[j]) * (b[i] - b[j]) for i in range(len(a)) for j in range(i)]


def _moved_places(a: list[float], b: list[float]) -> int:
    def order(x: list[float]) -> list[int]:
        return sorted(range(len(x)), key=lambda i: -x[i])

    return sum(i != j for i, j in zip(order(a), order(b), strict=True))


@exercise("reversals")
def _reversals(answer: Any) -> str | None:
    for lower in (True, False):
        b = [-x if lower else x for x in OTHER]
        products = _differences(MORE, b)
        against, with_, tied = (
            sum(p < 0 for p in products),
            sum(p > 0 for p in products),
            sum(p == 0 for p in products),
        )
        given = answer(list(MORE), list(OTHER), lower)
        if complaint := _no_number(given):
            return complaint
        mine = float(given)
        if mine == against:
            continue
        reason = _first(
            mine,
            [
                (2 * against, "you counted each pair twice, once from each side."),
                (against + tied, f"{tied} of them are ties, and a tie is no reversal."),
                (2 * (against + tied), "you counted ties, and each pair twice."),
                (
                    with_,
                    "these are the pairs that rank the same way round: did you turn the sign where less is better?"
                    if lower
                    else "these are the pairs that rank the same way round: `lower_is_better` is False here.",
                ),
                (against / len(products), "this is their share; asked for is their number."),
                (
                    with_ - against,
                    "this is agreeing minus disagreeing pairs, as in Kendall's tau; asked are the latter.",
                ),
                (_moved_places(MORE, b), "you counted restorations that change their place; asked for are pairs."),
            ],
        )
        return (
            f"your answer is {mine:g}, expected {against}, for lower_is_better={lower}: "
            f"{reason or 'look at the sign of the product of the two differences, pair by pair.'}"
        )
    return None


# --------------------------------------------------------------------------------------------------------- halved_ssim
def _pooled(x: Tensor, y: Tensor, factor: int) -> float:
    return float(ssim(F.avg_pool2d(x, factor), F.avg_pool2d(y, factor)))


@exercise("halved_ssim")
def _halved_ssim(answer: Any) -> str | None:
    for h, w in ((505, 700), (300, 310), (120, 130)):
        y = _scene(h, w)
        x = add_noise(y, 0.05, generator=seed(7)).clamp(0, 1)
        factor = max(1, round(min(h, w) / 256))
        expected = _pooled(x, y, factor)
        given = answer(x.clone(), y.clone())
        if complaint := _no_number(given):
            return complaint
        mine = float(given)
        if _same(mine, expected):
            continue
        larger, middle = max(1, round(max(h, w) / 256)), max(1, round((h * w) ** 0.5 / 256))
        known = [
            (_pooled(x, y, 1), "this is SSIM at the full size; 505 over 256 *rounds* to 2, and // cuts it to 1."),
            (
                float(ssim(x[..., ::2, ::2], y[..., ::2, ::2])),
                "you took every second pixel; that keeps all of the noise, an average over blocks halves it.",
            ),
            (_pooled(x, y, larger), f"you took f = {larger} from the longer side; the shorter one counts."),
            (_pooled(x, y, middle), f"you took f = {middle} from both sides; the shorter one counts."),
        ]
        if factor == 1:
            known = [
                (_pooled(x, y, 2), "you averaged over blocks of 2 x 2; this picture is too small for that, f = 1."),
                (
                    float(ssim(x[..., ::2, ::2], y[..., ::2, ::2])),
                    "you took every second pixel; this picture is small, f = 1.",
                ),
            ]
        reason = _first(mine, known) or f"here f = {factor}; average both pictures over blocks, then ssim."
        return f"your answer is {mine:.4f} for {h} x {w} pixels, expected {expected:.4f}: {reason}"
    return None


# -------------------------------------------------------------------------------------------------------- aligned_psnr
def _best(
    x: Tensor,
    y: Tensor,
    rows: Iterable[int],
    columns: Iterable[int],
    rim: int,
    choose: Callable[[list[float]], float] = max,
) -> float:
    """PSNR over whole displacements, without a rim."""
    h, w = y.shape[-2:]
    inner = (..., slice(rim, h - rim), slice(rim, w - rim))
    columns = list(columns)
    return choose([float(psnr(x.roll((dy, dx), (-2, -1))[inner], y[inner])) for dy in rows for dx in columns])


def _overlap(x: Tensor, y: Tensor, dy: int, dx: int) -> float:
    """PSNR where the displaced picture and the reference overlap."""
    h, w = y.shape[-2:]
    there = (..., slice(max(dy, 0), h + min(dy, 0)), slice(max(dx, 0), w + min(dx, 0)))
    return float(psnr(x.roll((dy, dx), (-2, -1))[there], y[there]))


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)


@exercise("aligned_psnr")
def _aligned_psnr(answer: Any) -> str | None:
    reach = 2
    large = _scene(46, 52)
    y = large[..., 3:-3, 3:-3]  # (1, 1, 40, 46)
    for down, right in ((2, 1), (-1, 2), (-2, -2), (0, 0)):
        # The place that brings it back is `down` rows further down and `right` columns to the right.
        x = large[..., 3 + down : 43 + down, 3 + right : 49 + right]
        x = add_noise(x, 0.02, generator=seed(8)).clamp(0, 1)
        all_, short = range(-reach, reach + 1), range(-reach, reach)
        expected = _best(x, y, all_, all_, reach)
        given = answer(x.clone(), y.clone(), reach)
        if complaint := _no_number(given):
            return complaint
        mine = float(given)
        if _same(mine, expected):
            continue
        reason = _first(
            mine,
            [
                (
                    _best(x, y, short, short, 0),
                    f"neither bug is mended: range(-{reach}, {reach}) ends at {reach - 1}, and pixels that come round "
                    "from the opposite border are scored.",
                ),
                (
                    _best(x, y, all_, all_, 0),
                    "the pixels that `roll` brings round from the opposite border are scored.",
                ),
                (_best(x, y, short, short, reach), f"you never look at +{reach}: range leaves its end out."),
                (
                    _overlap(x, y, down, right),
                    "each displacement is scored on other pixels: the rim has to stay fixed.",
                ),
                (_best(x, y, [0], [0], reach), "you did not look for a better place."),
                (_best(x, y, [0], all_, reach), "you looked to the left and right, and not up and down."),
                (_best(x, y, all_, [0], reach), "you looked up and down, and not to the left and right."),
                (_best(x, y, all_, all_, reach, min), "this is the *worst* place: a high PSNR is good."),
                (_best(x, y, all_, all_, reach, _mean), "this is the mean over all places; asked for is the best."),
            ],
        )
        reason = reason or f"leave {reach} pixels out all round, of both pictures, then take the best."
        return (
            f"your answer is {mine:.2f} dB, expected {expected:.2f} dB, for a picture whose place is {down} rows and "
            f"{right} columns away: {reason}"
        )
    return None
