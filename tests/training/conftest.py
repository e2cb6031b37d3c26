"""A run so small that a test can afford many."""

import dataclasses

import pytest
import torch

from deblurlib import images
from deblurlib.profile import seed
from deblurlib.training import TrainingConfig


@pytest.fixture(scope="session")
def tiny(tmp_path_factory):
    """Settings of a run of eight steps on two small photographs; `tiny(steps=4)` changes some."""
    folder = tmp_path_factory.mktemp("photographs")
    for i in range(2):
        x = torch.rand(1, 3, 12, 16, generator=seed(i))
        x = torch.nn.functional.interpolate(x, scale_factor=6, mode="bicubic").clamp(0, 1)
        images.save(folder / f"{i}.png", x)
    (folder / "notes.txt").write_text("no photograph")
    (folder / ".0.png").write_text("no photograph either: what a file manager leaves")
    settings = TrainingConfig(
        photographs=str(folder),
        steps=8,
        batch=2,
        crop=32,
        kernel_size=9,
        path_length=(2.0, 6.0),
        kernels=16,
        width=4,
        levels=1,
        discriminator_width=4,
        receptive_field=16,
        pool=3,
        average=0.5,
        validate_every=4,
        checkpoint_every=3,
        precision="float32",
        device="cpu",
    )
    return lambda **changes: dataclasses.replace(settings, **changes)
