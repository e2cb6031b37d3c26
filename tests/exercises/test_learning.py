"""The checkers of the learning chapter: each knows the right answer, and names each wrong idea."""

import math
import re
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.exercises import check
from deblurlib.losses import adversarial, cycle
from deblurlib.networks import PatchDiscriminator
from deblurlib.networks import receptive_field as field_of_a_network

Player = Callable[[Tensor], Tensor]


def receptive_field(sizes: list[int], strides: list[int]) -> int:
    size = 1
    for kernel, stride in reversed(list(zip(sizes, strides, strict=True))):
        size = (size - 1) * stride + kernel
    return size


def walked_forwards(sizes: list[int], strides: list[int]) -> int:
    return receptive_field(sizes[::-1], strides[::-1])


def own_stride(sizes: list[int], strides: list[int]) -> int:
    size, jump = 1, 1
    for kernel, stride in zip(sizes, strides, strict=True):
        jump *= stride
        size += (kernel - 1) * jump
    return size


def no_steps_between(sizes: list[int], strides: list[int]) -> int:
    size = 1
    for kernel, stride in reversed(list(zip(sizes, strides, strict=True))):
        size = size * stride + kernel
    return size


def from_zero(sizes: list[int], strides: list[int]) -> int:
    size = 0
    for kernel, stride in reversed(list(zip(sizes, strides, strict=True))):
        size = (size - 1) * stride + kernel
    return size


