"""The exercises of the chapter 'Learning to deblur: a cycle-GAN in the small'."""

import math
from collections.abc import Callable, Iterable
from itertools import product
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

CLOSE = 1e-5
"""Two values this near are equal: float32 in another order of summation, not another idea."""

Slips = Iterable[tuple[float, str]]


def _number(value: object) -> float | None:
    """A number, or a tensor of one element, as a float; None for anything else."""
    if isinstance(value, Tensor):
        return float(value.detach()) if value.numel() == 1 else None
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _near(a: float, b: float) -> bool:
    return abs(a - b) <= CLOSE * max(1.0, abs(b))


def _explain(said: str, mine: float, slips: Slips) -> str:
    return next((f"{said}: {why}." for wrong, why in slips if _near(mine, wrong)), f"{said}.")


LAYERS = (
    ((3, 5, 7, 2), (1, 2, 3, 1)),
    ((4, 4, 4, 4, 4), (2, 2, 2, 1, 1)),
)
"""Kernel sizes and strides from the image to the score; the first chain has no two mistakes with one answer."""


@exercise("receptive_field")
def _receptive_field(answer: Any) -> str | None:
    for sizes, strides in LAYERS:
        result = answer(list(sizes), list(strides))
        mine = _number(result)
        if mine is None:
            return f"your answer is {result!r}, expected one number, a side in pixels."
        true = _walk_back(sizes, strides)
        if _near(mine, true):
            continue
        said = f"for kernels {list(sizes)} with strides {list(strides)} your answer is {mine:g}, expected {true}"
        return _explain(said, mine, _field_slips(sizes, strides))
    return None


def _walk_back(sizes: Iterable[int], strides: Iterable[int], size: int = 1) -> int:
    for kernel, stride in reversed(list(zip(sizes, strides, strict=True))):
        size = (size - 1) * stride + kernel
    return size


def _field_slips(sizes: tuple[int, ...], strides: tuple[int, ...]) -> Slips:
    layers = list(zip(sizes, strides, strict=True))
    own = 1 + sum((k - 1) * math.prod(strides[: i + 1]) for i, k in enumerate(sizes))
    apart = 1
    for k, s in reversed(layers):
        apart = apart * s + k
    return [
        (_walk_back(sizes[::-1], strides[::-1]), "you walked from the image to the score; start at the score"),
        (1 + sum(k - 1 for k in sizes), "you left the strides out: behind a stride of 2 every step counts twice"),
        (own, "a layer's own stride spreads the layers after it, not its own kernel"),
        (apart, "between r samples there are r - 1 steps of the stride, not r"),
        (_walk_back(sizes, strides, 0), "you started from 0; the score itself is one pixel wide"),
        (_walk_back(sizes, strides) ** 2, "that is the area of the patch, asked is its side"),
        (sum(sizes), "kernel sizes do not add up: neighbouring kernels share all but the new pixels"),
        (math.prod(strides), "that is how far apart the patches of neighbouring scores are, not how wide one is"),
    ]


class _Judge:
    """A judge whose scores are easily told apart, and that remembers what it was shown."""

    def __call__(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x.mean(dim=1, keepdim=True), 4) * 1.5 + 0.1


@exercise("two_losses")
def _two_losses(answer: Any) -> str | None:
    judge = _Judge()
    real = torch.rand(2, 3, 8, 12, generator=seed(7))
    forged = 0.6 * torch.rand(2, 3, 8, 12, generator=seed(8))
    fake = forged.clone().requires_grad_()
    result = answer(judge, real.clone(), fake)
    if not (isinstance(result, tuple | list) and len(result) == 2 and all(isinstance(v, Tensor) for v in result)):
        return f"your answer is {_in_short(result)}, expected two losses, (the judge's, the forger's), as tensors."
    if any(v.numel() != 1 for v in result):
        shapes = " and ".join(str(tuple(v.shape)) for v in result)
        return f"your losses have shapes {shapes}, expected two scalars: take the mean over all scores."
    on_real, on_fake = judge(real), judge(forged)
    for player, loss, true, slips in zip(
        ("judge", "forger"), result, _least_squares(on_real, on_fake), _game_slips(on_real, on_fake), strict=True
    ):
        if not _near(mine := float(loss.detach()), true):
            return _explain(f"your {player}'s loss is {mine:.4f}, expected {true:.4f}", mine, slips)
    reaches = [bool(_gradient(loss, fake).abs().max() > 0) for loss in result]
    if reaches[0]:
        return (
            "both numbers are right, but the judge's loss sends a gradient into the fakes: the forger would be taught "
            "to be caught. Detach them there."
        )
    if not reaches[1]:
        return (
            "both numbers are right, but no gradient of the forger's loss reaches the fakes, so the forger learns "
            "nothing: detach them in the judge's loss alone."
        )
    return None


