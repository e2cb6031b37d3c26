"""The exercises of the chapter 'Conditional GANs for deblurring'."""

from typing import Any

import torch
from torch import Tensor, nn

from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

CLOSE = 1e-6
"""Two values this near are equal: another order of the same operations, not another idea."""


def _near(a: float, b: float) -> bool:
    return abs(a - b) <= CLOSE * (1 + abs(b))


def _count(given: float | Tensor) -> int:
    return given.numel() if isinstance(given, Tensor) else 1


@exercise("price_of_a_guess")
def _price_of_a_guess(answer: Any) -> str | None:
    for n in (2, 5):
        given = answer(n)
        if isinstance(given, bool) or not isinstance(given, int | float | Tensor) or _count(given) != 1:
            what = given if given is None else type(given).__name__
            return f"for n = {n} your answer is {what}, expected one number."
        mine, expected = float(given), (n / (n + 1)) ** 2
        if _near(mine, expected):
            continue
        said = f"for n = {n} your answer is {mine:.4f}, expected {expected:.4f}"
        for wrong, reason in (
            (n / (n + 1), "that is how far the score is from one; the forger pays its square."),
            (1 / (n + 1), "that is the judge's score; the forger pays for how far it is from one."),
            (1 / (n + 1) ** 2, "you squared the score; the forger wants a score of one, not of zero."),
            ((1 / n - 1) ** 2, "you took 1/n for the score; the best judge divides by p + q, the forged ones too."),
            (0.25, "that is chance, where real and forged look alike; here one photograph is shown all the time."),
            (1.0, "that pays who never shows a photograph; yours occurs, once in n."),
            ((n / (n + 1)) ** 2 / 2, "the forger's loss has no half."),
        ):
            if _near(mine, wrong):
                return f"{said}: {reason}"
        return f"{said}."
    return None


@exercise("pix2pix_loss")
def _pix2pix_loss(answer: Any) -> str | None:
    weights = torch.randn(1, 6, 3, 3, generator=seed(1), dtype=torch.float64)

    def judge(x: Tensor) -> Tensor:
        if x.ndim != 4 or x.shape[1] != 6:
            raise ValueError(f"the judge takes six channels, blurred and answer, and got {tuple(x.shape)}")
        return nn.functional.conv2d(x, weights, stride=2)

    blurred, sharp, made = torch.rand(3, 2, 3, 9, 9, generator=seed(2), dtype=torch.float64)
    fake = made.clone().requires_grad_()
    given = answer(judge, blurred.clone(), sharp.clone(), fake, 7.0)
    if not isinstance(given, Tensor) or given.numel() != 1:
        return f"your answer is {given if given is None else type(given).__name__}, expected a tensor with one number."

    scores, swapped = judge(torch.cat([blurred, made], dim=1)), judge(torch.cat([made, blurred], dim=1))
    of_real = judge(torch.cat([blurred, sharp], dim=1))
    content = (made - sharp).abs().mean()
    passing = (scores - 1).square().mean()
    mine, expected = float(given.detach()), float(passing + 7 * content)
    said = f"your loss is {mine:.4f}, expected {expected:.4f}"
    for wrong, reason in (
        (scores.square().mean() + 7 * content, "you let the forger ask for a score of zero, as the judge does."),
        ((swapped - 1).square().mean() + 7 * content, "the blurred channels come first; yours come last."),
        ((of_real - 1).square().mean() + 7 * content, "you showed the judge the sharp photograph; it gets the answer."),
        (7 * passing + content, "the weight belongs to the content, not to the judge."),
        (passing + content, "the weight of the content is missing."),
        (passing + 7 * (made - sharp).square().mean(), "the content of pix2pix is an absolute error, not a square."),
        (passing + 7 * (made - blurred).abs().mean(), "the answer is compared with the sharp one, not with its input."),
        (passing / 2 + 7 * content, "the forger's loss has no half."),
        ((scores.mean() - 1).square() + 7 * content, "you averaged the scores first; every patch pays for itself."),
        (passing, "the content is missing."),
    ):
        if not _near(mine, expected) and _near(mine, float(wrong)):
            return f"{said}: {reason}"
    if not _near(mine, expected):
        return f"{said}."
    if not given.requires_grad:
        return f"your loss of {mine:.4f} is right, but no gradient reaches the answer: do not detach it."
    given.backward()  # type: ignore[no-untyped-call]
    step = scores.shape[-1] ** 2
    slope = None if fake.grad is None else float(fake.grad.abs().max()) * step
    if slope is None or slope == 0 or _near(float(fake.grad.abs().max()), 7 / fake.numel()):
        return f"your loss of {mine:.4f} is right, but no gradient comes from the judge: do not detach the answer."
    return None


@exercise("critic_slope")
def _critic_slope(answer: Any) -> str | None:
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(4)
        critic = nn.Sequential(nn.Conv2d(2, 3, 3), nn.Tanh(), nn.Conv2d(3, 1, 2)).double()
    images = torch.rand(3, 2, 6, 6, generator=seed(5), dtype=torch.float64)
    given = answer(critic, images.clone())
    if not isinstance(given, Tensor):
        return f"your answer is {given if given is None else type(given).__name__}, expected a tensor."

    x = images.clone().requires_grad_()
    scores = critic(x)
    (slope,) = torch.autograd.grad(scores.mean(dim=(1, 2, 3)).sum(), x, retain_graph=True)
    (steep,) = torch.autograd.grad(scores.sum(), x)
    expected = slope.flatten(1).norm(dim=1)
    whole = slope.norm()
    if given.shape != expected.shape:
        if given.numel() == 1 and _near(float(given.detach()), float(whole)):
            return f"your one length, {float(given.detach()):.4f}, is that of the whole batch; each image has its own."
        return f"your answer has shape {tuple(given.shape)}, expected {tuple(expected.shape)}: a length for each image."
    mine = given.detach()
    if not bool(((mine - expected).abs() < CLOSE).all()):
        said = f"for the first image your answer is {float(mine[0]):.4f}, expected {float(expected[0]):.4f}"
        for wrong, reason in (
            (steep.flatten(1).norm(dim=1), "you added the scores of an image up; the critic's value is their mean."),
            (expected.square(), "you squared the length."),
            (slope.flatten(1).abs().sum(dim=1), "you added absolute values; a length is the root of a sum of squares."),
            (slope.flatten(1).square().mean(dim=1).sqrt(), "you took a mean square; a length sums the squares."),
            (slope.flatten(1).abs().mean(dim=1), "you averaged the slope over the pixels; its length was asked for."),
            (expected / len(images), "you averaged over the batch first, and each slope shrank with its size."),
            ((expected - 1).square(), "that is what a length costs, one step further on; the length was asked for."),
        ):
            if bool(((mine - wrong).abs() < CLOSE).all()):
                return f"{said}: {reason}"
        return f"{said}."
    if not given.requires_grad:
        return "the 3 lengths are right, but the critic cannot learn from them: create_graph=True keeps the way back."
    return None
