"""Channels of zeros beside three, where a network is compiled: the same numbers, and no convolution of three."""

import pytest
import torch
from torch import nn

from deblurlib.networks import PatchDiscriminator, UNet256Generator
from deblurlib.networks.filled import filled
from deblurlib.profile import seed

CONVOLUTIONS = {
    "from three": lambda: nn.Conv2d(3, 16, 4, stride=2, padding=1),
    "to one, without a bias": lambda: nn.Conv2d(16, 1, 4, padding=1, bias=False),
    "to three, transposed": lambda: nn.ConvTranspose2d(16, 3, 4, stride=2, padding=1),
    "of eight": lambda: nn.Conv2d(8, 8, 3, padding=1),
}


@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_output_and_gradients_are_those_of_the_convolution(name):
    torch.manual_seed(0)
    convolution = CONVOLUTIONS[name]().double()
    torch.compiler.reset()
    compiled = torch.compile(filled, backend="eager", fullgraph=True)
    x = torch.randn(2, convolution.in_channels, 12, 14, generator=seed(1), dtype=torch.float64)
    found = []
    for apply in (convolution, lambda x: compiled(convolution, x), lambda x: filled(convolution, x)):
        leaf = x.clone().requires_grad_()
        y = apply(leaf)
        parts = torch.autograd.grad(y.sin().sum(), [leaf, *convolution.parameters()])
        found.append((y, *parts))
    torch.testing.assert_close(found[1], found[0], rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(found[2], found[0], rtol=0, atol=0)


NETWORKS = {"unet256": lambda: UNet256Generator(8, levels=3), "judge": lambda: PatchDiscriminator(34, 8)}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_compiled_network_has_no_convolution_of_a_few_channels(name):
    from functorch.compile import make_boxed_func
    from torch._dynamo.backends.common import aot_autograd

    seen: list[int] = []

    def look(graph: torch.fx.GraphModule, _: list[torch.Tensor]):
        for node in graph.graph.nodes:
            if "convolution" in str(node.target):
                maps = node.args[: 3 if "backward" in str(node.target) else 2]
                seen.extend(side for a in maps for side in a.meta["val"].shape[:2])
        return make_boxed_func(graph.forward)

    torch.compiler.reset()
    network, x = NETWORKS[name](), torch.rand(8, 3, 64, 64, generator=seed(0))
    before = network(x)
    network.compile(backend=aot_autograd(fw_compiler=look, bw_compiler=look))
    after = network(x)
    after.square().mean().backward()
    torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-4)
    assert seen
    assert all(channels % 8 == 0 for channels in seen)
