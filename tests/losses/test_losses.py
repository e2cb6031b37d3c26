"""The losses: values worked out by hand, gradients, and the chance line."""

import math

import pytest
import torch

from deblurlib import images
from deblurlib.blur import Blur, gaussian
from deblurlib.losses import RandomFeatures, adversarial, cycle, gradient_penalty, identity, log_error
from deblurlib.losses.adversarial import FORMS
from deblurlib.profile import seed

kinds = pytest.mark.parametrize("kind", FORMS)
UNSURE = {"least_squares": 0.5, "cross_entropy": 0.0, "hinge": 0.0, "wasserstein": 0.0}


def scores(number):
    return torch.randn(3, 1, 5, 6, generator=seed(number), dtype=torch.float64)


@kinds
def test_values(kind):
    game, real, fake = adversarial(kind), scores(0), scores(1)
    judge, forger = {
        "least_squares": (
            lambda r, f: 0.5 * ((r - 1) ** 2).mean() + 0.5 * (f**2).mean(),
            lambda f: ((f - 1) ** 2).mean(),
        ),
        "cross_entropy": (
            lambda r, f: -0.5 * (r.sigmoid().log().mean() + (1 - f.sigmoid()).log().mean()),
            lambda f: -f.sigmoid().log().mean(),
        ),
        "hinge": (
            lambda r, f: 0.5 * ((1 - r).clamp(min=0).mean() + (1 + f).clamp(min=0).mean()),
            lambda f: -f.mean(),
        ),
        "wasserstein": (lambda r, f: f.mean() - r.mean(), lambda f: -f.mean()),
    }[kind]
    torch.testing.assert_close(game.discriminator(real, fake), judge(real, fake))
    torch.testing.assert_close(game.generator(fake), forger(fake))


@kinds
def test_the_chance_line(kind):
    """A judge that cannot tell pays this, and no constant verdict pays less."""
    game = adversarial(kind)

    def verdict(score):
        return torch.full((2, 1, 4, 4), score, dtype=torch.float64)

    unsure = verdict(UNSURE[kind])
    assert game.discriminator(unsure, unsure).item() == pytest.approx(game.discriminator_chance)
    assert game.generator(unsure).item() == pytest.approx(game.generator_chance)
    for score in (-1.0, -0.3, 0.2, 0.9, 2.0):
        assert game.discriminator(verdict(score), verdict(score)) >= game.discriminator_chance - 1e-12


@kinds
def test_each_player_pulls_its_own_way(kind):
    game = adversarial(kind)
    real, fake = (torch.full((1, 1, 2, 2), UNSURE[kind]).requires_grad_() for _ in range(2))
    game.discriminator(real, fake).backward()
    assert (real.grad < 0).all()  # real up
    assert (fake.grad > 0).all()  # fake down
    fake.grad = None
    game.generator(fake).backward()
    assert (fake.grad < 0).all()  # fake up


@kinds
def test_large_scores_stay_finite(kind):
    game, x = adversarial(kind), torch.full((1, 1, 2, 2), 1e4)
    assert game.discriminator(-x, x).isfinite()
    assert game.generator(-x).isfinite()


def test_another_kind_is_refused():
    with pytest.raises(ValueError, match=r"unknown 'wgan', expected one of least_squares"):
        adversarial("wgan")


def test_only_wasserstein_asks_for_the_penalty():
    assert {kind: adversarial(kind).penalty for kind in FORMS if adversarial(kind).penalty} == {"wasserstein": 10.0}


@kinds
def test_gradients_of_the_game(kind):
    game, real, fake = adversarial(kind), scores(2).requires_grad_(), scores(3).requires_grad_()
    assert torch.autograd.gradcheck(game.discriminator, (real, fake))
    assert torch.autograd.gradcheck(game.generator, (fake,))


def test_gradient_penalty_of_a_linear_judge():
    """f(x) = <w, x> has the gradient w everywhere, whatever the draw: the penalty is (|w| - 1)^2."""
    w = torch.randn(1, 3, 6, 6, generator=seed(0), dtype=torch.float64)
    x, y = (torch.rand(4, 3, 6, 6, generator=seed(n), dtype=torch.float64) for n in (1, 2))

    def judge(image):
        return (image * w).sum(dim=(1, 2, 3), keepdim=True)

    for number in (0, 1):
        penalty = gradient_penalty(judge, x, y, generator=seed(number))
        torch.testing.assert_close(penalty, (w.norm() - 1) ** 2)


def test_gradient_penalty_looks_between_real_and_fake():
    """The judge |x|^2 / 2 has the gradient x: on the line from 1 to 0, that is the draw itself."""
    ones, zeros = torch.ones(5, 1, 1, 1, dtype=torch.float64), torch.zeros(5, 1, 1, 1, dtype=torch.float64)
    draws = torch.rand(5, generator=seed(3)).double()
    penalty = gradient_penalty(lambda x: x.square() / 2, ones, zeros, generator=seed(3))
    torch.testing.assert_close(penalty, (draws - 1).square().mean())


