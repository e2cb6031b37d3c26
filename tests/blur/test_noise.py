"""The noise is white, Gaussian, of the stated size, and not clipped."""

import pytest
import scipy.stats
import torch

from deblurlib.blur import add_noise
from deblurlib.profile import seed


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_statistics(dtype):
    x = torch.zeros(2, 3, 128, 128, dtype=dtype)
    noise = add_noise(x, 0.1, generator=seed(1))
    assert noise.dtype == dtype
    assert noise.min() < -0.3  # not clipped at black
    assert noise.mean().item() == pytest.approx(0, abs=0.1 * 4 / 98304**0.5)
    assert noise.std().item() == pytest.approx(0.1, rel=0.01)
    assert scipy.stats.kstest(noise.flatten().double().numpy() / 0.1, "norm").pvalue > 1e-3
    power = torch.fft.fft2(noise.double()).abs().square().mean(dim=(0, 1)) / 128**2
    quarters = [power[r : r + 64, c : c + 64].mean().item() for r in (0, 64) for c in (0, 64)]
    assert quarters == pytest.approx([0.01] * 4, rel=0.03)  # white
    for dim in (0, 1):  # no image and no channel repeats another
        a, b = (noise.narrow(dim, i, 1).flatten() for i in (0, 1))
        assert abs(torch.corrcoef(torch.stack([a, b]))[0, 1]) < 0.02


def test_no_noise_is_no_change():
    x = torch.rand(1, 1, 8, 8, generator=seed(0))
    assert torch.equal(add_noise(x, 0.0), x)


def test_the_generator_decides():
    x = torch.zeros(1, 1, 8, 8)
    assert torch.equal(add_noise(x, 0.1), add_noise(x, 0.1, generator=seed(0)))
    assert not torch.equal(add_noise(x, 0.1), add_noise(x, 0.1, generator=seed(1)))


def test_one_seed_gives_the_same_noise_on_cuda(cuda):
    x = torch.zeros(1, 1, 8, 8)
    assert torch.equal(add_noise(x.to(cuda), 0.1, generator=seed(1)).cpu(), add_noise(x, 0.1, generator=seed(1)))


@pytest.mark.parametrize("sigma", [-0.1, 25, float("nan"), float("inf")])
def test_an_impossible_deviation_is_refused(sigma):
    with pytest.raises(ValueError, match="sigma"):
        add_noise(torch.zeros(1, 1, 8, 8), sigma)
