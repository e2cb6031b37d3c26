"""The equations of Yuan et al.: the printed ones do what is printed, the intended ones what the text says."""

import pytest
import torch
from torch import nn

from deblurlib import losses
from deblurlib.losses import (
    adversarial,
    intended_8,
    intended_9,
    intended_10,
    intended_11,
    intended_12,
    printed_8,
    printed_9,
    printed_10,
    printed_11,
    printed_12,
)
from deblurlib.profile import seed


def layer(number, outside=2):
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(number)
        return nn.Sequential(nn.Conv2d(3, outside, 3, padding=1), nn.Tanh()).double()


def image(number):
    return torch.rand(2, 3, 6, 6, generator=seed(number), dtype=torch.float64)


BLUR, SHARP = image(0), image(1)


def test_printed_values():
    judge, features = layer(0, 1), layer(1)
    fake_sharp, fake_blur = image(2), image(3)
    torch.testing.assert_close(printed_8(judge, fake_sharp), judge(fake_sharp).mean())
    torch.testing.assert_close(printed_9(judge, fake_blur), judge(1 - fake_blur).mean())
    eleven = ((features(SHARP) - features(fake_sharp)) ** 2).mean()
    twelve = ((features(BLUR) - features(fake_blur)) ** 2).mean()
    torch.testing.assert_close(printed_11(features, SHARP, fake_sharp), eleven)
    torch.testing.assert_close(printed_12(features, BLUR, fake_blur), twelve)
    torch.testing.assert_close(printed_10(features, SHARP, fake_sharp, BLUR, fake_blur), eleven + twelve)


def test_intended_values():
    judge, features = layer(0, 1), layer(1)
    fake, rec = image(2), image(3)
    for intended in (intended_8, intended_9):
        torch.testing.assert_close(intended(judge, fake), ((judge(fake) - 1) ** 2).mean())
        torch.testing.assert_close(intended(judge, fake), adversarial("least_squares").generator(judge(fake)))
    torch.testing.assert_close(intended_11(features, SHARP, rec), ((features(SHARP) - features(rec)) ** 2).mean())
    torch.testing.assert_close(intended_12(features, BLUR, rec), ((features(BLUR) - features(rec)) ** 2).mean())
    both = intended_11(features, SHARP, rec) + intended_12(features, BLUR, fake)
    torch.testing.assert_close(intended_10(features, SHARP, rec, BLUR, fake), both)
    assert intended_11(features, SHARP, SHARP) == intended_12(features, BLUR, BLUR) == 0


def test_as_printed_there_is_no_bottom():
    """A judge that scores lower lowers the loss without end: no square holds it."""
    falling = [printed_8(lambda x, level=level: x * 0 + level, SHARP).item() for level in (0, -1e3, -1e6)]
    assert falling == [0, -1e3, -1e6]
    assert min(intended_8(lambda x, level=level: x * 0 + level, SHARP) for level in (-2.0, 0.0, 1.0, 3.0)) == 0


def test_as_printed_the_judge_learns_from_fakes_alone():
    """A linear judge: the gradient is the mean fake plus the mean negative of a fake, and no photograph is in it."""
    w = torch.zeros(1, 3, 1, 1, dtype=torch.float64, requires_grad=True)
    fake_sharp, fake_blur = image(2), image(3)

    def judge(x):
        return nn.functional.conv2d(x, w)

    (slope,) = torch.autograd.grad(printed_8(judge, fake_sharp) + printed_9(judge, fake_blur), w)
    expected = fake_sharp.mean(dim=(0, 2, 3)) + (1 - fake_blur).mean(dim=(0, 2, 3))
    torch.testing.assert_close(slope.flatten(), expected)


def test_as_printed_the_generators_never_meet():
    """The printed 'cycle' of one generator has no gradient in the other; the intended one has."""
    features, sharpen, reblur = layer(1), layer(2, 3), layer(3, 3)
    theirs = list(reblur.parameters())
    printed = printed_11(features, SHARP, sharpen(BLUR))
    assert all(slope is None for slope in torch.autograd.grad(printed, theirs, allow_unused=True))
    intended = intended_11(features, SHARP, sharpen(reblur(SHARP)))
    assert all(slope.abs().sum() > 0 for slope in torch.autograd.grad(intended, theirs))


def test_as_printed_pairs_are_needed():
    """With other photographs than the blurred ones were made of, a perfect generator still pays."""
    features = layer(1)
    assert printed_11(features, SHARP, SHARP) == 0
    assert printed_11(features, SHARP[[1, 0]], SHARP) > 0


@pytest.mark.parametrize("loss", [printed_8, printed_9, intended_8, intended_9])
def test_gradients_through_the_judge(loss):
    judge = layer(0, 1)
    assert torch.autograd.gradcheck(lambda fake: loss(judge, fake), (image(2).requires_grad_(),))


@pytest.mark.parametrize("loss", [printed_11, printed_12, intended_11, intended_12])
def test_gradients_through_the_features(loss):
    features = layer(1)
    assert torch.autograd.gradcheck(lambda fake: loss(features, SHARP, fake), (image(2).requires_grad_(),))
    with pytest.raises(ValueError, match=r"real has shape \(2, 3, 6, 6\), fake has \(1, 3, 6, 6\)"):
        loss(features, SHARP, image(2)[:1])


def test_every_equation_has_a_name():
    assert {f"{kind}_{n}" for n in range(8, 13) for kind in ("printed", "intended")} <= set(losses.__all__)