def test_gradient_penalty_trains_the_judge_alone():
    weight = torch.randn(1, 3, 3, 3, generator=seed(0), dtype=torch.float64).requires_grad_()
    x = torch.rand(2, 3, 8, 8, generator=seed(1), dtype=torch.float64)
    fake = torch.rand(2, 3, 8, 8, generator=seed(2), dtype=torch.float64).requires_grad_()

    def penalty(w):
        return gradient_penalty(lambda image: torch.nn.functional.conv2d(image, w).tanh(), x, fake)

    penalty(weight).backward()
    assert weight.grad.abs().sum() > 0
    assert fake.grad is None
    assert torch.autograd.gradcheck(penalty, (weight,))


def test_gradient_penalty_refuses_other_shapes():
    with pytest.raises(ValueError, match=r"real has shape \(2, 3, 8, 8\), fake has \(1, 3, 8, 8\)"):
        gradient_penalty(lambda x: x, torch.zeros(2, 3, 8, 8), torch.zeros(1, 3, 8, 8))
    with pytest.raises(TypeError, match=r"generator: expected a torch.Generator, got int"):
        gradient_penalty(lambda x: x, torch.zeros(2, 3, 8, 8), torch.zeros(2, 3, 8, 8), generator=3)


@pytest.mark.parametrize("loss", [cycle, identity])
def test_a_mean_absolute_difference(loss):
    x, y = (torch.rand(2, 3, 5, 4, generator=seed(n), dtype=torch.float64) for n in (0, 1))
    by_hand = sum(abs(a - b) for a, b in zip(x.flatten().tolist(), y.flatten().tolist(), strict=True)) / x.numel()
    assert loss(x, y).item() == pytest.approx(by_hand)
    assert torch.autograd.gradcheck(loss, (x, y.requires_grad_()))
    with pytest.raises(ValueError, match=r"\(2, 3, 5, 4\).*\(2, 1, 5, 4\)"):
        loss(x, y[:, :1])  # a broadcast would pass unseen


def test_cycle():
    x = torch.rand(2, 3, 8, 8, generator=seed(0))
    assert cycle(x, x) == 0
    assert cycle(x, x + 0.25).item() == pytest.approx(0.25)
    assert cycle(x, x - 0.25).item() == pytest.approx(0.25)
    y = torch.zeros(1, 1, 2, 2)
    y[0, 0, 0, 0] = 1
    assert cycle(y, 0 * y).item() == pytest.approx(0.25)  # a mean, not a sum


def test_random_features_are_repeatable_and_frozen():
    state = torch.get_rng_state()
    first, again, other = RandomFeatures(), RandomFeatures(), RandomFeatures(seed=1)
    assert torch.equal(torch.get_rng_state(), state)
    x, y = (torch.rand(1, 3, 32, 32, generator=seed(n)) for n in (0, 1))
    assert first(x, y) == again(x, y)
    assert first(x, y) != other(x, y)
    assert not any(p.requires_grad for p in first.parameters())


def test_random_features_measure_a_distance():
    distance = RandomFeatures()
    x = images.bundled("astronaut")[..., 64:192, 160:288]
    assert distance(x, x) == 0
    blurred = [distance(Blur(gaussian(15, sigma))(x), x).item() for sigma in (0.5, 1.0, 2.0)]
    assert blurred == sorted(blurred)
    assert blurred[0] > 0
    unrelated = distance(images.bundled("coffee")[..., 64:192, 160:288], x).item()
    assert unrelated > 2 * blurred[-1]


def test_random_features_are_vgg_up_to_conv3_3():
    layers = [m.out_channels for m in RandomFeatures(width=64).modules() if isinstance(m, torch.nn.Conv2d)]
    assert layers == [64, 64, 128, 128, 256, 256, 256]


def test_gradients_flow_to_the_restoration_alone():
    distance = RandomFeatures()
    x, y = (torch.rand(1, 3, 16, 16, generator=seed(n)).requires_grad_() for n in (0, 1))
    distance(x, y).backward()
    assert x.grad.abs().sum() > 0
    assert y.grad is None
    assert math.isfinite(x.grad.sum().item())


def test_random_features_keep_the_signal():
    """He-normal weights: the features neither die out nor blow up from layer to layer."""
    x = torch.rand(4, 3, 32, 32, generator=seed(0))
    deviation = RandomFeatures().features(2 * x - 1).std().item()
    assert 0.1 < deviation < 10


def test_log_error():
    """The mean over images of the logarithm of each one's own error: a busy image does not rule a smooth one."""
    x = torch.zeros(2, 3, 4, 4)
    y = torch.stack([torch.full((3, 4, 4), 0.3), torch.full((3, 4, 4), -0.02)])
    expected = (math.log(0.301) + math.log(0.021)) / 2
    assert log_error(x + y, x).item() == pytest.approx(expected, abs=1e-5)
    assert log_error(x, x).item() == pytest.approx(math.log(1e-3))
    with pytest.raises(ValueError, match=r"\(2, 3, 4, 4\).*\(1, 3, 4, 4\)"):
        log_error(x, x[:1])


def test_log_error_weighs_images_alike():
    x = torch.zeros(2, 1, 4, 4, dtype=torch.float64)
    y = torch.stack([torch.full((1, 4, 4), 0.5), torch.full((1, 4, 4), 0.05)]).double().requires_grad_()
    log_error(y, x).backward()
    relative = (y.grad * y.detach()).sum(dim=(1, 2, 3))  # what a tenth less error is worth
    assert relative[0].item() == pytest.approx(relative[1].item(), rel=0.05)
    assert torch.autograd.gradcheck(log_error, (y, x))
