"""The exercises of the chapter 'Why naive MAP picks the no-blur solution'."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.exercises.check import exercise
from deblurlib.exercises.known_kernel import FORGOTTEN, _same
from deblurlib.profile import seed


@exercise("bar_price")
def _bar_price(answer: Any) -> str | None:
    for width, length, alpha in ((2, 9, 0.5), (12, 5, 0.3), (4, 4, 1.0)):
        given = answer(width, length, alpha)
        if given is None:
            return FORGOTTEN
        mine, flank = float(given), min(width, length)
        expected = 2 * flank * length**-alpha
        if _same(mine, expected):
            continue
        case = f"for a bar of {width}, a motion of {length} and alpha {alpha} you have {mine:.3f}, not {expected:.3f}"
        known = [
            (expected / 2, "a bar has two flanks."),
            (2 * width * length**-alpha, "a flank has no more steps than the motion has pixels."),
            (2 * length * length**-alpha, "a bar narrower than the motion does not reach its full height."),
            (2 * max(width, length) * length**-alpha, "you took the larger of the two, not the smaller."),
            (2 * flank / length, "the exponent is missing."),
            (2 * flank * length**alpha, "blur makes steps smaller; yours grow with the motion."),
            (2 * flank * flank**-alpha, "the height of a step is one over the motion, whatever the bar."),
            (2 * (flank / length) ** alpha, "each step pays for itself: the power is taken of one, not of their sum."),
            (2.0, "that is the price of the sharp bar."),
        ]
        reason = next((text for value, text in known if _same(mine, value)), "count the steps, then price one.")
        return f"{case}: {reason}"
    return None


@exercise("pair_energy")
def _pair_energy(answer: Any) -> str | None:
    x = torch.rand(1, 1, 14, 15, generator=seed(1)).double()
    k = torch.rand(1, 1, 3, 5, generator=seed(2)).double()
    k = k / k.sum()
    sigma, weight, alpha = 0.2, 0.7, 0.6
    y = torch.rand(1, 1, 12, 11, generator=seed(4)).double()
    given = answer(y.clone(), x.clone(), k.clone(), sigma, weight, alpha)
    if given is None:
        return FORGOTTEN
    if not isinstance(given, Tensor) or given.numel() != 1:
        shape = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        return f"your answer is {shape}, expected a tensor with one number: sum over all pixels."
    mine = float(given)

    def energy(
        kernel: Tensor, *, mean: bool = False, half: float = 2.0, power: float = 2.0, exponent: float = alpha
    ) -> tuple[float, float]:
        error = (F.conv2d(x, kernel) - y).square()
        across, down = x[..., :-1, 1:] - x[..., :-1, :-1], x[..., 1:, :-1] - x[..., :-1, :-1]
        price = torch.cat([across, down]).abs().pow(exponent)
        total = torch.mean if mean else torch.sum
        return float(total(error)) / (half * sigma**power), float(total(price))

    turned = k.flip(-1, -2)
    misfit, price = energy(turned)
    expected = misfit + weight * price
    if _same(mine, expected):
        return None
    across = float((x[..., :-1, 1:] - x[..., :-1, :-1]).abs().pow(alpha).sum())
    known = [
        (energy(k)[0] + weight * price, "`conv2d` correlates: turn the kernel for a convolution."),
        (2 * misfit + weight * price, "the first term lacks its one half."),
        (energy(turned, power=1)[0] + weight * price, "the noise comes in as its square."),
        (energy(turned, power=0)[0] + weight * price, "the noise is missing: without it no unit of both terms fits."),
        (misfit + price, "the weight is missing."),
        (weight * misfit + price, "the weight belongs to the differences, not to the misfit."),
        (misfit, "the price of the differences is missing."),
        (weight * price, "what the pair does not explain is missing."),
        (misfit + weight * energy(turned, exponent=1.0)[1], "the exponent is missing."),
        (misfit + weight * energy(turned, exponent=2.0)[1], "you squared the differences; the exponent is alpha."),
        (misfit + weight * across, "you priced differences across, and none down."),
        (sum(a * b for a, b in zip((1, weight), energy(turned, mean=True), strict=True)), "you took means for sums."),
        (misfit - weight * price, "a probability has the minus sign; an energy adds."),
    ]
    reason = next((text for value, text in known if _same(mine, value)), "look at each term by itself.")
    return f"you have {mine:.2f}, not {expected:.2f}: {reason}"


@exercise("nearest_kernel")
def _nearest_kernel(answer: Any) -> str | None:
    v = torch.tensor([0.5, 0.32, -0.1, 0.06, 0.25, 0.3, 0.02]).double()
    top = v.sort(descending=True).values
    excess = (top.cumsum(0) - 1) / torch.arange(1, len(v) + 1)
    c = excess[(top > excess).nonzero().max()]
    expected = (v - c).clamp(min=0)
    given = answer(v.clone())
    if given is None:
        return FORGOTTEN
    if not isinstance(given, Tensor) or given.shape != v.shape:
        shape = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        return f"your answer is {shape}, expected {tuple(v.shape)}."
    mine = given.double()
    if torch.allclose(mine, expected, atol=1e-5):
        return None
    even = (v.sum() - 1) / len(v)
    known = [
        (v.clamp(min=0) / v.clamp(min=0).sum(), "you clipped and scaled; the nearest one subtracts."),
        (v / v.sum(), "you scaled, and negative light is still there."),
        (v - even, "you subtracted the same from all, and negative light is still there."),
        ((v - even).clamp(min=0), "clipping raised the sum again; c must be larger, so that it is one afterwards."),
        (
            v.clamp(min=0) - (v.clamp(min=0).sum() - 1) / len(v),
            "you clipped before you subtracted; values fall below 0.",
        ),
        (v.softmax(dim=0), "a softmax is positive everywhere; the nearest kernel has zeros."),
        (torch.where(v == v.max(), 1.0, 0.0).double(), "that is a point, the no-blur solution itself."),
        (v, "nothing has changed."),
    ]
    reason = next((text for value, text in known if torch.allclose(mine, value, atol=1e-5)), "which c gives sum 1?")
    far, least = (mine - v).norm(), (expected - v).norm()
    return f"your kernel has the sum {mine.sum():.3f} and lies {far:.3f} from v, the nearest one {least:.3f}: {reason}"
