"""The engine and the methods made of it: dense references, falling costs, batches, stops and bad input."""

import warnings
from dataclasses import dataclass
from itertools import pairwise

import pytest
import torch

from deblurlib import images
from deblurlib.blur import Blur, add_noise, camera_shake, delta, gaussian
from deblurlib.deconvolution import (
    HyperLaplacian,
    TotalVariation,
    half_quadratic_splitting,
    hyper_laplacian,
    l0_gradient,
    tikhonov,
    total_variation,
)
from deblurlib.deconvolution.splitting import differences, differences_adjoint
from deblurlib.metrics import psnr
from deblurlib.profile import seed

METHODS = pytest.mark.parametrize("method", [total_variation, hyper_laplacian, l0_gradient], ids=lambda f: f.__name__)


@dataclass(frozen=True)
class Scaled:
    """A prior whose step multiplies: at `factor` zero the engine is a plain quadratic."""

    factor: float
    domain: str = "gradient"
    joint: bool = False

    def __call__(self, v, penalty):
        return self.factor * v


def draw(*shape, number=0):
    return torch.rand(shape, generator=seed(number), dtype=torch.float64)


def kernels(count=1):
    return torch.cat([gaussian(5, 0.7 + 0.2 * i, dtype=torch.float64) for i in range(count)])


def test_differences_have_their_adjoint():
    x, w = draw(2, 3, 7, 8), torch.randn(2, 2, 3, 7, 8, generator=seed(1), dtype=torch.float64)
    torch.testing.assert_close((differences(x) * w).sum(), (x * differences_adjoint(w)).sum(), rtol=0, atol=1e-10)


def test_copies_of_zero_give_tikhonov():
    y, k = draw(1, 2, 12, 15), kernels()
    x = half_quadratic_splitting(y, k, Scaled(0.0), [0.03], boundary="wrap", clip=False)
    torch.testing.assert_close(x, tikhonov(y, k, weight=0.03, boundary="wrap", clip=False), rtol=0, atol=1e-10)


def test_a_round_on_the_picture_is_its_linear_system():
    y, k, blur = draw(1, 1, 12, 15), kernels(), Blur(kernels())
    x = half_quadratic_splitting(y, k, Scaled(0.5, "image"), [0.2], boundary="wrap", clip=False)
    torch.testing.assert_close(blur.adjoint(blur(x)) + 0.2 * x, blur.adjoint(y) + 0.1 * y, rtol=0, atol=1e-10)
    last = half_quadratic_splitting(y, k, Scaled(0.5, "image"), [0.2], boundary="wrap", clip=False, end_on_prior=True)
    torch.testing.assert_close(last, 0.5 * x, rtol=0, atol=1e-12)


@pytest.mark.parametrize("prior", [TotalVariation(0.01), TotalVariation(0.01, True), HyperLaplacian(0.01)])
def test_at_one_penalty_the_cost_falls(prior):
    """The half-quadratic cost |k * x - y|^2 + R(w) + penalty |w - D x|^2 never rises, and in the end falls no more."""
    y, k, penalty, costs = draw(1, 1, 24, 25), kernels(), 0.5, []
    blur = Blur(k)
    history = []
    half_quadratic_splitting(y, k, prior, [penalty] * 40, boundary="wrap", history=history)
    for step in history:
        d = differences(step.image)
        w = prior(d, penalty)
        cost = (blur(step.image) - y).square().sum() + prior.value(w).sum() + penalty * (w - d).square().sum()
        costs.append(float(cost))
    assert all(b <= a + 1e-12 for a, b in pairwise(costs)) and costs[-1] < costs[0]
    assert history[-1].change.item() < 0.3 * history[0].change.item()
    residual = (blur(history[-1].image) - y).square().mean()
    torch.testing.assert_close(history[-1].residual[0], residual, rtol=0, atol=1e-12)


@METHODS
@pytest.mark.parametrize("boundary", ["extend", "wrap"])
def test_batch_equals_loop(method, boundary):
    y, k = draw(3, 2, 24, 30), kernels(3)
    whole = method(y, k, boundary=boundary)
    single = torch.cat([method(y[i : i + 1], k[i : i + 1], boundary=boundary) for i in range(3)])
    assert whole.shape == y.shape
    torch.testing.assert_close(whole, single, rtol=0, atol=1e-9)


@METHODS
def test_the_identity_kernel_and_a_weak_prior_leave_the_image(method):
    x = images.bundled("camera")[..., 100:140, 100:150].double()
    torch.testing.assert_close(method(x, delta(3, dtype=x.dtype), weight=1e-8), x, rtol=0, atol=1e-3)


@METHODS
def test_a_photograph_gets_better(method):
    world, k = images.bundled("camera")[..., 60:320, 60:320], camera_shake(1, 21, generator=seed(1))
    x, y = world[..., 10:-10, 10:-10], add_noise(Blur(k, "valid")(world), 0.005, generator=seed(2))
    gain = psnr(method(y, k, weight=4e-4), x) - psnr(y, x)
    assert gain > 1.5


