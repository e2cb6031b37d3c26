"""The blind commands on photographs that really were blurred: the kernel is a motion, the picture is sharper."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from deblurlib import blur, images
from deblurlib.cli import app

FOLDER = Path(os.environ.get("DEBLUR_DATA", Path(__file__).parents[2] / "shared" / "data")) / "real_photos"


def spread(x):
    """The l1 norm of the differences over their l2 norm: blur raises it."""
    across, down = x.diff(dim=-1), x.diff(dim=-2)
    return float((across.abs().sum() + down.abs().sum()) / (across.square().sum() + down.square().sum()).sqrt())


@pytest.mark.parametrize("name", ["pietro.jpg", "fountain1.jpg", "roma.png"])
def test_commands_on_real_photographs(name, tmp_path):
    photo = FOLDER / name
    if not photo.exists():
        pytest.skip(f"{FOLDER} is not here: set DEBLUR_DATA to the folder that holds real_photos")
    options = ["--method", "fast_edges", "--kernel-size", "31", "--window", "400"]
    kernel, sharp = tmp_path / "kernel.png", tmp_path / "sharp.png"
    for command, out in (("estimate-kernel", kernel), ("deblur", sharp)):
        done = CliRunner().invoke(app, [command, str(photo), "-o", str(out), *options])
        assert done.exit_code == 0, done.output
    assert blur.load_kernel(kernel).max() < 0.5
    before, after = images.load(photo), images.load(sharp)
    assert after.shape == before.shape
    assert spread(after) < spread(before)
