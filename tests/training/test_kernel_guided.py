"""The generator that finds the kernel on its way, as it learns."""

import pytest
import torch

from deblurlib.networks import GuidedUNet
from deblurlib.profile import seed
from deblurlib.training import BlurredPairs, fit
from deblurlib.training.kernel_guided import _misled
from deblurlib.training.systems import build_system

CPU = torch.device("cpu")


def test_no_part_is_told_what_another_one_lost(tiny, monkeypatch):
    """Each loss reaches the part that it is for, and no other."""
    config = tiny(system="kernel_guided", blocks=1)
    system = build_system(config, CPU)
    parts = {"first": system.network.first, "refiner": system.network.refiner, "second": system.network.second}
    with torch.no_grad():
        for part in parts.values():
            part.last.weight.normal_(std=0.05, generator=seed(0))
    reached = {}

    def look(player, loss):
        gradients = torch.autograd.grad(loss, [p.last.weight for p in parts.values()], allow_unused=True)
        reached[player] = [name for name, found in zip(parts, gradients, strict=True) if found is not None]

    monkeypatch.setattr(system, "update", look)
    losses = system.step(BlurredPairs(config, CPU).batch(0))
    assert reached == {name: [name] for name in parts}
    assert set(losses) == {"first", "kernel", "content"}


def test_the_refiner_learns(tiny):
    run = fit(tiny(system="kernel_guided", blocks=1, steps=60, crop=64, batch=4), progress=False)
    lost = torch.tensor(run.losses["kernel"])
    assert lost[-10:].mean() < lost[:10].mean()
    assert isinstance(run.generator.network, GuidedUNet)


def test_some_are_misled():
    kernels = torch.arange(32.0).view(32, 1, 1, 1)
    assert (_misled(kernels) != kernels).flatten().nonzero().flatten().tolist() == [0, 1]
    assert torch.equal(_misled(kernels[:4]), kernels[:4])


def test_kernels_that_it_does_not_look_for_are_refused(tiny):
    with pytest.raises(ValueError, match="kernel_size: kernel_guided finds kernels of 35 pixels, got 37"):
        build_system(tiny(system="kernel_guided", kernel_size=37), CPU)
