"""The refiner of kernels: how it is built, and what the one that ships does to kernels."""

import pytest
import torch
from train_kernel_refiner import train

from deblurlib.blind.kernel_cleanup import normalise
from deblurlib.blind.refined_kernel import inner_edges, refine, three_ridges
from deblurlib.blur import camera_shake
from deblurlib.losses import wiener_error
from deblurlib.metrics import kernel_similarity
from deblurlib.networks import Deblurrer, Denoiser, KernelRefiner, load_generator, load_kernel_refiner, save_weights
from deblurlib.networks.pretrained import FOLDER
from deblurlib.profile import seed
from deblurlib.training import TrainingConfig, held_out

WORLD = TrainingConfig(kernel_size=19, path_length=(4.0, 15.0), noise=(0.01, 0.01))


def draw(*shape):
    return torch.rand(shape, generator=seed(0))


@pytest.fixture(scope="module")
def shipped():
    return load_kernel_refiner()


@pytest.fixture(scope="module")
def examination():
    """A crop of each of the photographs that no training saw."""
    return held_out(config=WORLD, side=128, crops=1)


@pytest.fixture(scope="module")
def ridges(examination):
    latent = load_generator()(examination.blurred)
    return three_ridges(inner_edges(latent), inner_edges(examination.blurred), 19)


def test_untrained_it_changes_nothing():
    ridges = draw(2, 3, 19, 19)
    torch.testing.assert_close(KernelRefiner()(ridges, 0.01), ridges[:, 1:2])


def test_a_multiple_gives_that_multiple(shipped, ridges):
    torch.testing.assert_close(shipped(7 * ridges, 0.01), 7 * shipped(ridges, 0.01), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("size", [3, 5, 13, 19, 35, 51])
def test_any_size(shipped, size):
    assert shipped(draw(1, 3, size, size), 0.01).shape == (1, 1, size, size)


def test_no_light_stays_none(shipped):
    assert shipped(torch.zeros(1, 3, 9, 9), 0.01).abs().max() < 1e-10


def test_a_batch_is_a_loop(shipped, ridges):
    noise = torch.linspace(0.002, 0.015, len(ridges))
    alone = torch.cat([shipped(ridges[i : i + 1], noise[i : i + 1]) for i in range(len(ridges))])
    torch.testing.assert_close(shipped(ridges, noise), alone, rtol=0, atol=1e-5)


def test_gradients_reach_every_weight():
    network = KernelRefiner(widths=(4, 6, 8))
    with torch.no_grad():
        network.last.weight.normal_(generator=seed(1))
    network(draw(1, 3, 19, 19), 0.01).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in network.parameters())


def test_bad_input():
    with pytest.raises(ValueError, match=r"expected shape \(B, 3, h, w\), got \(1, 1, 9, 9\)"):
        KernelRefiner()(draw(1, 1, 9, 9), 0.01)


def test_what_ships_corrects_kernels(shipped, ridges, examination):
    """On the mean over photographs that no training saw, and without a loser among them."""
    before, after = (
        kernel_similarity(refine(ridges, network, 0.01), examination.kernels) for network in (KernelRefiner(), shipped)
    )
    assert after.mean() > before.mean() + 0.03
    assert (after > before - 0.02).all()


def test_a_turned_or_mirrored_kernel_is_corrected_alike(shipped, ridges):
    refined = refine(ridges, shipped, 0.01)
    for change in (lambda k: k.flip(-1), lambda k: k.flip(-2), lambda k: k.rot90(1, (-2, -1))):
        torch.testing.assert_close(refine(change(ridges), shipped, 0.01), change(refined), rtol=0, atol=1e-5)


def test_noise_beyond_what_it_has_seen_is_the_nearest_that_it_has(shipped, ridges):
    assert torch.equal(refine(ridges, shipped, 0.2), refine(ridges, shipped, 0.015))
    assert torch.equal(refine(ridges, shipped, 1e-4), refine(ridges, shipped, 0.002))
    assert not torch.equal(refine(ridges, shipped, 0.002), refine(ridges, shipped, 0.015))


def test_what_ships(shipped):
    path = FOLDER / "refiner" / "kernel_refiner.safetensors"
    assert path.stat().st_size < 2**19
    assert path.with_suffix(".md").is_file()
    assert not shipped.training
    assert not any(p.requires_grad for p in shipped.parameters())


def test_training_learns_to_clean():
    """Kernels under noise: a little of it goes within some steps, on kernels that were not among the examples."""
    kernels = camera_shake(128, 11, length=(4.0, 8.0), generator=seed(4))
    noisy = kernels + 0.01 * torch.randn(128, 3, 11, 11, generator=seed(5))
    network = train([(noisy[:96], kernels[:96], torch.full((96,), 0.01))], steps=40, seed=0)
    with torch.no_grad():
        before, after = (wiener_error(normalise(x), kernels[96:]) for x in (noisy[96:, 1:2], network(noisy[96:], 0.01)))
    assert after.mean() < before.mean() - 0.5


def test_files_of_another_kind(tmp_path):
    save_weights(tmp_path / "own.safetensors", KernelRefiner(widths=(4, 6, 8)))
    assert load_kernel_refiner(tmp_path / "own.safetensors").settings["widths"] == [4, 6, 8]
    save_weights(tmp_path / "other.safetensors", Denoiser(widths=(4, 6, 8)))
    with pytest.raises(ValueError, match="holds a Denoiser, expected a KernelRefiner"):
        load_kernel_refiner(tmp_path / "other.safetensors")
    with pytest.raises(FileNotFoundError, match="no such weights file"):
        load_kernel_refiner(tmp_path / "none.safetensors")


def test_it_is_no_generator():
    with pytest.raises(ValueError, match=r"KernelRefiner restores nothing by itself: use deblurlib\.blind\.guided"):
        Deblurrer(KernelRefiner())
