"""The bilateral filter against its definition, and ringing that goes."""

import math

import pytest
import torch

from deblurlib.blur import Blur, gaussian, linear_motion
from deblurlib.deconvolution import remove_ringing, total_variation
from deblurlib.deconvolution.ringing import bilateral
from deblurlib.profile import seed


def test_bilateral_is_its_definition():
    x = torch.rand(1, 2, 9, 10, generator=seed(0), dtype=torch.float64)
    found = bilateral(x, spread=1.0, tolerance=0.3)
    for r, c in [(0, 0), (4, 5), (8, 9), (2, 9)]:
        total, weights = torch.zeros(2, dtype=x.dtype), 0.0
        for dy in range(-2, 3):
            for dx in range(-2, 3):
                other = x[0, :, min(max(r + dy, 0), 8), min(max(c + dx, 0), 9)]
                unlike = float((other - x[0, :, r, c]).square().sum())
                w = math.exp(-(dy * dy + dx * dx) / 2 - unlike / (2 * 0.3**2))
                total, weights = total + w * other, weights + w
        torch.testing.assert_close(found[0, :, r, c], total / weights, rtol=0, atol=1e-12)


def test_without_strength_it_is_total_variation():
    y = torch.rand(2, 3, 20, 22, generator=seed(1), dtype=torch.float64)
    k = gaussian(5, 1.0, dtype=y.dtype)
    expected = total_variation(y, k, weight=2e-3, isotropic=False)
    torch.testing.assert_close(remove_ringing(y, k, strength=0.0), expected, rtol=0, atol=1e-12)
    single = torch.cat([remove_ringing(y[i : i + 1], k) for i in range(2)])
    torch.testing.assert_close(remove_ringing(y, k), single, rtol=0, atol=1e-9)


def test_the_ringing_of_a_wrong_kernel_becomes_less():
    """Beside a bright square, where the truth is flat."""
    x = torch.full((1, 1, 96, 96), 0.3, dtype=torch.float64)
    x[..., 32:64, 32:64] = 0.8
    y = Blur(linear_motion(9.0, 20.0, dtype=x.dtype))(x)
    wrong = linear_motion(11.0, 20.0, dtype=x.dtype)
    flat = torch.ones_like(x, dtype=torch.bool)
    flat[..., 28:68, 28:68] = False
    before = (total_variation(y, wrong, weight=2e-3, isotropic=False) - x)[flat].square().mean()
    after = (remove_ringing(y, wrong) - x)[flat].square().mean()
    assert after < 0.8 * before


@pytest.mark.parametrize("settings", [{"strength": -1.0}, {"tv_weight": 0.0}, {"l0_weight": -1.0}])
def test_bad_settings_are_refused(settings):
    (name,) = settings
    with pytest.raises(ValueError, match=f"^{name}: expected"):
        remove_ringing(torch.rand(1, 1, 20, 20, generator=seed(0)), gaussian(5, 1.0), **settings)
