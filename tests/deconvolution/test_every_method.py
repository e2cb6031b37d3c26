"""What every method that is told the kernel promises. They are found by their signature: a new one is among them."""

import inspect
import math

import pytest
import torch

from deblurlib import deconvolution, images, metrics
from deblurlib.blur import Blur, add_noise, delta, gaussian, linear_motion
from deblurlib.profile import seed

ASIDE = {"explained_extension", "half_quadratic_splitting", "signal_power"}
"""They take the same two, but no photograph comes back, or a prior must be given."""

ROUGH = {"inverse_filter"}
"""It enlarges noise, and roundings, as its chapter shows."""


def is_method(function):
    return inspect.isfunction(function) and list(inspect.signature(function).parameters)[:2] == ["blurred", "kernel"]


METHODS = [name for name in deconvolution.__all__ if is_method(getattr(deconvolution, name)) and name not in ASIDE]
KERNEL = linear_motion(9, 30.0)

every = pytest.mark.parametrize("name", METHODS)


@pytest.fixture(scope="module")
def sharp():
    return images.bundled("coffee")[..., 100:171, 150:240]


@pytest.fixture(scope="module")
def blurred(sharp):
    return add_noise(Blur(KERNEL, "reflect")(sharp), 0.01, generator=seed(0))


def test_the_methods_are_found():
    assert {"inverse_filter", "wiener", "richardson_lucy", "sparse", "plug_and_play"} <= set(METHODS)


@every
def test_a_photograph_comes_back_sharper_and_nothing_else_changes(name, sharp, blurred):
    method = getattr(deconvolution, name)
    y, k, state = blurred.clone(), KERNEL.clone(), torch.get_rng_state()
    x = method(y, k)
    assert (x.shape, x.dtype) == (y.shape, y.dtype)
    assert x.min() >= 0 and x.max() <= 1
    assert torch.equal(x, method(y, k))
    assert torch.equal(y, blurred) and torch.equal(k, KERNEL)
    assert torch.equal(torch.get_rng_state(), state)
    if name not in ROUGH:
        assert metrics.psnr(x, sharp) > metrics.psnr(blurred, sharp)
        double = method(y.double(), k.double())
        assert double.dtype == torch.float64
        torch.testing.assert_close(double.float(), x, atol=5e-3, rtol=0)


@every
def test_a_batch_is_its_pictures_and_each_may_have_a_kernel(name, blurred):
    method = getattr(deconvolution, name)
    grey = torch.cat([blurred[:, :1], blurred[:, 1:2].flip(-1)])
    kernels = torch.cat([gaussian(9, 1.0), delta(9)])
    for k in (kernels, kernels[:1]):
        one_by_one = [method(grey[i : i + 1], k[min(i, len(k) - 1)][None]) for i in range(2)]
        torch.testing.assert_close(method(grey, k), torch.cat(one_by_one), atol=1e-4, rtol=0)


@every
@pytest.mark.filterwarnings("ignore:blurred.*saturated")
def test_a_flat_picture_stays_flat(name):
    for value in (0.0, 0.5, 1.0):
        y = torch.full((1, 3, 30, 31), value)
        torch.testing.assert_close(getattr(deconvolution, name)(y, KERNEL), y, atol=0.02, rtol=0)


@every
def test_options_are_named_and_bad_input_is_refused(name, blurred):
    method = getattr(deconvolution, name)
    options = list(inspect.signature(method).parameters.values())[2:]
    assert all(option.kind is inspect.Parameter.KEYWORD_ONLY for option in options)
    y, k = blurred[..., :20, :22], KERNEL
    for error, image, kernel, message in (
        (TypeError, y.numpy(), k, "expected a torch.Tensor, got ndarray"),
        (TypeError, (255 * y).byte(), k, "Divide 8-bit values by 255"),
        (TypeError, y.half(), k.half(), "got torch.float16"),
        (TypeError, y, k.double(), "the kernel torch.float64"),
        (ValueError, 255 * y, k, "expected 0 to 1. For 0..255 data divide by 255"),
        (ValueError, y[0], k, "Add the batch"),
        (ValueError, y[..., :0], k, "the image is empty"),
        (ValueError, math.nan * y, k, "contains NaN"),
        (ValueError, y, k[0, 0], "Add batch and channel"),
        (ValueError, y, k[..., :-1], "has no centre pixel"),
        (ValueError, y, 2 * k, "sums to 2, expected 1"),
        (ValueError, y, -k, "light cannot be negative"),
        (ValueError, y, k.expand(3, -1, -1, -1), "a batch of 3 kernels cannot blur a batch of 1 images"),
        (ValueError, y[..., :10, :], k, "is larger than the image"),
    ):
        with pytest.raises(error, match=message):
            method(image, kernel)