@pytest.mark.parametrize("method", [total_variation, hyper_laplacian])
def test_gradients(method):
    y, k = draw(1, 1, 6, 7).requires_grad_(), kernels()[..., 1:-1, 1:-1]
    k = k / k.sum()
    assert torch.autograd.gradcheck(lambda y: method(y, k, weight=0.02, clip=False, boundary="wrap"), y)


def test_large_images_go_channel_by_channel(monkeypatch):
    y, k = draw(1, 3, 24, 30), kernels()
    whole = hyper_laplacian(y, k)
    monkeypatch.setattr("deblurlib.deconvolution.splitting.WHOLE", 10)
    torch.testing.assert_close(hyper_laplacian(y, k), whole, rtol=0, atol=1e-12)


@METHODS
@pytest.mark.parametrize("block", [1, 150, 500, 1000])
def test_blocks_of_rows_make_the_same_picture(method, block, monkeypatch):
    y, k = draw(2, 1, 24, 30), kernels()
    whole = method(y, k)
    monkeypatch.setattr("deblurlib.deconvolution.splitting.BLOCK", block)
    torch.testing.assert_close(method(y, k), whole, rtol=0, atol=1e-12)


def test_no_block_is_larger_than_said(monkeypatch):
    """But for the one row that two of them share."""
    sizes = []

    @dataclass(frozen=True)
    class Watching(Scaled):
        def __call__(self, v, penalty):
            sizes.append(v[0].numel())
            return v

    monkeypatch.setattr("deblurlib.deconvolution.splitting.BLOCK", 400)
    half_quadratic_splitting(draw(1, 1, 50, 40), kernels(), Watching(1.0), [0.5], boundary="wrap")
    assert sizes == [400 + 40] * 5


def test_what_is_not_finite_stops_the_engine():
    """The estimate before it comes back, and the warning says why."""

    @dataclass(frozen=True)
    class Broken(Scaled):
        def __call__(self, v, penalty):
            return v / 0 if penalty > 1 else 0 * v

    y, k = draw(1, 1, 16, 16), kernels()
    with pytest.warns(RuntimeWarning, match="round 2.*prior's step returned NaN"):
        x = half_quadratic_splitting(y, k, Broken(1.0), [0.5, 2.0, 3.0])
    torch.testing.assert_close(x, half_quadratic_splitting(y, k, Broken(1.0), [0.5]), rtol=0, atol=0)


@METHODS
def test_callback_and_history_see_every_round(method):
    y, k, seen, history = draw(2, 1, 20, 21), kernels(), [], []
    x = method(y, k, callback=seen.append, history=history, clip=False)
    assert seen == history and [s.iteration for s in seen] == list(range(1, len(seen) + 1))
    assert torch.equal(seen[-1].image, x) and seen[-1].residual.shape == (2,)
    assert all(a.penalty < b.penalty for a, b in pairwise(seen))


@METHODS
@pytest.mark.parametrize("weight", [0, 0.0, -1e-3, float("nan")])
def test_a_weight_of_zero_or_less_is_refused(method, weight):
    with pytest.raises(ValueError, match="weight: expected a number above 0"):
        method(draw(1, 1, 16, 16), kernels(), weight=weight)


def test_other_bad_input():
    y, k, prior = draw(1, 1, 16, 16), kernels(), TotalVariation(0.1)
    for penalties in ([], [0.0], [-1.0]):
        with pytest.raises(ValueError, match="penalties"):
            half_quadratic_splitting(y, k, prior, penalties)
    with pytest.raises(ValueError, match="start"):
        half_quadratic_splitting(y, k, prior, [1.0], start=y[..., 1:])
    with pytest.raises(ValueError, match="end_on_prior"):
        half_quadratic_splitting(y, k, prior, [1.0], end_on_prior=True)
    with pytest.raises(ValueError, match="domain"):
        half_quadratic_splitting(y, k, Scaled(1.0, "wavelet"), [1.0])
    with pytest.raises(ValueError, match="rounds"):
        total_variation(y, k, rounds=0)
    with pytest.raises(ValueError, match="exponent"):
        hyper_laplacian(y, k, exponent=1.0)


def test_a_kernel_off_its_centre_and_a_saturated_image_are_noted():
    y, k = 0.9 * draw(1, 1, 20, 20), torch.zeros(1, 1, 7, 7, dtype=torch.float64)
    k[..., 1, 3] = 1.0
    with pytest.warns(UserWarning, match=r"2\.0 rows below|-2\.0 rows below"):
        total_variation(y, k)
    y[..., :5, :] = 1.0
    with pytest.warns(UserWarning, match=r"25\.0 % of its pixels are saturated"):
        total_variation(y, kernels())
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        total_variation(0.9 * draw(1, 1, 20, 20), kernels())
