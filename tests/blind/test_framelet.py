"""The framelet prior: its frame is tight, its steps solve what they say, and its energy falls."""

import pytest
import torch

from deblurlib import blur
from deblurlib.blind.edges import gradients
from deblurlib.blind.framelet import (
    analyse,
    framelet_kernel_step,
    framelet_step,
    put_together,
    shrink,
    shrink_within,
)
from deblurlib.blind.latent_steps import Periodic
from deblurlib.least_squares import ridge


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("spread", [1, 2, 4])
def test_the_frame_is_tight_and_its_way_back_is_its_adjoint(spread):
    x, bands = noise(2, 1, 13, 18), noise(2, 9, 13, 18, seed=1)
    torch.testing.assert_close(put_together(analyse(x, spread), spread), x, rtol=0, atol=1e-12)
    torch.testing.assert_close((analyse(x, spread) * bands).sum(), (x * put_together(bands, spread)).sum())
    torch.testing.assert_close(analyse(x, spread).square().sum(), x.square().sum())


def test_the_bands_are_the_means_and_differences_that_the_paper_names():
    """On a ramp: its mean, a constant first difference across, and no second one, away from where it wraps."""
    ramp = torch.arange(20.0).double().expand(1, 1, 20, 20).contiguous()
    bands = analyse(ramp)[0, :, 4:-4, 4:-4]
    torch.testing.assert_close(bands[0], ramp[0, 0, 4:-4, 4:-4])
    torch.testing.assert_close(bands[1].abs(), torch.full_like(bands[1], 2**0.5 / 2))
    assert float(bands[2:].abs().max()) < 1e-12


def test_shrinking_pulls_at_details_alone():
    flat = torch.full((1, 1, 16, 16), 0.3, dtype=torch.float64)
    torch.testing.assert_close(shrink(flat, 0.1, 3), flat)
    x = noise(1, 1, 24, 24)
    torch.testing.assert_close(shrink(x, 1e9, 2).mean(), x.mean())
    assert float(shrink(x, 1e9, 2).std()) < 0.25 * float(x.std())
    details = analyse(x)[:, 1:]
    soft = details.sign() * (details.abs() - 0.2).clamp_min(0)
    torch.testing.assert_close(shrink(x, 0.2, 1), put_together(torch.cat([analyse(x)[:, :1], soft], dim=1)))


def energy(y, x, kernel, weight, levels):
    """The latent step's energy."""
    fit = torch.fft.irfft2(y.transfer(kernel) * torch.fft.rfft2(x), s=y.shape) - y.picture
    averages, price = x, 0.0
    for level in range(levels):
        bands = analyse(averages, 2**level)
        averages, price = bands[:, :1], price + bands[:, 1:].abs().sum()
    return float(fit.square().sum() + weight * price)


def test_the_latent_step_lowers_its_energy(sharp, kernel):
    y = Periodic(blur.Blur(kernel, "valid")(sharp[..., :80, :90]).double(), 9)
    seen = [
        energy(y, framelet_step(y, kernel.double(), 1e-3, tie=0.01, ties=n, levels=3), kernel.double(), 1e-3, 3)
        for n in (1, 3, 5, 7)
    ]
    assert seen == sorted(seen, reverse=True)
    assert seen[-1] < energy(y, y.picture, kernel.double(), 1e-3, 3) / 2


def test_the_kernel_step_is_the_ridge_without_a_weight_and_sparser_with_one(sharp, kernel):
    x = sharp.double()
    seen, maps = gradients(blur.Blur(kernel.double(), "valid")(x)), gradients(x)[..., 4:-4, 4:-4]
    plain = framelet_kernel_step(maps, seen, 13, 0.0, 2.0)
    torch.testing.assert_close(
        plain, ridge(maps, seen, 13, weight=2.0, iterations=200, tolerance=0.0), rtol=0, atol=2e-3
    )
    dusty = seen + 0.05 * noise(*seen.shape)
    rough, smooth = (framelet_kernel_step(maps, dusty, 13, w, 2.0) for w in (0.0, 3e-3))

    def price(k):
        return float(analyse(torch.nn.functional.pad(k, (1,) * 4))[:, 1:].abs().sum())

    assert price(smooth) < 0.95 * price(rough)
    torch.testing.assert_close(shrink_within(plain, 0.0), plain)
