"""What a training step costs, against the sum of its parts."""

import pytest
import torch

from deblurlib.losses import vgg_layers
from deblurlib.networks import PatchDiscriminator, UNet256Generator, UNetGenerator, network_cost
from deblurlib.training import SYSTEMS, TrainingConfig, recipe, step_cost

TOLD_THE_KERNEL = {"denoiser", "deep_deconvolution", "deconvolution_cnn", "motion_field"}
PAPER = {
    "generator": "unet256",
    "width": 64,
    "levels": 8,
    "generator_norm": True,
    "residual": False,
    "discriminator_width": 64,
    "receptive_field": 70,
    "discriminator_norm": True,
    "crop": 256,
    "batch": 1,
}
"""The networks of Yuan et al. (2020), and one sample."""


@pytest.mark.parametrize("name", sorted(SYSTEMS.keys() - TOLD_THE_KERNEL))
def test_every_system_has_a_cost(name):
    """More than a step of regression, in proportion to the batch."""
    one, two = (step_cost(recipe(name, batch=batch)) for batch in (1, 2))
    assert two.parameters == one.parameters
    assert two.flops == pytest.approx(2 * one.flops, rel=1e-6)
    least = step_cost(TrainingConfig(batch=1, generator=recipe(name).generator))
    assert one.flops >= least.flops


def test_regression_is_forward_and_backward():
    """Three times the forward pass, less the gradient of the image itself."""
    network = UNetGenerator()
    cost = step_cost(TrainingConfig(batch=1))
    both = network_cost(network, side=40, backward=True)
    first = 2 * 3 * 16 * 9 * 40 * 40
    assert cost.flops == both.flops - first
    assert cost.parameters == both.parameters


def test_the_cycle_gan_of_the_paper():
    """Six passes of a generator and four of a judge, with gradients; two of a frozen judge, with the image's."""
    with torch.device("meta"):
        generator = network_cost(UNet256Generator(), backward=True).flops
        judge = network_cost(PatchDiscriminator(70), backward=True).flops
    expected = 6 * generator + 4 * judge + 2 * judge * 2 / 3
    cost = step_cost(recipe("cycle_gan", **PAPER))
    assert cost.flops == pytest.approx(expected, rel=0.01)
    assert cost.flops / 1e9 == pytest.approx(318, rel=0.01)
    assert cost.parameters == 2 * (54_409_603 + 2_764_737)


def test_ten_steps_of_the_judges():
    """Each costs both judges a real and a fake image: 75 GFLOP a sample."""
    once, ten = (step_cost(recipe("yuan", **PAPER, judge_steps=steps)).flops for steps in (1, 10))
    assert (ten - once) / 9 / 1e9 == pytest.approx(75.5, rel=0.02)


def test_features_are_paid_for():
    """Random features at a quarter of VGG-19's width, seen three times: of the truth, of the restoration, and back."""
    plain, perceptual = (step_cost(TrainingConfig(batch=1, content=c, crop=64)) for c in ("l1", "perceptual"))
    with torch.device("meta"):
        features = network_cost(vgg_layers(width=16), side=64).flops
    assert perceptual.flops - plain.flops == pytest.approx(3 * features, rel=1e-6)


@pytest.mark.parametrize("name", sorted(TOLD_THE_KERNEL))
def test_systems_that_are_told_the_kernel_are_refused(name):
    with pytest.raises(ValueError, match=f"system: {name} is told the kernel; count its network by network_cost"):
        step_cost(TrainingConfig(system=name))
    with pytest.raises(ValueError, match="system: unknown 'magic'"):
        step_cost(TrainingConfig(system="magic"))
