"""The small generators that ship as rows of the comparison: one network, trained by L1 and by two games."""

import json

import pytest

from deblurlib.networks import UNetGenerator, load_generator
from deblurlib.networks.pretrained import FOLDER
from deblurlib.training import TrainingConfig, held_out, read_config

NAMES = ("regression", "deblur_gan", "yuan")
WORLD = TrainingConfig(kernel_size=19, path_length=(4.0, 15.0), noise=(0.01, 0.01))


@pytest.mark.parametrize("name", NAMES)
def test_it_is_small_and_says_how_it_was_made(name):
    assert (FOLDER / f"{name}.safetensors").stat().st_size < 400_000
    network = load_generator(name).network
    assert isinstance(network, UNetGenerator) and network.settings == {"width": 16, "levels": 2, "channels": 3}
    made, told = json.loads(network.notes["config"]), read_config(FOLDER / f"{name}.toml").to_dict()
    assert "/" not in made["photographs"]
    paces = ("photographs", "checkpoint_every", "validate_every")
    assert {k: v for k, v in made.items() if k not in paces} == json.loads(
        json.dumps({k: v for k, v in told.items() if k not in paces})
    )
    assert f"`{name}`" in (FOLDER / "small_generators.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_it_gains_on_the_bundled_photographs(name):
    gain = held_out(config=WORLD, crops=2).gain(load_generator(name))
    assert gain.mean() > 0.3
