"""The generator that finds the kernel on its way, as it learns."""

from itertools import pairwise

import pytest
import torch

from deblurlib.networks import GuidedUNet
from deblurlib.profile import seed
from deblurlib.training import Batch, BlurredPairs, fit
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
    """One in seventeen, in whatever parts the crops come; over the steps each place of a batch in its turn."""
    kernels, batch = torch.rand(40, 1, 5, 5, generator=seed(1)), torch.empty(40, 1)
    told = _misled(kernels, 100)
    wrong = [crop for crop in range(40) if not torch.equal(told[crop], kernels[crop])]
    assert len(wrong) in (2, 3) and {b - a for a, b in pairwise(wrong)} == {17}
    assert torch.equal(told[wrong], kernels[wrong].rot90(1, (-2, -1)))
    whole = Batch(batch, batch, kernels, 0.0, 100)
    parts = [whole.part(start, start + 4) for start in range(0, 40, 4)]
    assert torch.equal(torch.cat([_misled(part.kernels, part.seed) for part in parts]), told)
    assert sum(not torch.equal(_misled(kernels[:1], step), kernels[:1]) for step in range(170)) == 10


def test_crops_too_small_to_find_a_kernel_in_are_refused(tiny):
    with pytest.raises(ValueError, match="crop: kernel_guided finds kernels in 24 pixels or more, got 16"):
        build_system(tiny(system="kernel_guided", crop=16), CPU)


def test_kernels_that_it_does_not_look_for_are_refused(tiny):
    with pytest.raises(ValueError, match="kernel_size: kernel_guided finds kernels of 35 pixels, got 37"):
        build_system(tiny(system="kernel_guided", kernel_size=37), CPU)