def two_losses(judge: Player, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    on_real, on_fake = judge(real), judge(fake.detach())
    return 0.5 * ((on_real - 1).square().mean() + on_fake.square().mean()), (judge(fake) - 1).square().mean()


def game(mine: Callable[[Tensor, Tensor], Tensor], which: int) -> Callable[[Player, Tensor, Tensor], Any]:
    """The right losses, but for one player's, which is a function of the scores of real and fake images."""

    def wrong(judge: Player, real: Tensor, fake: Tensor) -> tuple[Tensor, ...]:
        losses = list(two_losses(judge, real, fake))
        losses[which] = mine(judge(real), judge(fake.detach() if which == 0 else fake))
        return tuple(losses)

    return wrong


def attached(judge: Player, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    on_fake = judge(fake)
    return 0.5 * ((judge(real) - 1).square().mean() + on_fake.square().mean()), (on_fake - 1).square().mean()


def detached(judge: Player, real: Tensor, fake: Tensor) -> tuple[Tensor, Tensor]:
    on_fake = judge(fake.detach())
    return 0.5 * ((judge(real) - 1).square().mean() + on_fake.square().mean()), (on_fake - 1).square().mean()


def round_trip(sharpen: Player, reblur: Player, blurred: Tensor, sharp: Tensor) -> Tensor:
    return cycle(blurred, reblur(sharpen(blurred))) + cycle(sharp, sharpen(reblur(sharp)))


def colleagues_trip(sharpen: Player, reblur: Player, blurred: Tensor, sharp: Tensor) -> Tensor:
    there = reblur(sharpen(blurred)) - sharp
    back = reblur(sharpen(sharp)) - sharp
    return there.mean().abs() + back.mean().abs()


def best_judge_loss(real: Tensor, fake: Tensor) -> float:
    total = real + fake
    return float(0.5 * (real * fake / torch.where(total > 0, total, 1)).sum())


def mean(x: Tensor) -> Tensor:
    return x.abs().mean()


REFERENCES: dict[str, Callable[..., Any]] = {
    "receptive_field": receptive_field,
    "two_losses": two_losses,
    "round_trip": round_trip,
    "best_judge_loss": best_judge_loss,
}

WRONG: dict[str, dict[str, tuple[Callable[..., Any], str]]] = {
    "receptive_field": {
        "forwards": (walked_forwards, "start at the score"),
        "no strides": (lambda k, s: 1 + sum(n - 1 for n in k), "you left the strides out"),
        "own stride": (own_stride, "own stride spreads the layers after it"),
        "r, not r - 1": (no_steps_between, "there are r - 1 steps"),
        "from zero": (from_zero, "the score itself is one pixel wide"),
        "area": (lambda k, s: receptive_field(k, s) ** 2, "the area of the patch"),
        "sum": (lambda k, s: sum(k), "do not add up"),
        "stride of the scores": (lambda k, s: math.prod(s), "how far apart"),
        "something else": (lambda k, s: 77, r"your answer is 77, expected \d+\.$"),
        "no number": (lambda k, s: k, "expected one number, a side"),
    },
    "two_losses": {
        "no half": (game(lambda r, f: (r - 1).square().mean() + f.square().mean(), 0), "the half is missing"),
        "swapped": (game(lambda r, f: (r.square().mean() + (f - 1).square().mean()) / 2, 0), "swapped the labels"),
        "mean first": (
            game(lambda r, f: ((r.mean() - 1).square() + f.mean().square()) / 2, 0),
            "judge's loss .* right on average",
        ),
        "sum": (
            game(lambda r, f: ((r - 1).square().sum() + f.square().sum()) / 2, 0),
            "judge.* you took the sum",
        ),
        "no fakes": (game(lambda r, f: (r - 1).square().mean() / 2, 0), "the fakes are missing"),
        "cross-entropy": (game(lambda r, f: (F.softplus(-r) + F.softplus(f)).mean() / 2, 0), "Goodfellow"),
        "order": (lambda *a: two_losses(*a)[::-1], "the judge's comes first"),
        "to zero": (game(lambda r, f: f.square().mean(), 1), "which is what the judge wants"),
        "half": (game(lambda r, f: (f - 1).square().mean() / 2, 1), "there is no half here"),
        "minus": (game(lambda r, f: -((r - 1).square().mean() + f.square().mean()) / 2, 1), "minus the judge's loss"),
        "forger's mean": (game(lambda r, f: (f.mean() - 1).square(), 1), "forger's loss .* before squaring"),
        "forger's sum": (game(lambda r, f: (f - 1).square().sum(), 1), "forger's loss .* took the sum"),
        "the real ones": (game(lambda r, f: (r - 1).square().mean(), 1), "the scores of the real ones"),
        "not detached": (attached, "taught to be caught"),
        "detached twice": (detached, "no gradient of the forger's loss"),
        "one loss": (lambda *a: two_losses(*a)[0], "expected two losses"),
        "maps": (lambda judge, real, fake: ((judge(real) - 1) ** 2, judge(fake) ** 2), "expected two scalars"),
        "something else": (game(lambda r, f: r.mean() * 7, 0), r"judge's loss is [\d.]+, expected [\d.]+\.$"),
    },
    "round_trip": {
        "all three": (colleagues_trip, "3 bugs are left: .*you compare it with the sharp one.*wrong order.*cancel"),
        "crossed": (
            lambda g, f, b, s: mean(f(g(b)) - s) + mean(g(f(s)) - s),
            "1 bug is left: the trip of the blurred image has to end at the blurred image",
        ),
        "crossed back": (lambda g, f, b, s: mean(f(g(b)) - b) + mean(g(f(s)) - b), "1 bug .* trip of the sharp image"),
        "one way": (lambda g, f, b, s: mean(g(b) - s) + mean(f(s) - b), "2 bugs .* only goes one way"),
        "order": (lambda g, f, b, s: mean(f(g(b)) - b) + mean(f(g(s)) - s), "1 bug .* the sharp image goes through"),
        "mean first": (
            lambda g, f, b, s: (f(g(b)) - b).mean().abs() + (g(f(s)) - s).mean().abs(),
            "1 bug is left: errors of opposite sign cancel",
        ),
        "squares": (lambda g, f, b, s: (f(g(b)) - b).square().mean() + (g(f(s)) - s).square().mean(), "you squared"),
        "half": (lambda *a: round_trip(*a) / 2, "the two trips are added up"),
        "blurred alone": (lambda g, f, b, s: mean(f(g(b)) - b), "the sharp ones have a trip of their own"),
        "sharp alone": (lambda g, f, b, s: mean(g(f(s)) - s), "the blurred ones have a trip of their own"),
        "map": (lambda g, f, b, s: f(g(b)) - b, "expected one number"),
        "something else": (lambda g, f, b, s: b.mean() * 9, r"your cycle loss is [\d.]+, expected [\d.]+\.$"),
    },
    "best_judge_loss": {
        "no half": (lambda p, q: 2 * best_judge_loss(p, q), "the half"),
        "mean": (lambda p, q: best_judge_loss(p, q) / len(p), "mean over the bins"),
        "chance": (lambda p, q: 0.25, "that is the chance line"),
        "hard": (lambda p, q: 0.5 * torch.minimum(p, q).sum(), "says only 0 or 1"),
        "overlap": (lambda p, q: torch.minimum(p, q).sum(), "how much they overlap"),
        "unweighed": (
            lambda p, q: 0.5 * ((p / (p + q) - 1).square() + (p / (p + q)).square()).sum(),
            "weigh each bin",
        ),
        "entropy": (
            lambda p, q: -0.5 * (p * (p / (p + q)).log() + q * (q / (p + q)).log()).sum(),
            "Goodfellow",
        ),
        "p alone": (lambda p, q: 0.5 * (p * (p - 1).square() + q * p.square()).sum(), "not by p"),
        "distance": (lambda p, q: 0.5 * (p - q).square().sum(), "it grows when"),
        "stubborn": (lambda p, q: 0.5, "the same verdict"),
        "zero": (lambda p, q: 0.0, "even the best judge pays"),
        "NaN": (lambda p, q: 0.5 * (p * q / (p + q)).sum(), "empty in both .* NaN"),
        "tensor": (lambda p, q: p * q, "expected one number"),
        "something else": (lambda p, q: 0.777, r"0\.7770, expected [\d.]+\.$"),
    },
}


@pytest.mark.parametrize("name", REFERENCES)
def test_right(name: str) -> None:
    assert check(name, REFERENCES[name], strict=True).passed


def test_references_are_the_library() -> None:
    for size in (16, 34, 70, 142):
        network = PatchDiscriminator(size, width=1)
        layers = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d)]
        mine = receptive_field([m.kernel_size[0] for m in layers], [m.stride[0] for m in layers])
        assert mine == field_of_a_network(network) == size
    real, fake = torch.rand(2, 2, 1, 4, 4, generator=torch.Generator().manual_seed(1))
    losses = two_losses(lambda x: x, real, fake)
    form = adversarial("least_squares")
    assert torch.equal(losses[0], form.discriminator(real, fake)) and torch.equal(losses[1], form.generator(fake))
    even = torch.full((4,), 0.25)
    assert best_judge_loss(even, even) == form.discriminator_chance


