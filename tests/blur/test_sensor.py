"""What the sensor does to light: the file's curve, its noise, its limit, and the order of the three."""

import math

import pytest
import torch

from deblurlib.blur import Blur, add_sensor_noise, expose, from_linear, gaussian, saturate, to_linear
from deblurlib.profile import seed

CURVES = ("srgb", "gamma", "none")


def draw(*shape, number=0):
    return torch.rand(shape, generator=seed(number), dtype=torch.float64)


@pytest.mark.parametrize("curve", CURVES)
def test_the_curve_comes_back(curve):
    x = torch.linspace(0, 2, 400, dtype=torch.float64).reshape(1, 1, 20, 20)
    light = to_linear(x, curve)
    torch.testing.assert_close(from_linear(light, curve), x, rtol=1e-6, atol=1e-6)
    assert (light.flatten().diff() > 0).all()


def test_the_standards_numbers():
    """IEC 61966-2-1; 8-bit values against the table that every colour library prints."""
    values = torch.tensor([0, 10, 11, 64, 128, 188, 255], dtype=torch.float64).reshape(1, 1, 1, 7).expand(1, 1, 2, 7)
    expected = torch.tensor([0, 0.0030353, 0.0033465, 0.0512695, 0.2158605, 0.5028865, 1], dtype=torch.float64)
    torch.testing.assert_close(to_linear(values / 255)[0, 0, 0], expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("curve", CURVES)
def test_curves_have_finite_gradients_at_black(curve):
    x = torch.tensor([[[[0.0, 0.02], [0.3, 1.4]]]], dtype=torch.float64, requires_grad=True)
    for function in (to_linear, from_linear):
        (gradient,) = torch.autograd.grad(function(x, curve).sum(), x)
        assert gradient.isfinite().all()
    assert torch.autograd.gradcheck(
        lambda x: from_linear(to_linear(x, curve), curve), (draw(1, 1, 3, 3) + 0.1).requires_grad_()
    )


@pytest.mark.parametrize("photons", [5.0, 100.0, 1e6])
@pytest.mark.parametrize("level", [0.0, 0.2, 0.9])
def test_noise_has_the_mean_and_the_variance_of_photons(photons, level):
    x = torch.full((1, 1, 400, 400), level, dtype=torch.float64)
    y = add_sensor_noise(x, photons=photons, read=0.01, generator=seed(1))
    variance = level / photons + 1e-4
    assert y.mean().item() == pytest.approx(level, abs=5 * math.sqrt(variance / x.numel()))
    assert y.var().item() == pytest.approx(variance, rel=0.02)


def test_photons_are_counted():
    y = add_sensor_noise(torch.full((1, 1, 64, 64), 0.5, dtype=torch.float64), photons=20.0)
    torch.testing.assert_close(y * 20, (y * 20).round())


def test_no_noise_is_no_change_and_the_generator_decides():
    x = draw(1, 3, 8, 8)
    assert torch.equal(add_sensor_noise(x), x)
    first, again, other = (add_sensor_noise(x, photons=50.0, read=0.1, generator=seed(n)) for n in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert add_sensor_noise(x.float(), photons=50.0).dtype == torch.float32
    state = torch.get_rng_state()
    add_sensor_noise(x, photons=50.0, read=0.1)
    assert torch.equal(torch.get_rng_state(), state)


def test_the_gradient_of_the_noisy_light_is_that_of_its_mean():
    x = draw(1, 1, 4, 4).requires_grad_()
    (gradient,) = torch.autograd.grad(add_sensor_noise(x, photons=10.0, read=0.1).sum(), x)
    torch.testing.assert_close(gradient, torch.ones_like(x))


def test_saturation():
    x = torch.linspace(0, 2, 64, dtype=torch.float64).reshape(1, 1, 8, 8)
    assert torch.equal(saturate(x), x.clamp(max=1))
    soft = saturate(x, smooth=50.0)
    assert (soft <= 1).all()
    assert (soft - x.clamp(max=1)).abs().max() < 0.014  # log(2) / 50, at white
    assert torch.autograd.gradcheck(lambda x: saturate(x, smooth=50.0), x.clone().requires_grad_())


def test_a_plain_exposure_is_the_blur():
    blur, x = Blur(gaussian(7, 1.5, dtype=torch.float64)), draw(1, 3, 16, 18)
    assert torch.equal(expose(x, blur, curve="none", clip=False), blur(x))
    torch.testing.assert_close(expose(x), x)


def test_the_order_is_the_cameras():
    """Blur, then noise, then the limit, then the curve: a lamp far brighter than white leaves a wide white spot."""
    blur, x = Blur(gaussian(15, 2.0, dtype=torch.float64)), torch.full((1, 1, 31, 31), 0.1, dtype=torch.float64)
    x[..., 15, 15] = 3.0
    y = expose(x, blur, photons=1000.0, read=0.01, generator=seed(3))
    light = add_sensor_noise(blur(to_linear(x)), photons=1000.0, read=0.01, generator=seed(3))
    torch.testing.assert_close(y, from_linear(light.clamp(0, 1)))
    assert y.min() >= 0 and y.max() <= 1
    clipped_first = from_linear(blur(to_linear(x).clamp(max=1)))
    assert expose(x, blur).sum() > clipped_first.sum() + 1


def test_light_far_above_white_is_white():
    """Lamps and a long exposure together make an overexposed photograph, not an error."""
    x = from_linear(torch.full((1, 1, 4, 4), 6.0, dtype=torch.float64))
    torch.testing.assert_close(expose(x, gain=16.0, photons=100.0, read=0.1), torch.ones_like(x))


def test_exposures_have_gradients():
    blur, x = Blur(gaussian(3, 0.8, dtype=torch.float64)), draw(1, 1, 5, 5) * 1.5
    assert torch.autograd.gradcheck(lambda x: expose(x, blur, smooth=20.0), x.requires_grad_())
    (gradient,) = torch.autograd.grad(expose(x, blur, photons=100.0, read=0.02, smooth=20.0).sum(), x)
    assert gradient.isfinite().all()


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: to_linear(x, "log"), ValueError, "unknown 'log'"),
        (lambda x: from_linear(255 * x), ValueError, "divide by 255"),
        (lambda x: to_linear(x[0]), ValueError, "Add the batch"),
        (lambda x: add_sensor_noise(x, photons=0.0), ValueError, "photons: expected a number above 0"),
        (lambda x: add_sensor_noise(x, read=-0.1), ValueError, "read"),
        (lambda x: add_sensor_noise(x, generator=7), TypeError, "torch.Generator"),
        (lambda x: saturate(x, smooth=0.0), ValueError, "smooth"),
        (lambda x: expose(x, gain=0.0), ValueError, "gain"),
        (lambda x: expose(x.int()), TypeError, "int32"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(torch.full((1, 1, 4, 4), 0.5))


def test_cuda(cuda):
    x = draw(1, 3, 16, 16)
    noise = {"photons": 100.0, "read": 0.01, "generator": seed(4)}
    there = expose(x.to(cuda), **noise)
    torch.testing.assert_close(there.cpu(), expose(x, **(noise | {"generator": seed(4)})))
