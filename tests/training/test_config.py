"""Settings: their defaults, their doors, and files of them."""

import dataclasses
import json
import math

import pytest

from deblurlib.networks.pretrained import FOLDER
from deblurlib.training import TrainingConfig, fit, read_config, recipe
from deblurlib.training.config import PAPERS

BAD = [
    ("steps", 0),
    ("steps", 10.0),
    ("steps", True),
    ("batch", -1),
    ("crop", 0),
    ("kernel_size", 16),
    ("kernel_size", "17"),
    ("path_length", (4.0, 15.0)),
    ("path_length", (5.0, 4.0)),
    ("path_length", 4.0),
    ("path_length", (1, 2, 3)),
    ("noise", (-0.1, 0.1)),
    ("noise", (0.0, math.inf)),
    ("noise", (math.nan, math.nan)),
    ("kernels", 0),
    ("width", 0),
    ("levels", 0),
    ("discriminator_width", 0),
    ("learning_rate", 0.0),
    ("learning_rate", math.nan),
    ("discriminator_learning_rate", -1e-3),
    ("betas", (0.9, 1.0)),
    ("schedule", "step"),
    ("clip", 0),
    ("average", 1.0),
    ("average", -0.1),
    ("content", "l3"),
    ("judge_steps", 0),
    ("discriminator_norm", 1),
    ("features", None),
    ("system", 3),
    ("photographs", 3),
    ("device", None),
    ("adversarial", "l2"),
    ("receptive_field", 69),
    ("content_weight", -1.0),
    ("cycle_weight", math.inf),
    ("pool", -1),
    ("validate_every", 0),
    ("checkpoint_every", 0),
    ("precision", "float16"),
    ("seed", -1),
    ("seed", 2**40),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_setting_out_of_range_is_refused_by_name(name, value):
    with pytest.raises((ValueError, TypeError), match=name):
        TrainingConfig(**{name: value})


def test_a_folder_of_photographs_may_be_a_path(tmp_path):
    assert TrainingConfig(photographs=tmp_path) == TrainingConfig(photographs=str(tmp_path))


def test_what_are_no_settings_is_refused():
    with pytest.raises(TypeError, match="config: expected a TrainingConfig, got dict"):
        fit({"steps": 1})


def test_settings_cannot_change_once_made():
    with pytest.raises(dataclasses.FrozenInstanceError):
        TrainingConfig().steps = 3


@pytest.mark.parametrize("suffix", ["toml", "json"])
def test_a_file_of_settings(suffix, tmp_path):
    path = tmp_path / f"run.{suffix}"
    if suffix == "toml":
        path.write_text('steps = 20\nsystem = "cycle_gan"\npath_length = [3, 5.5]  # pixels\n')
    else:
        path.write_text(json.dumps({"steps": 20, "system": "cycle_gan", "path_length": [3, 5.5]}))
    assert read_config(path) == TrainingConfig(steps=20, system="cycle_gan", path_length=(3.0, 5.5))


def test_a_run_s_settings_can_be_read_again(tmp_path):
    config = TrainingConfig(steps=7, noise=(0.0, 0.01))
    (tmp_path / "config.json").write_text(json.dumps(config.to_dict()))
    assert read_config(tmp_path / "config.json") == config


def test_the_recipe_of_the_shipped_generator_can_be_read():
    assert read_config(FOLDER / "short_shake.toml").steps > 1000


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("run.toml", "steps = ", "not readable as TOML"),
        ("run.json", "{", "not readable as JSON"),
        ("run.yaml", "steps: 3", "not readable as TOML"),
        ("run.json", "[1, 2]", "expected settings by name"),
        ("run.json", "3", "expected settings by name"),
        ("run.toml", "epochs = 3", "setting: unknown 'epochs', expected one of system, photographs, data"),
        ("run.toml", "steps = -3", "steps: expected an integer of at least 1, got -3"),
        ("run.toml", 'noise = ["a", "b"]', "noise: expected a number, got 'a'"),
        ("run.toml", 'learning_rate = "fast"', "learning_rate"),
        ("run.toml", b"\xff\xfe", "run.toml"),
    ],
)
def test_a_bad_file_is_refused_by_name(name, content, message, tmp_path):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ValueError, match=message) as caught:
        read_config(path)
    assert name in str(caught.value)


@pytest.mark.parametrize("name", ["none.toml", "."])
def test_a_file_that_is_not_there(name, tmp_path):
    with pytest.raises(FileNotFoundError, match="no such configuration file"):
        read_config(tmp_path / name)


@pytest.mark.parametrize("system", PAPERS)
def test_a_file_that_names_a_system_gets_the_game_of_its_paper(system, tmp_path):
    """What the file says goes before it; what a run has kept of its settings is complete, and comes back as it was."""
    path = tmp_path / "run.toml"
    path.write_text(f'system = "{system}"\nsteps = 3\njudge_steps = 2\n')
    assert read_config(path) == recipe(system, steps=3, judge_steps=2)
    kept = tmp_path / "config.json"
    kept.write_text(json.dumps(TrainingConfig(system=system).to_dict()))
    assert read_config(kept) == TrainingConfig(system=system)


@pytest.mark.parametrize(("name", "value"), [("content_weight", -1.0), ("judge_steps", 0), ("epochs", 3)])
def test_a_recipe_refuses_what_the_settings_refuse(name, value):
    with pytest.raises((ValueError, TypeError), match=name):
        recipe("pix2pix", **{name: value})
