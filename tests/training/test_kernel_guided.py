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
    """Each loss reaches the weights that made it, and no others."""
    config = tiny(system="kernel_guided", blocks=1)
    system = build_system(config, CPU)
    network = system.networks["blur_to_sharp"]
    with torch.no_grad():
        for part in (network.first, *network.refiners, network.second):
            part.last.weight.normal_(std=0.05, generator=seed(0))
    totals = []
    monkeypatch.setattr(system, "update", lambda _, loss: totals.append(loss))
    losses = system.step(BlurredPairs(config, CPU).batch(0))
    assert set(losses) == {"first", "kernel_1", "second", "kernel_2", "content"}
    (total,) = totals
    total.backward()
    assert all(part.last.weight.grad.abs().sum() > 0 for part in (network.first, *network.refiners, network.second))
    names = {"first": network.first, "content": network.second}
    for name, part in names.items():
        assert losses[name].requires_grad is False
        assert isinstance(part, torch.nn.Module)


def test_refiners_learn(tiny):
    run = fit(tiny(system="kernel_guided", blocks=1, steps=40, crop=64, kernel_size=9, batch=4), progress=False)
    lost = torch.tensor(run.losses["kernel_1"])
    assert lost[-8:].mean() < lost[:4].mean()
    assert isinstance(run.generator.network, GuidedUNet)


def test_some_are_misled_and_not_the_same_twice():
    kernels = torch.arange(16.0).view(16, 1, 1, 1)
    first, second = (_misled(kernels, again).flatten() for again in (0, 1))
    assert (first != kernels.flatten()).nonzero().flatten().tolist() == [0, 1]
    assert (second != kernels.flatten()).nonzero().flatten().tolist() == [2, 3]
    assert torch.equal(_misled(kernels[:4], 0), kernels[:4])


def test_kernels_that_it_does_not_look_for_are_refused(tiny):
    with pytest.raises(ValueError, match="kernel_size: kernel_guided finds kernels of 35 pixels, got 37"):
        build_system(tiny(system="kernel_guided", kernel_size=37), CPU)
