"""The exercises of the chapter 'Measuring sharpness'."""

import math
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blur import Blur, add_noise, gaussian
from deblurlib.exercises.check import exercise
from deblurlib.metrics import ms_ssim
from deblurlib.metrics.ms_ssim import WEIGHTS, halve
from deblurlib.metrics.ssim import comparisons
from deblurlib.profile import seed

CLOSE = 1e-6
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


# ----------------------------------------------------------------------------------------------------- ratio_of_errors
@exercise("ratio_of_errors")
def _ratio_of_errors(answer: Any) -> str | None:
    for estimated, true in ((24.5, 28.0), (26.2, 26.2), (31.3, 30.1)):
        lost = true - estimated
        expected = 10 ** (lost / 10)
        given = answer(estimated, true)
        if complaint := _no_number(given):
            return complaint
        mine = float(given)
        if _same(mine, expected):
            continue
        known = [
            (10 ** (-lost / 10), "it is upside down: the error with the *estimated* kernel is above the line."),
            (10 ** (lost / 20), "this is the ratio of root mean squared errors: PSNR has a 10, not a 20."),
            (10 ** (-lost / 20), "it is upside down, and a ratio of roots: PSNR has a 10, not a 20."),
            (math.exp(lost / 10), "decibels are powers of 10, not of e."),
            (10**lost, "these are bels: ten decibels make a factor of ten, so divide by 10 first."),
            (lost, "this is the difference in decibels, the logarithm of what is asked for."),
            (true / estimated, "you divided decibels: a ratio of logarithms is not the logarithm of a ratio."),
            (estimated / true, "you divided decibels: a ratio of logarithms is not the logarithm of a ratio."),
        ]
        reason = _first(mine, known) or "solve PSNR = 10 log10(1 / MSE) for both errors, and divide them."
        return f"your answer is {mine:.4g} for {estimated} and {true} dB, expected {expected:.4g}: {reason}"
    return None


# ------------------------------------------------------------------------------------------------------- bits_received
def _bits(gain: float, signal: float, noise: float) -> float:
    """Infinite or undefined where no channel has such numbers."""
    ratio = 1 + gain**2 * signal / noise if noise else math.inf
    return math.log2(ratio) if ratio > 0 else math.nan


@exercise("bits_received")
def _bits_received(answer: Any) -> str | None:
    for count, gain, level in ((24, 0.6, 3.0), (40, 1.5, -2.0), (24, -0.7, 1.0)):
        x = 2 + 4 * torch.randn(count, generator=seed(1)).double()
        y = gain * x + level + 1.3 * torch.randn(count, generator=seed(2)).double()
        given = answer(x.clone(), y.clone(), 0.4)
        if complaint := _no_number(given):
            return complaint
        mine = float(given)
        vx, vy = (float(t.var(correction=0)) for t in (x, y))
        cov = float(((x - x.mean()) * (y - y.mean())).mean())
        fitted, backwards = cov / vx, cov / vy
        rest, eye = vy - cov**2 / vx, 0.4
        expected = _bits(max(fitted, 0), vx, rest + eye)
        if _same(mine, expected):
            continue
        more = count / (count - 1)
        raw_xx, raw_yy, raw_xy = (float(t.mean()) for t in (x * x, y * y, x * y))
        raw = raw_xy / raw_xx
        known = [
            (
                _bits(fitted, vx, rest + eye),
                "a negative gain is an inverted picture, and carries nothing here: clamp it at 0.",
            ),
            (math.log(2) * expected, "these are nats, of the natural logarithm; bits have log2."),
            (expected / 2, "the formula has no half in front of the logarithm."),
            (_bits(backwards, vy, vx - cov**2 / vy + eye), "you explained the sharp picture by the damaged one."),
            (
                _bits(max(backwards, 0), vx, rest + eye),
                "the gain divides the covariance by the variance of x, not of y.",
            ),
            (
                _bits(cov / math.sqrt(vx * vy), vx, rest + eye),
                "your gain is the correlation; it lacks the factor of the contrasts.",
            ),
            (_bits(fitted, vx, rest), "the noise of the eye is missing beside the rest."),
            (_bits(fitted, vx, eye), "the rest is missing: what x does not explain of y is noise, too."),
            (_bits(fitted, vx, rest + eye**2), "`eye` is a variance already; you squared it."),
            (
                _bits(fitted, vx, math.sqrt(max(rest, 0)) + eye),
                "you added the rest's standard deviation; variances add.",
            ),
            (_bits(fitted, vx, vy + eye), "the rest is the whole variance of y: take away what the gain explains."),
            (
                _bits(math.sqrt(abs(fitted)), vx, rest + eye),
                "the gain enters squared: it is the variance of g x that counts.",
            ),
            (
                _bits(raw, raw_xx, raw_yy - raw * raw_xy + eye),
                "the means are still in it: take them away before the products.",
            ),
            (_bits(fitted, vx * more, rest * more + eye), "you divided by N - 1; the chapter's means divide by N."),
            (_bits(fitted, vx * count, rest * count + eye), "these are sums: divide variances and covariance by N."),
        ]
        reason = _first(mine, known) or "fit the gain, then the rest, then count: one line of the equation each."
        return f"your answer is {mine:.4f} bits for a gain of {fitted:.2f}, expected {expected:.4f}: {reason}"
    return None


