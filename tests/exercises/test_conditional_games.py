"""The checkers of the chapter on conditional GANs: the solution passes, and each wrong answer draws its own message."""

import pytest
import torch

from deblurlib.exercises import check


def price(n):
    return (n / (n + 1)) ** 2


def pix2pix(judge, y, x, fake, weight):
    return (judge(torch.cat([y, fake], dim=1)) - 1).square().mean() + weight * (fake - x).abs().mean()


def content(x, fake, weight):
    return weight * (fake - x).abs().mean()


def pair(judge, y, image):
    return judge(torch.cat([y, image], dim=1))


def gradient(critic, images, value=lambda s: s.mean(dim=(1, 2, 3)).sum(), keep=True):
    images = images.detach().requires_grad_()
    (slope,) = torch.autograd.grad(value(critic(images)), images, create_graph=keep)
    return slope.flatten(1)


def slope(critic, images):
    return gradient(critic, images).norm(dim=1)


RIGHT = {"price_of_a_guess": price, "pix2pix_loss": pix2pix, "critic_slope": slope}

WRONG = [
    ("price_of_a_guess", lambda n: None, "expected one number"),
    ("price_of_a_guess", lambda n: n / (n + 1), "pays its square"),
    ("price_of_a_guess", lambda n: 1 / (n + 1), "the judge's score"),
    ("price_of_a_guess", lambda n: 1 / (n + 1) ** 2, "squared the score"),
    ("price_of_a_guess", lambda n: (1 / n - 1) ** 2 if n > 2 else price(n), "divides by p + q"),
    ("price_of_a_guess", lambda n: 1.0, "once in n"),
    ("price_of_a_guess", lambda n: price(n) / 2, "no half"),
    ("price_of_a_guess", lambda n: 0.25, "that is chance|divides by p"),
    ("price_of_a_guess", lambda n: 0.77, "expected"),
    ("pix2pix_loss", lambda j, y, x, f, w: None, "expected a tensor"),
    ("pix2pix_loss", lambda j, y, x, f, w: j(f).mean(), "six channels"),
    ("pix2pix_loss", lambda j, y, x, f, w: pair(j, y, f).square().mean() + content(x, f, w), "score of zero"),
    ("pix2pix_loss", lambda j, y, x, f, w: (pair(j, f, y) - 1).square().mean() + content(x, f, w), "come first"),
    ("pix2pix_loss", lambda j, y, x, f, w: (pair(j, y, x) - 1).square().mean() + content(x, f, w), "showed the judge"),
    ("pix2pix_loss", lambda j, y, x, f, w: w * pix2pix(j, y, x, f, 1 / w), "not to the judge"),
    ("pix2pix_loss", lambda j, y, x, f, w: pix2pix(j, y, x, f, 1.0), "weight of the content is missing"),
    ("pix2pix_loss", lambda j, y, x, f, w: pix2pix(j, y, x, f, 0) + w * (f - x).square().mean(), "absolute error"),
    ("pix2pix_loss", lambda j, y, x, f, w: pix2pix(j, y, y, f, w), "not with its input"),
    ("pix2pix_loss", lambda j, y, x, f, w: pix2pix(j, y, x, f, 2 * w) / 2, "no half"),
    (
        "pix2pix_loss",
        lambda j, y, x, f, w: (pair(j, y, f).mean() - 1).square() + content(x, f, w),
        "averaged the",
    ),
    ("pix2pix_loss", lambda j, y, x, f, w: pix2pix(j, y, x, f, 0.0), "content is missing"),
    ("pix2pix_loss", lambda j, y, x, f, w: pix2pix(j, y, x, f.detach(), w), "no gradient reaches"),
    (
        "pix2pix_loss",
        lambda j, y, x, f, w: (pair(j, y, f.detach()) - 1).square().mean() + content(x, f, w),
        "no gradient comes from the judge",
    ),
    ("critic_slope", lambda c, x: None, "expected a tensor"),
    ("critic_slope", lambda c, x: gradient(c, x).norm(), "of the whole batch"),
    ("critic_slope", lambda c, x: gradient(c, x), "a length for each image"),
    ("critic_slope", lambda c, x: gradient(c, x, lambda s: s.sum()).norm(dim=1), "added the scores"),
    ("critic_slope", lambda c, x: slope(c, x).square(), "squared the length"),
    ("critic_slope", lambda c, x: gradient(c, x).abs().sum(dim=1), "absolute values"),
    ("critic_slope", lambda c, x: gradient(c, x).square().mean(dim=1).sqrt(), "a mean square"),
    ("critic_slope", lambda c, x: gradient(c, x).abs().mean(dim=1), "averaged the slope"),
    ("critic_slope", lambda c, x: gradient(c, x, lambda s: s.mean()).norm(dim=1), "shrank with its size"),
    ("critic_slope", lambda c, x: (slope(c, x) - 1).square(), "one step further"),
    ("critic_slope", lambda c, x: slope(c, x).detach(), "create_graph"),
    ("critic_slope", lambda c, x: slope(c, x) + 9, "expected"),
]


@pytest.mark.parametrize("name", RIGHT)
def test_the_solution_passes(name):
    assert check(name, RIGHT[name], strict=True).passed


@pytest.mark.parametrize("name", RIGHT)
def test_a_blank_is_no_mistake(name):
    def blank(*_):
        raise NotImplementedError("your turn")

    assert check(name, blank).passed is None


@pytest.mark.parametrize(("name", "answer", "message"), WRONG)
def test_each_mistake_has_its_message(name, answer, message):
    result = check(name, answer)
    assert result.passed is False, result.message
    assert any(part in result.message for part in message.split("|")), result.message
