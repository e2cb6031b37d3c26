"""A batch on a CUDA device: the same kernels as on the CPU, and no wait for the host on the way."""

import pytest
import torch

from deblurlib import blind, metrics
from deblurlib.blind.kernel_cleanup import components
from deblurlib.networks import GuidedUNet

METHODS = list(blind.METHODS)

FEWER = {"total_variation": {"iterations": 40, "report": 20}, "variational_bayes": {"iterations": 3}}
"""For what holds after any number of rounds; all of them take long."""

WAITS = {"low_rank"}
"""`torch.linalg.eigh` tells the host whether it has converged."""


@pytest.fixture
def batch(blurred):
    """Four photographs, each another one to a method that is not symmetric."""
    part = blurred[..., 30:158, 20:148]
    return torch.cat([part, part.flip(-1), part.flip(-2), part.mT])


@pytest.mark.parametrize("method", METHODS)
def test_the_device_finds_the_kernels_of_the_cpu(method, batch, cuda):
    few = FEWER.get(method, {})
    here = blind.estimate(batch, 13, method=method, **few).kernel
    there = blind.estimate(batch.to(cuda), 13, method=method, **few).kernel
    assert there.device.type == "cuda"
    alike = metrics.kernel_similarity(there.cpu(), here)
    assert float(alike.min()) > 0.9, alike


@pytest.mark.parametrize("method", [name for name in METHODS if name not in WAITS])
def test_the_rounds_never_wait_for_the_host(method, batch, cuda):
    chosen, few = blind.METHODS[method], FEWER.get(method, {})
    y = batch.to(cuda)
    with torch.no_grad():
        chosen.estimate(y, 13, settings=chosen.settings(**few))  # libraries and plans of transforms are set up here
        torch.cuda.synchronize()
        torch.cuda.set_sync_debug_mode("error")
        try:
            kernel, _ = chosen.estimate(y, 13, settings=chosen.settings(**few))
        finally:
            torch.cuda.set_sync_debug_mode("default")
    assert bool(torch.isfinite(kernel).all())


def test_the_parts_of_kernels_are_the_same(cuda):
    k = (torch.rand(32, 1, 27, 27, generator=torch.Generator().manual_seed(0)) > 0.6).float()
    assert torch.equal(components(k.to(cuda)).cpu(), components(k))


@pytest.fixture
def full_float32():
    """Products of all 24 bits, which cuDNN otherwise rounds to ten."""
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


def test_the_kernel_of_a_generator_is_that_of_the_cpu(batch, cuda, full_float32):
    network = GuidedUNet(6, 1, 1, widths=(4, 6, 8)).eval()
    x = batch.float().expand(-1, 3, -1, -1)
    with torch.no_grad():
        here, there = network.find(x), network.to(cuda).find(x.to(cuda))
    for a, b in zip(here, there, strict=True):
        torch.testing.assert_close(b.cpu(), a, rtol=1e-4, atol=1e-4)