def _least_squares(real: Tensor, fake: Tensor) -> tuple[float, float]:
    return float(0.5 * ((real - 1).square().mean() + fake.square().mean())), float((fake - 1).square().mean())


def _game_slips(real: Tensor, fake: Tensor) -> tuple[Slips, Slips]:
    judge, forger = _least_squares(real, fake)
    swapped = float(0.5 * (real.square().mean() + (fake - 1).square().mean()))
    averaged = float(0.5 * ((real.mean() - 1).square() + fake.mean().square()))
    crossed = float(0.5 * (F.softplus(-real).mean() + F.softplus(fake).mean()))
    return (
        (
            (2 * judge, "the half is missing, so that its chance line is 0.5 and not 0.25"),
            (swapped, "you swapped the labels: a real patch should score 1, a fake one 0"),
            (averaged, "you averaged the scores before squaring: a judge right on average would pay nothing"),
            (judge * real.numel(), "you took the sum; a mean does not grow with the number of patches"),
            (float(0.5 * (real - 1).square().mean()), "the fakes are missing: a judge that says 1 to all pays nothing"),
            (crossed, "that is the cross-entropy of Goodfellow's game; here scores are pulled to 1 and 0 by _squares"),
            (forger, "that is the forger's loss; the judge's comes first"),
        ),
        (
            (float(fake.square().mean()), "you pull the fakes to 0, which is what the judge wants; the forger wants 1"),
            (0.5 * forger, "there is no half here: the forger has one term"),
            (-judge, "the forger does not minimise minus the judge's loss; it pulls the scores of its fakes to 1"),
            (float((fake.mean() - 1).square()), "you averaged the scores before squaring; square each one first"),
            (forger * fake.numel(), "you took the sum; a mean does not grow with the number of patches"),
            (float((real - 1).square().mean()), "those are the scores of the real ones; the forger made the fakes"),
        ),
    )


def _gradient(loss: Tensor, x: Tensor) -> Tensor:
    if not loss.requires_grad:
        return torch.zeros_like(x)
    (gradient,) = torch.autograd.grad(loss, x, retain_graph=True, allow_unused=True)
    return torch.zeros_like(x) if gradient is None else gradient


def _in_short(value: object) -> str:
    return f"a tensor of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"of type {type(value).__name__}"


def _to_sharp(x: Tensor) -> Tensor:
    return 1.3 * x - 0.2 * x.roll(1, dims=-1)


def _to_blur(x: Tensor) -> Tensor:
    return (0.5 * x + 0.3 * x.roll(1, dims=-2) + 0.1).square()


KINDS = ("right", "crossed", "one way", "wrong order")
"""What can be wrong with one of the two terms: it ends at the partner, stops half-way, or starts the wrong way."""


@exercise("round_trip")
def _round_trip(answer: Any) -> str | None:
    blurred, sharp = torch.rand(2, 2, 3, 6, 7, generator=seed(9))
    result = answer(_to_sharp, _to_blur, blurred.clone(), sharp.clone())
    mine = _number(result)
    if mine is None:
        return f"your answer is {_in_short(result)}, expected one number, the sum of two mean distances."
    true = _trip("right", "right", _abs_first, 1.0, blurred, sharp)
    if _near(mine, true):
        return None
    said = f"your cycle loss is {mine:.4f}, expected {true:.4f}"
    for there, back, distance, factor in product(KINDS, KINDS, (_abs_first, _mean_first, _squares), (1.0, 0.5)):
        if _near(mine, _trip(there, back, distance, factor, blurred, sharp)):
            return f"{said}: {_what_is_left(there, back, distance, factor)}."
    blurred_trip = _trip("right", None, _abs_first, 1.0, blurred, sharp)
    slips = (
        (blurred_trip, "you sent the blurred images round; the sharp ones have a trip of their own"),
        (true - blurred_trip, "you sent the sharp images round; the blurred ones have a trip of their own"),
    )
    return _explain(said, mine, slips)


def _abs_first(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).abs().mean()


def _mean_first(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).mean().abs()


def _squares(a: Tensor, b: Tensor) -> Tensor:
    return (a - b).square().mean()


