"""The introduction's checker: it knows the right answer, and names each wrong idea."""

import re
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from deblurlib.exercises import check

OVER = (1, 2, 3)


def right(restored: Tensor, reference: Tensor) -> Tensor:
    return -10 * (restored - reference).square().mean(dim=OVER).log10()


def by_root(restored: Tensor, reference: Tensor) -> Tensor:
    return 20 * (1 / (restored - reference).square().mean(dim=OVER).sqrt()).log10()


def in_a_loop(restored: Tensor, reference: Tensor) -> Tensor:
    return torch.stack([right(a[None], b[None])[0] for a, b in zip(restored, reference, strict=True)])


def stub(restored: Tensor, reference: Tensor) -> Tensor:
    raise NotImplementedError("your turn")


WRONG: dict[str, tuple[Callable[[Tensor, Tensor], object], str]] = {
    "upside down": (lambda a, b: -right(a, b), "stands on its head"),
    "20 of the MSE": (lambda a, b: 2 * right(a, b), "factor 20 belongs to the root"),
    "10 of the root": (lambda a, b: 10 * (1 / (a - b).square().mean(OVER).sqrt()).log10(), "kept the factor 10"),
    "bels": (lambda a, b: -(a - b).square().mean(OVER).log10(), "These are bels"),
    "natural logarithm": (lambda a, b: -10 * (a - b).square().mean(OVER).log(), "torch.log is the natural one"),
    "absolute": (lambda a, b: -10 * (a - b).abs().mean(OVER).log10(), r"You averaged \|difference\|; square"),
    "absolute, then squared": (lambda a, b: -10 * (a - b).abs().mean(OVER).square().log10(), "and squared the mean"),
    "mean before square": (lambda a, b: -10 * (a - b).mean(OVER).square().log10(), "opposite sign cancelled: square"),
    "sum": (lambda a, b: -10 * (a - b).square().sum(OVER).log10(), "the M is for mean"),
    "255": (lambda a, b: 10 * (255**2 / (a - b).square().mean(OVER)).log10(), "not 255"),
    "brightest pixel": (
        lambda a, b: 10 * (b.amax(OVER).square() / (a - b).square().mean(OVER)).log10(),
        "brightest pixel",
    ),
    "channel by channel": (lambda a, b: -10 * (a - b).square().mean((2, 3)).log10().mean(1), "decibels of three"),
    "grey": (
        lambda a, b: right(*((x * torch.tensor([0.299, 0.587, 0.114])[:, None, None]).sum(1, True) for x in (a, b))),
        "red, green and blue",
    ),
    "whole batch": (lambda a, b: -10 * (a - b).square().mean().log10(), "mixes the photographs"),
    "a Python number": (lambda a, b: float(right(a, b).mean()), "mixes the photographs"),
    "shape": (lambda a, b: -10 * (a - b).square().mean((2, 3)).log10(), r"shape \(2, 3\)"),
    "a list": (lambda a, b: right(a, b).tolist(), "is a list"),
    "forgot to return": (lambda a, b: None, "is a NoneType"),
    "capped": (lambda a, b: -10 * ((a - b).square().mean(OVER) + 1e-8).log10(), "caps every score"),
    "something else": (lambda a, b: right(a, b) + 1.234, "In this order"),
    "NaN": (lambda a, b: (a - b).mean(OVER).sqrt() * torch.nan, "In this order"),
}


@pytest.mark.parametrize("answer", [right, by_root, in_a_loop])
def test_right_answers_pass(answer: Callable[[Tensor, Tensor], Tensor]) -> None:
    assert check("psnr", answer, strict=True).passed


@pytest.mark.parametrize("name", WRONG)
def test_wrong_answer_is_told_what_went_wrong(name: str) -> None:
    answer, message = WRONG[name]
    result = check("psnr", answer)
    assert result.passed is False
    with pytest.raises(AssertionError, match=message):
        check("psnr", answer, strict=True)


def test_each_wrong_idea_has_its_own_message() -> None:
    messages = {name: check("psnr", answer).message for name, (answer, _) in WRONG.items()}
    patterns = {pattern for _, pattern in WRONG.values()}
    assert len(patterns) >= 18
    for pattern in patterns:
        told = {name for name, message in messages.items() if re.search(pattern, message)}
        assert told == {name for name, (_, own) in WRONG.items() if own == pattern}


def test_message_names_the_reader_s_number() -> None:
    message = check("psnr", lambda a, b: 2 * right(a, b)).message
    assert f"{2 * _first_score():.2f}" in message


def test_stub_is_not_done_yet() -> None:
    result = check("psnr", stub)
    assert result.passed is None and "not done yet" in result.message


def test_slips_can_be_told_apart() -> None:
    from deblurlib.exercises import intro

    slips = [slip for slip, _ in intro._slips(*intro._examination())]
    slips.append(right(*intro._examination()))
    for i, one in enumerate(slips):
        for other in slips[:i]:
            assert float((one - other).abs().max()) > 10 * intro.TOLERANCE


def _first_score() -> float:
    from deblurlib.exercises import intro

    return float(right(*intro._examination())[0])
