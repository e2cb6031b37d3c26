"""The recipes of the long runs: each is read, names its command, and takes some steps at a size for a test."""

import dataclasses

import pytest

from deblurlib.networks import load_weights
from deblurlib.training import fit, read_config, read_setting, shipped_recipes
from deblurlib.training.config import RECIPES

SIZE = {"width": 4, "levels": 2, "discriminator_width": 4, "receptive_field": 16, "kernels": 8, "crop": 64}
PACE = {"batch": 2, "steps": 2, "pool": 3, "validate_every": 100, "checkpoint_every": 1}
HERE = {"features": "random", "device": "cpu", "precision": "float32"}


def small(name):
    return dataclasses.replace(read_config(name), **SIZE, **PACE, **HERE)


def test_the_runs_ship():
    assert shipped_recipes() == [
        "paper_fitted",
        "paper_printed",
        "strong_guided",
        "strong_l1",
        "strong_perceptual",
        "unpaired",
    ]


@pytest.mark.parametrize("name", ["paper_fitted", "paper_printed", "strong_guided", "strong_l1", "unpaired"])
def test_a_recipe_takes_steps_and_goes_on(name, tmp_path):
    """And its file says the command that runs it."""
    assert f"deblurlib train --config {name} " in (RECIPES / f"{name}.toml").read_text()
    config = small(name)
    run = fit(config, tmp_path, progress=False)
    assert {len(values) for values in run.losses.values()} == {2}
    assert fit(config, tmp_path, progress=False).losses == run.losses


def test_the_perceptual_end_starts_where_the_plain_one_ends(tmp_path):
    fit(small("strong_l1"), tmp_path / "l1", progress=False)
    begun = load_weights(tmp_path / "l1" / "generator.safetensors")
    run = fit(small("strong_perceptual"), start=begun, progress=False)
    assert {len(values) for values in run.losses.values()} == {2}


def test_the_paper_s_numbers():
    """50 epochs of 10,000 samples of 256 pixels; the letter: 2e-3, batches of 2, ten to one."""
    fitted, printed = read_config("paper_fitted"), read_config("paper_printed")
    assert fitted.steps * fitted.batch == 500_000
    assert (fitted.crop, fitted.receptive_field, fitted.cycle_weight, fitted.schedule) == (256, 70, 10.0, "linear")
    assert (printed.batch, printed.judge_steps, printed.learning_rate) == (2, 10, 2e-3)


def test_a_name_that_is_neither_a_file_nor_a_recipe():
    with pytest.raises(
        FileNotFoundError, match=r"there is no such configuration file, .* are paper_fitted, paper_print"
    ):
        read_config("paper")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("steps=3", {"steps": 3}),
        ("learning_rate = 1e-3", {"learning_rate": 1e-3}),
        ("features=folder/vgg19.npz", {"features": "folder/vgg19.npz"}),
        ('generator="resnet"', {"generator": "resnet"}),
        ("compile=true", {"compile": True}),
    ],
)
def test_a_setting_by_itself(text, expected):
    assert read_setting(text) == expected


@pytest.mark.parametrize(("text", "message"), [("steps", "expected a setting as NAME=VALUE"), ("stepps=3", "unknown")])
def test_what_is_no_setting(text, message):
    with pytest.raises(ValueError, match=message):
        read_setting(text)