def _trip(
    there: str | None,
    back: str | None,
    distance: Callable[[Tensor, Tensor], Tensor],
    factor: float,
    blurred: Tensor,
    sharp: Tensor,
) -> float:
    total = torch.zeros(())
    for kind, first, second, own, other in (
        (there, _to_sharp, _to_blur, blurred, sharp),
        (back, _to_blur, _to_sharp, sharp, blurred),
    ):
        if kind == "wrong order":
            first, second = second, first
        if kind == "one way":
            total = total + distance(first(own), other)
        elif kind:
            total = total + distance(second(first(own)), other if kind == "crossed" else own)
    return factor * float(total)


def _what_is_left(there: str, back: str, distance: Callable[[Tensor, Tensor], Tensor], factor: float) -> str:
    found = []
    trips = (there, "the blurred image", "the sharp one"), (back, "the sharp image", "the blurred one")
    for kind, own, other in trips:
        if kind == "crossed":
            found.append(f"the trip of {own} has to end at {own}; you compare it with {other}, which takes a pair")
        elif kind == "one way":
            found.append(f"{own} only goes one way, and is compared with {other}: send it through both generators")
        elif kind == "wrong order":
            found.append(f"{own} goes through the generators in the wrong order")
    if distance is _mean_first:
        found.append("errors of opposite sign cancel, for you average before you take abs()")
    if distance is _squares:
        found.append("you squared; the cycle loss is the mean absolute difference")
    if factor != 1:
        found.append("you halved it; the two trips are added up")
    return f"{len(found)} {'bug is' if len(found) == 1 else 'bugs are'} left: {'; '.join(found)}"


@exercise("best_judge_loss")
def _best_judge_loss(answer: Any) -> str | None:
    p, q = (torch.rand(6, generator=seed(n), dtype=torch.float64) ** 2 for n in (11, 12))
    p, q = p / p.sum(), q / q.sum()
    apart = torch.tensor([0.5, 0.5, 0.0, 0.0]).double(), torch.tensor([0.0, 0.0, 0.25, 0.75]).double()
    empty = torch.tensor([0.5, 0.5, 0.0]).double(), torch.tensor([0.25, 0.75, 0.0]).double()
    for what, (real, fake) in (
        ("two overlapping histograms", (p, q)),
        ("two equal histograms", (p, p)),
        ("histograms that never overlap", apart),
        ("histograms with a bin that is empty in both", empty),
    ):
        result = answer(real.clone(), fake.clone())
        mine = _number(result)
        if mine is None:
            return f"your answer is {_in_short(result)}, expected one number."
        if math.isnan(mine):
            return f"for {what} your answer is NaN: where neither occurs, p + q is 0, and that costs nothing."
        true = _overlap(real, fake)
        if not _near(mine, true):
            said = f"for {what} your answer is {mine:.4f}, expected {true:.4f}"
            return _explain(said, mine, _judge_slips(real, fake))
    return None


def _overlap(p: Tensor, q: Tensor) -> float:
    return float(0.5 * (p * q / (p + q).clamp_min(1e-300)).sum())


def _judge_slips(p: Tensor, q: Tensor) -> Slips:
    share = p / (p + q).clamp_min(1e-300)
    entropy = -0.5 * (torch.xlogy(p, share) + torch.xlogy(q, 1 - share)).sum()
    unfair = 0.5 * (p * (p - 1).square() + q * p.square()).sum()
    return [
        (2 * _overlap(p, q), "the half of the judge's loss is missing"),
        (_overlap(p, q) / len(p), "you took the mean over the bins; probabilities are weights already, so add up"),
        (0.25, "that is the chance line, for a judge that cannot tell; this one knows both histograms"),
        (
            float(0.5 * torch.minimum(p, q).sum()),
            "a judge that says only 0 or 1 pays more than one of p / (p + q)",
        ),
        (float(torch.minimum(p, q).sum()), "that is how much they overlap; the question is what the best judge pays"),
        (float(0.5 * ((share - 1).square() + share.square()).sum()), "weigh each bin by how often it comes, p and q"),
        (float(entropy), "that is the best judge of Goodfellow's game; here the loss is a square"),
        (float(unfair), "a patch scores best by the share of real among all that look so, p / (p + q), not by p"),
        (
            float(0.5 * (p - q).square().sum()),
            "that is a distance of the histograms; it grows when the judge pays less",
        ),
        (0.5, "a judge that always gives the same verdict, 0 or 1, pays that; the best one does better"),
        (0.0, "even the best judge pays where real and fake patches look alike"),
    ]