# ------------------------------------------------------------------------------------------------------ mended_ms_ssim
def _every_second(x: Tensor) -> Tensor:
    return x[..., ::2, ::2]


def _zeros_outside(x: Tensor) -> Tensor:
    """Averages over 2x2 pixels, with zeros where an odd side ends."""
    return F.avg_pool2d(F.pad(x, (0, x.shape[-1] % 2, 0, x.shape[-2] % 2)), 2)


def _cut(x: Tensor) -> Tensor:
    return F.avg_pool2d(x, 2)


def _scales(
    y: Tensor,
    x: Tensor,
    *,
    smaller: Callable[[Tensor], Tensor] = halve,
    levels: Iterable[int] = (4,),
    power_first: bool = False,
    weights: Iterable[float] = WEIGHTS,
) -> float:
    """MS-SSIM with its mistakes as switches."""
    result = 1.0
    for j, weight in enumerate(weights):
        level, structure = comparisons(x, y)
        score = structure * level if j in levels else structure
        if power_first:
            result *= float((score.clamp(min=0) ** weight).mean())
        else:
            result *= max(float(score.mean()), 0) ** weight
        x, y = smaller(x), smaller(y)
    return result


BUGS = {
    "smaller": (_every_second, "every second pixel is taken, which keeps all of the noise: average 2 x 2 pixels"),
    "levels": (range(5), "the level is asked for at every scale: only the coarsest one asks"),
    "power_first": (True, "each window is raised to the weight before the mean: take the mean, then the power"),
}


@exercise("mended_ms_ssim")
def _mended_ms_ssim(answer: Any) -> str | None:
    for h, w in ((192, 208), (197, 211)):
        blocks = torch.rand(1, 1, 24, 27, generator=seed(5)).double()
        x = blocks.repeat_interleave(9, -2).repeat_interleave(9, -1)[..., :h, :w]
        x = add_noise(0.5 * x + 0.2, 0.03, generator=seed(6))
        y = Blur(gaussian(9, 1.2).double(), "reflect")(x)
        y = add_noise(0.8 * y, 0.04, generator=seed(7)).clamp(0, 1)
        expected = float(ms_ssim(y, x))
        given = answer(y.clone(), x.clone())
        if complaint := _no_number(given):
            return complaint
        mine = float(given)
        if _same(mine, expected):
            continue
        for left in product((True, False), repeat=len(BUGS)):
            remaining = {name: bug for (name, bug), there in zip(BUGS.items(), left, strict=True) if there}
            switches: dict[str, Any] = {name: value for name, (value, _) in remaining.items()}
            if remaining and _same(mine, _scales(y, x, **switches)):
                told = "; ".join(text for _, text in remaining.values())
                return f"your answer is {mine:.4f}, expected {expected:.4f}: {len(remaining)} of 3 bugs left: {told}."
        known = [
            (_scales(y, x, levels=()), "the level is asked for nowhere; the coarsest scale asks for it."),
            (_scales(y, x, levels=(0,)), "the level is asked for at the finest scale; it belongs to the coarsest."),
            (
                _scales(y, x, weights=WEIGHTS[::-1]),
                "the weights run the wrong way round: the first is the finest scale's.",
            ),
            (_scales(y, x, weights=(0.2,) * 5), "all scales weigh the same; take the weights."),
            (_scales(y, x, weights=(1.0,) * 5), "the weights are missing: they are exponents."),
            (
                _scales(y, x, smaller=_zeros_outside),
                "odd sides are filled up with zeros; double the last row or column.",
            ),
            (_scales(y, x, smaller=_cut), "odd sides lose their last row or column; `halved` doubles it."),
        ]
        reason = _first(mine, known) or "mend one of the three at a time, and compare each with the equation."
        return f"your answer is {mine:.4f} for {h} x {w} pixels, expected {expected:.4f}: {reason}"
    return None
