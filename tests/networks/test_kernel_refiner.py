"""The refiner of kernels: how it is built, what it cannot change, and that it learns to clean."""

import pytest
import torch

from deblurlib.blur import camera_shake
from deblurlib.losses import wiener_error
from deblurlib.networks import KernelRefiner
from deblurlib.networks.guided_unet import unit_light
from deblurlib.profile import seed


def draw(*shape):
    return torch.rand(shape, generator=seed(0))


def spoken():
    """One that corrects."""
    network = KernelRefiner(widths=(4, 6, 8))
    with torch.no_grad():
        network.last.weight.normal_(std=0.1, generator=seed(1))
    return network


def test_untrained_it_changes_nothing():
    ridges = draw(2, 3, 19, 19)
    torch.testing.assert_close(KernelRefiner()(ridges, 0.01), ridges[:, 1:2])


def test_a_multiple_gives_that_multiple():
    ridges, network = draw(2, 3, 19, 19), spoken()
    torch.testing.assert_close(network(7 * ridges, 0.01), 7 * network(ridges, 0.01), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [3, 5, 13, 19, 35, 51])
def test_any_size(size):
    assert spoken()(draw(1, 3, size, size), 0.01).shape == (1, 1, size, size)


def test_no_light_stays_none():
    assert spoken()(torch.zeros(1, 3, 9, 9), 0.01).abs().max() < 1e-10


def test_a_batch_is_a_loop():
    noise, ridges, network = torch.linspace(0.002, 0.015, 4), draw(4, 3, 19, 19), spoken()
    alone = torch.cat([network(ridges[i : i + 1], noise[i : i + 1]) for i in range(4)])
    torch.testing.assert_close(network(ridges, noise), alone, rtol=0, atol=1e-5)


def test_gradients_reach_every_weight():
    network = spoken()
    network(draw(1, 3, 19, 19), 0.01).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_bad_input():
    with pytest.raises(ValueError, match=r"expected shape \(B, 3, h, w\), got \(1, 1, 9, 9\)"):
        KernelRefiner()(draw(1, 1, 9, 9), 0.01)


def test_it_learns_to_clean():
    """Kernels under noise: a little of it goes within some steps, on kernels that were not among the examples."""
    kernels = camera_shake(128, 11, length=(4.0, 8.0), generator=seed(4))
    noisy = kernels + 0.01 * torch.randn(128, 3, 11, 11, generator=seed(5))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = KernelRefiner()
    optimizer = torch.optim.Adam(network.parameters(), 1e-3)
    for _ in range(40):
        optimizer.zero_grad()
        wiener_error(unit_light(network(noisy[:96], 0.01)), kernels[:96]).mean().backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
    with torch.no_grad():
        before, after = (
            wiener_error(unit_light(x), kernels[96:]) for x in (noisy[96:, 1:2], network(noisy[96:], 0.01))
        )
    assert after.mean() < before.mean() - 0.5
