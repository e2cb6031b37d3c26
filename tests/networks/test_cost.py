"""Costs are counted by shapes alone, and are the published ones."""

import pytest
import torch
from torch import nn

from deblurlib.losses import vgg_layers
from deblurlib.networks import (
    Cost,
    Deconvolver,
    Denoiser,
    PatchDiscriminator,
    ResNetGenerator,
    UNet256Generator,
    UNetGenerator,
    network_cost,
)


@pytest.mark.parametrize(
    ("make", "parameters", "forward", "training"),
    [
        (UNet256Generator, 54.41, 12.10, 36.29),
        (ResNetGenerator, 11.38, 99.10, 297.3),
        (PatchDiscriminator, 2.76, 6.29, 18.88),
        (vgg_layers, 1.74, 24.39, 73.2),
    ],
    ids=lambda x: getattr(x, "__name__", None),
)
def test_the_networks_of_the_papers(make, parameters, forward, training):
    """At 256 x 256 pixels: millions of parameters, and 10^9 operations, forward and with both gradients."""
    with torch.device("meta"):
        network = make()
    cost = network_cost(network)
    assert cost.parameters / 1e6 == pytest.approx(parameters, abs=0.005)
    assert cost.flops / 1e9 == pytest.approx(forward, abs=0.005)
    assert network_cost(network, backward=True).flops / 1e9 == pytest.approx(training, rel=2e-3)


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("transposed", [False, True])
def test_a_convolution_by_hand(stride, transposed):
    """Two operations for each weight at each place that it is laid: of the output, or of the input if transposed."""
    kind = nn.ConvTranspose2d if transposed else nn.Conv2d
    layer = kind(3, 5, 4, stride=stride, padding=1)
    x = torch.zeros(2, 3, 12, 14)
    places = x if transposed else layer(x)
    expected = 2 * 3 * 5 * 16 * places.shape[-2] * places.shape[-1] * len(x)
    assert network_cost(layer, (2, 3, 12, 14)) == Cost(3 * 5 * 16 + 5, expected)
    assert network_cost(layer, (2, 3, 12, 14), backward=True).flops == 3 * expected


def test_the_network_stays_as_it_was():
    network = UNetGenerator(4)
    weights = [p.clone() for p in network.parameters()]
    network_cost(network, backward=True)
    for p, before in zip(network.parameters(), weights, strict=True):
        assert torch.equal(p, before)
        assert p.grad is None


def test_padding_is_paid_for():
    """A side that does not divide by 2^levels is padded up, and costs what the padded one does."""
    network = UNetGenerator(4, levels=3)
    assert network_cost(network, side=57) == network_cost(network, side=64)
    assert network_cost(network, side=64).flops == pytest.approx(4 * network_cost(network, side=32).flops)


def test_a_number_beside_the_image():
    with_map = network_cost(Denoiser(), (1, 3, 64, 64), 0.1)
    assert with_map.parameters == 459_808
    assert with_map.flops > 0
    assert network_cost(Deconvolver(), (1, 4, 3, 64, 64), 0.01).flops > with_map.flops


def test_it_reads_well():
    assert str(Cost(11_378_179, 99_103_014_912)) == "11.38 M parameters, 99.10 GFLOP"