@pytest.mark.parametrize("name", REFERENCES)
def test_stub_is_not_done_yet(name: str) -> None:
    def stub(*_: object) -> object:
        raise NotImplementedError("your turn")

    result = check(name, stub)
    assert result.passed is None and result.message == "not done yet."


@pytest.mark.parametrize(("name", "slip"), [(name, slip) for name, slips in WRONG.items() for slip in slips])
def test_wrong_idea_is_named(name: str, slip: str) -> None:
    answer, words = WRONG[name][slip]
    result = check(name, answer)
    assert result.passed is False
    assert re.search(words, result.message), result.message


@pytest.mark.parametrize("name", WRONG)
def test_each_wrong_idea_has_its_own_message(name: str) -> None:
    messages = [check(name, answer).message for answer, _ in WRONG[name].values()]
    assert len(set(messages)) == len(messages) >= 4


@pytest.mark.parametrize(("name", "slip"), [(name, slip) for name, slips in WRONG.items() for slip in slips])
def test_message_is_one_line_and_holds_a_number(name: str, slip: str) -> None:
    message = check(name, WRONG[name][slip][0]).message
    assert "\n" not in message and message.endswith(".")


@pytest.mark.parametrize("name", REFERENCES)
def test_an_answer_that_breaks_is_reported(name: str) -> None:
    result = check(name, lambda: None)
    assert result.passed is False and "TypeError" in result.message


def test_answers_may_come_as_other_numbers() -> None:
    assert check("receptive_field", lambda k, s: torch.tensor(receptive_field(k, s))).passed
    assert check("receptive_field", lambda k, s: float(receptive_field(k, s))).passed
    assert check("best_judge_loss", lambda p, q: torch.tensor(best_judge_loss(p, q))).passed
    assert check("two_losses", lambda *a: list(two_losses(*a))).passed
