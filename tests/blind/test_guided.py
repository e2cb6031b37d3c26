"""A network's restoration gives the kernel away, and the two together are better than the network alone."""

import pytest
import torch

from deblurlib import images
from deblurlib.blind import GuidedSettings, guided
from deblurlib.blur import Blur, add_noise, linear_motion
from deblurlib.metrics import kernel_similarity, psnr
from deblurlib.networks import KernelRefiner
from deblurlib.profile import seed
from deblurlib.training import TrainingConfig, held_out

WORLD = TrainingConfig(kernel_size=19, path_length=(4.0, 15.0), noise=(0.01, 0.01))


@pytest.fixture(scope="module")
def examination():
    """A crop of each of the photographs that no training saw."""
    return held_out(config=WORLD, side=128, crops=1)


@pytest.fixture(scope="module")
def found(examination):
    return guided(examination.blurred, 19)


def test_the_kernel_is_found(found, examination):
    similarity = kernel_similarity(found.kernel, examination.kernels)
    assert similarity.mean() > 0.9
    assert (found.kernel >= 0).all()
    torch.testing.assert_close(found.kernel.sum(dim=(-2, -1)), torch.ones(len(similarity), 1))


def test_the_refiner_is_worth_it(found, examination):
    """An untrained one leaves a ridge regression."""
    plain = guided(examination.blurred, 19, refiner=KernelRefiner())
    gain = psnr(found.image, examination.sharp) - psnr(plain.image, examination.sharp)
    assert gain.mean() > 0.5


def test_both_together_are_better_than_either(found, examination):
    """On the mean over crops, by PSNR."""
    pictures = (found.latent, found.divided, found.image)
    latent, divided, image = (float(psnr(x.clamp(0, 1), examination.sharp).mean()) for x in pictures)
    assert image > latent + 0.2
    assert image > divided


def test_the_shares_are_the_result_s(examination):
    one = examination.blurred[:1, :, :64, :64]
    network = guided(one, 19, settings=GuidedSettings(share=0.0))
    divided = guided(one, 19, settings=GuidedSettings(share=1.0))
    torch.testing.assert_close(network.image, network.latent.clamp(0, 1))
    torch.testing.assert_close(divided.image, divided.divided.clamp(0, 1))


def test_a_batch_is_a_loop(found, examination):
    alone = guided(examination.blurred[2:3], 19)
    torch.testing.assert_close(alone.kernel, found.kernel[2:3], rtol=0, atol=1e-5)
    torch.testing.assert_close(alone.image, found.image[2:3], rtol=0, atol=1e-4)
    assert torch.equal(guided(examination.blurred[2:3], 19).image, alone.image)


def test_a_grey_photograph():
    x = images.bundled("camera")[..., 100:228, 180:308]
    found = guided(add_noise(Blur(linear_motion(9, 0.0), "replicate")(x), 0.01, generator=seed(0)), 13)
    assert found.image.shape == x.shape
    assert kernel_similarity(found.kernel, linear_motion(9, 0.0)) > 0.6


@pytest.mark.parametrize("size", [123, 999])
def test_a_kernel_that_does_not_fit(size):
    with pytest.raises(ValueError, match=f"kernel_size: {size} is larger than the photograph within its rim, 121x121"):
        guided(torch.rand(1, 3, 128, 128), size)


def test_bad_input():
    with pytest.raises(ValueError, match="kernel_size: expected a positive odd number"):
        guided(torch.rand(1, 3, 64, 64), 12)
    with pytest.raises(ValueError, match="kernel_size: expected at least 3, got 1"):
        guided(torch.rand(1, 3, 64, 64), 1)
    with pytest.raises(TypeError, match="blurred"):
        guided([0.5], 11)
    for name, value in {"share": 1.5, "mixed": -0.1}.items():
        with pytest.raises(ValueError, match=name):
            GuidedSettings(**{name: value})


def test_where_nothing_can_be_seen():
    with pytest.raises(ValueError, match="image 1 of the batch is flat: without edges no kernel can be seen"):
        guided(torch.stack([torch.rand(3, 64, 64, generator=seed(0)), torch.full((3, 64, 64), 0.5)]), 9)
