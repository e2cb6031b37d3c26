"""What the generator that ships is worth: on the bundled photographs, and on a set that it never saw."""

import os
from pathlib import Path

import pytest
import torch

from deblurlib import images
from deblurlib.blur import Blur, add_noise, gaussian
from deblurlib.metrics import psnr
from deblurlib.networks import load_generator
from deblurlib.networks.pretrained import FOLDER
from deblurlib.profile import seed
from deblurlib.training import TrainingConfig, held_out

POCKET = TrainingConfig()
HARDER = TrainingConfig(kernel_size=19, path_length=(4.0, 15.0), noise=(0.01, 0.01))


def unseen():
    """Every fifth of the test photographs; the card states the scores over all of them."""
    folder = Path(os.environ.get("DEBLUR_DATA", Path(__file__).parents[3] / "shared" / "data")) / "sharp_test"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here: set DEBLUR_DATA to the folder that holds sharp_test")
    return [(path.stem, images.load(path)) for path in sorted(folder.glob("*.jpg"))[::5]]


LONG = TrainingConfig(kernel_size=35, path_length=(4.0, 31.0), noise=(0.01, 0.01))


@pytest.mark.parametrize(
    ("world", "least"), [(POCKET, 4.5), (HARDER, 3.5), (LONG, 3.0)], ids=["9 pixels", "15 pixels", "31 pixels"]
)
def test_it_gains_at_every_length_on_photographs_that_it_never_saw(world, least):
    examination = held_out(unseen()[::2], config=world, side=256, crops=1)
    gain = examination.gain(load_generator())
    assert gain.mean() > least
    assert gain.min() > 0
    assert examination.ssim_gain(load_generator()).mean() > 0.08


def test_the_small_one_gains_on_short_shakes():
    gain = held_out(unseen(), config=POCKET, crops=1).gain(load_generator("short_shake"))
    assert gain.mean() > 2
    assert gain.min() > -1


def test_it_gains_on_the_bundled_photographs():
    gain = held_out(crops=2).gain(load_generator())
    assert gain.mean() > 2.5
    assert gain.min() > 0


@pytest.mark.parametrize("name", ["camera", "chelsea"])
def test_what_no_hand_has_shaken(name):
    """A sharp photograph stays as it is, nearly; one out of focus gains, though all training was about shakes."""
    sharp = images.bundled(name)[..., :256, :256]
    assert float(psnr(load_generator()(sharp), sharp)) > 38
    soft = add_noise(Blur(gaussian(9, 1.5), "reflect")(sharp), 0.005, generator=seed(1)).clamp(0, 1)
    assert float(psnr(load_generator()(soft), sharp)) > float(psnr(soft, sharp)) + 1


def test_nothing_is_seen_in_nothing():
    flat = torch.full((1, 3, 200, 200), 0.5)
    assert (load_generator()(flat) - flat).abs().max() < 0.02
    grainy = flat + 0.01 * torch.randn(flat.shape, generator=seed(0))
    assert (load_generator()(grainy) - flat).std() < 0.007


@pytest.mark.parametrize("name", ["pretrained", "short_shake"])
def test_it_has_a_card(name):
    card = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert (FOLDER / f"{name}.safetensors").stat().st_size <= 14e6
    for heading in ("Data", "Command", "Hardware", "Scores", "Limits"):
        assert f"\n## {heading}\n" in card
