"""The generator that finds the kernel on its way: its pieces, its start, and tiles that share a kernel."""

import pytest
import torch

from deblurlib.blur import Blur, add_noise, camera_shake, linear_motion
from deblurlib.metrics import psnr
from deblurlib.networks import Deblurrer, GuidedUNet, load_generator, load_weights, save_weights
from deblurlib.networks import guided_unet as pieces
from deblurlib.profile import seed


def draw(*shape, number=0):
    return torch.rand(shape, generator=seed(number))


def small():
    """Not as it starts: every part has something to say."""
    network = GuidedUNet(6, 1, 1, widths=(4, 6, 8)).eval()
    with torch.no_grad():
        for part in (network.first, network.second):
            part.last.weight.normal_(std=0.05, generator=seed(1))
    return network


@pytest.mark.parametrize("size", [(1, 1), (2, 5), (8, 8), (23, 50), (24, 24), (37, 50)], ids=str)
def test_any_size(size):
    x = draw(2, 3, *size)
    with torch.no_grad():
        restored = small()(x)
    assert restored.shape == x.shape
    assert bool(restored.isfinite().all())


def test_untrained_it_mixes_the_picture_with_its_filter():
    """Four parts in five of the filter that believes what it is told."""
    network, x = GuidedUNet(6, 1, 1, widths=(4, 6, 8)).eval(), draw(1, 3, 40, 48)
    with torch.no_grad():
        filtered = pieces.wiener_filters(x, *network.find(x))[:, :3]
        torch.testing.assert_close(network(x), torch.lerp(x, filtered, 0.802), rtol=0, atol=1e-3)


def test_a_batch_is_a_loop():
    x, network = draw(3, 3, 40, 48), small()
    with torch.no_grad():
        alone = torch.cat([network(x[i : i + 1]) for i in range(3)])
        torch.testing.assert_close(network(x), alone, rtol=0, atol=1e-5)


def test_double_precision():
    """The same, with more digits."""
    network, x = small(), draw(2, 3, 40, 48)
    with torch.no_grad():
        single, double = network(x), network.double()(x.double())
    assert double.dtype == torch.float64
    torch.testing.assert_close(double.float(), single, rtol=0, atol=1e-4)


def test_tiles_show_both_networks_enough():
    network = small()
    assert network.reach >= max(network.first.reach, network.second.reach)


def test_a_kernel_is_one():
    kernel, noise = small().find(draw(2, 3, 60, 60))
    assert kernel.shape == (2, 1, 35, 35)
    assert noise.shape == (2,)
    assert kernel.min() >= 0
    torch.testing.assert_close(kernel.sum(dim=(-3, -2, -1)), torch.ones(2))


def test_least_squares_find_the_kernel_of_a_perfect_restoration():
    """Ridges between the truth and the picture: the network between them has nothing left to do."""
    x = torch.nn.functional.interpolate(draw(1, 3, 60, 60), scale_factor=3, mode="bicubic").clamp(0, 1)
    true = camera_shake(1, 35, length=(10.0, 20.0), generator=seed(2))
    y = add_noise(Blur(true, "replicate")(x), 0.002, generator=seed(3))
    found = small().look(x, y, torch.tensor([0.002]))
    assert (found * true).sum() / (found.norm() * true.norm()) > 0.6


@pytest.mark.parametrize("sigma", [0.004, 0.01])
def test_noise_is_judged_under_blur(sigma):
    x = torch.nn.functional.interpolate(draw(1, 3, 50, 50), scale_factor=4, mode="bilinear")
    y = add_noise(Blur(linear_motion(9, 30.0), "replicate")(x), sigma, generator=seed(4))
    assert float(pieces.noise_level(y)) == pytest.approx(sigma, rel=0.15)
    assert float(pieces.noise_level(torch.zeros(1, 3, 9, 9))) == pytest.approx(pieces.NOISE[0])
    assert float(pieces.noise_level(draw(1, 3, 99, 99))) == pytest.approx(pieces.NOISE[1])


def test_the_filters_undo_a_known_blur():
    x = torch.nn.functional.interpolate(draw(1, 3, 12, 12), scale_factor=8, mode="bicubic").clamp(0, 1)
    kernel = torch.nn.functional.pad(linear_motion(9, 20.0), (13, 13, 13, 13))
    y = add_noise(Blur(kernel, "replicate")(x), 0.002, generator=seed(5))
    filters = pieces.wiener_filters(y, kernel, torch.tensor([0.002]))
    assert filters.shape == (1, 9, 96, 96)
    inner = (..., slice(20, -20), slice(20, -20))
    for filtered in filters.split(3, dim=1):
        assert psnr(filtered[inner].clamp(0, 1), x[inner]) > psnr(y[inner], x[inner]) + 1
    rough = [float(filtered.diff(dim=-1).abs().mean()) for filtered in filters.split(3, dim=1)]
    assert rough[1] > rough[0] > rough[2]  # who believes in less noise smooths less


def test_what_repeats_has_no_seam():
    x = torch.linspace(0, 1, 64).expand(1, 1, 64, 64)
    steps = pieces.periodic(x, 40).diff(dim=-1, append=pieces.periodic(x, 40)[..., :1]).abs()
    assert steps.max() < 0.06  # the ramp alone would jump by 1


def test_the_window_with_the_most_edges():
    x = torch.full((2, 3, 90, 120), 0.5)
    x[0, :, 64:80, 64:110] += 0.2 * draw(3, 16, 46)
    x[1, :, :30, :30] += 0.2 * draw(3, 30, 30)
    cut = pieces.most_edges(x, 48)
    assert cut.shape == (2, 3, 48, 48)
    assert torch.equal(cut[1], x[1, :, :48, :48])
    assert (cut[0] != 0.5).sum() > 0.8 * (x[0] != 0.5).sum()
    assert torch.equal(pieces.most_edges(x, 200), x)


def test_tiles_share_one_kernel():
    """A picture of several tiles is looked at once; between tile and whole is how far the filters reach."""
    network = small()
    x = torch.nn.functional.interpolate(draw(1, 3, 30, 110), scale_factor=8, mode="bicubic").clamp(0, 1)
    asked = []
    network.refiner.register_forward_hook(lambda *_: asked.append(1))
    with torch.no_grad():
        tiles, whole = Deblurrer(network)(x), network(x).clamp(0, 1)
    assert len(asked) == 16  # eight turns and mirrors for the tiles, as for the whole
    assert (tiles - whole).abs().mean() < 0.1 * (whole - x).abs().mean()


def test_gradients_reach_every_weight():
    network = GuidedUNet(6, 1, 1, widths=(4, 6, 8))
    with torch.no_grad():
        for weights in network.parameters():  # some start at zero, and hide those before them
            weights.add_(0.02 * torch.randn(weights.shape, generator=seed(6)))
    network(draw(1, 3, 40, 40)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_files(tmp_path):
    network = small()
    save_weights(tmp_path / "own.safetensors", network)
    again = load_weights(tmp_path / "own.safetensors")
    x = draw(1, 3, 30, 40)
    with torch.no_grad():
        torch.testing.assert_close(again(x), network(x))
    assert load_generator(tmp_path / "own.safetensors")(x[:, :1]).shape == (1, 1, 30, 40)
