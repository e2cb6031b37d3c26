"""Training the classifier of motions: its patches, its loss, and a run."""

import math

import pytest
import torch

from deblurlib.blur import Blur
from deblurlib.networks import load_motion_classifier
from deblurlib.training import BlurredPairs, fit, held_out
from deblurlib.training.systems import build_system

CPU = torch.device("cpu")


def test_patches_are_blurred_by_their_motion(tiny):
    """And by nothing from beyond the crop, where the crop is large enough."""
    config = tiny(system="motion_field", crop=38, noise=(0.0, 0.0))
    system, batch = build_system(config, CPU), BlurredPairs(config, CPU).batch(0)
    x, labels = system.patches(batch)
    assert x.shape == (8, 1, 30, 30)
    sharp = batch.sharp.mean(dim=1, keepdim=True).repeat(4, 1, 1, 1)
    torch.testing.assert_close(x, Blur(system.kernels[labels], "valid")(sharp), rtol=0, atol=1e-5)
    assert len(set(labels.tolist())) > 3


def test_patches_are_a_function_of_the_batch(tiny):
    config = tiny(system="motion_field", crop=40)
    system, pairs = build_system(config, CPU), BlurredPairs(config, CPU)
    first, again, other = (system.patches(pairs.batch(step)) for step in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(first, again, strict=True))
    assert not torch.equal(first[0], other[0])


def test_it_learns_a_batch(tiny):
    """From chance to nearly by heart."""
    config = tiny(system="motion_field", photographs="bundled", crop=38, batch=8, width=8, learning_rate=3e-3)
    system, batch = build_system(config, CPU), BlurredPairs(config, CPU).batch(0)
    losses = [float(system.step(batch)["content"]) for _ in range(80)]
    assert len(system.kernels) == 1 + 3 * 6
    assert losses[0] > 0.9 * math.log(19)
    assert losses[-1] < 0.3 * math.log(19)


def test_a_run_restores_and_goes_on_where_it_was(tiny, tmp_path):
    config = tiny(system="motion_field", crop=40)
    examination = held_out(config=config, side=48, crops=1)
    run = fit(config, tmp_path / "run", examination=examination, progress=False)
    assert len(load_motion_classifier(tmp_path / "run" / "generator.safetensors").motions) == 19
    restored = run.generator(examination.blurred)
    assert restored.shape == examination.blurred.shape
    again = fit(config, tmp_path / "run", examination=examination, progress=False)  # resumed at its end
    assert torch.equal(again.generator(examination.blurred), restored)


def test_flat_patches_teach_nothing(tiny):
    config = tiny(system="motion_field", crop=40, noise=(0.0, 0.0))
    system = build_system(config, CPU)
    batch = BlurredPairs(config, CPU).batch(0)
    batch.sharp.fill_(0.5)
    before = [p.detach().clone() for p in system.networks["blur_to_sharp"].parameters()]
    assert float(system.step(batch)["content"]) == 0
    after = system.networks["blur_to_sharp"].parameters()
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_a_crop_smaller_than_a_patch(tiny):
    with pytest.raises(ValueError, match="crop: 24 pixels are too few"):
        fit(tiny(system="motion_field", crop=24), progress=False)
