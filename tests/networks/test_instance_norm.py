"""Instance normalisation as torch writes it, and as a compiled network does: the same numbers, in another layout."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.networks import PatchDiscriminator, UNet256Generator
from deblurlib.networks.instance_norm import InstanceNorm, instance_norm
from deblurlib.profile import seed


@pytest.fixture
def compiled():
    """The function as a compiled network has it, without the minute that a real compiler takes."""
    torch.compiler.reset()
    return torch.compile(instance_norm, backend="eager", fullgraph=True)


def features(dtype: torch.dtype) -> Tensor:
    """Channels of very different means and contrasts."""
    x = torch.randn(2, 5, 17, 12, generator=seed(0))
    return (x * torch.logspace(-2, 2, 5).view(1, 5, 1, 1) + torch.arange(-2.0, 3).view(1, 5, 1, 1)).to(dtype)


@pytest.mark.parametrize(("dtype", "apart"), [(torch.float32, 1e-5), (torch.float64, 1e-12)], ids=str)
def test_both_ways_give_the_same(dtype, apart, compiled):
    x = features(dtype)
    plain, fused = instance_norm(x), compiled(x)
    assert plain.dtype == fused.dtype == dtype
    torch.testing.assert_close(plain, F.instance_norm(x), rtol=0, atol=0)
    torch.testing.assert_close(fused, plain, rtol=apart, atol=apart)


def test_in_bfloat16_only_the_end_is_rounded(compiled):
    """To its eight bits; torch's own, on a CPU, rounds the mean as well."""
    x = features(torch.bfloat16)
    plain, fused, exact = instance_norm(x), compiled(x), instance_norm(x.double())
    assert plain.dtype == fused.dtype == torch.bfloat16
    torch.testing.assert_close(fused.double(), exact, rtol=2**-8, atol=1e-5)
    torch.testing.assert_close(plain.double(), exact, rtol=2**-7, atol=0.05)


def test_both_ways_have_the_same_gradient(compiled):
    x, weight = features(torch.float64), torch.randn(2, 5, 17, 12, generator=seed(1), dtype=torch.float64)
    slopes = []
    for norm in (instance_norm, compiled):
        leaf = x.clone().requires_grad_()
        (norm(leaf) * weight).sum().backward()
        slopes.append(leaf.grad)
    torch.testing.assert_close(slopes[1], slopes[0], rtol=1e-9, atol=1e-10)
    short = x.float().requires_grad_()
    (compiled(short) * weight.float()).sum().backward()
    torch.testing.assert_close(short.grad.double(), slopes[0], rtol=1e-4, atol=1e-4 * float(slopes[0].abs().max()))


def test_a_layer_of_it_has_no_weights():
    assert not InstanceNorm(5).state_dict()
    x = features(torch.float32)
    assert torch.equal(InstanceNorm(5)(x), instance_norm(x))


NETWORKS = {
    "unet256": lambda: UNet256Generator(8, levels=3),
    "judge": lambda: PatchDiscriminator(34, 8),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_compiled_network_never_changes_the_layout(name):
    """Every convolution of a graph, forward and backward, is given features whose channels come last, as its weights'.

    Of an image's three channels, the few bytes may be copied.
    """
    from functorch.compile import make_boxed_func
    from torch._dynamo.backends.common import aot_autograd

    seen: list[bool] = []

    def look(graph: torch.fx.GraphModule, _: list[Tensor]):
        for node in graph.graph.nodes:
            if "convolution" in str(node.target):
                given = node.args[: 2 if "backward" in str(node.target) else 1]
                maps = [a.meta["val"] for a in given]
                seen.extend(m.is_contiguous(memory_format=torch.channels_last) for m in maps if m.shape[1] > 3)
        return make_boxed_func(graph.forward)

    torch.compiler.reset()
    network = NETWORKS[name]().to(memory_format=torch.channels_last)
    network.compile(backend=aot_autograd(fw_compiler=look, bw_compiler=look))
    network(torch.rand(2, 3, 64, 64, generator=seed(0))).square().mean().backward()
    assert len(seen) > 6
    assert all(seen)
