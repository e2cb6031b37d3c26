"""How fast a photograph is restored: the generator that ships, on 1280x720 pixels, against its bare network."""

import pytest
import torch

from deblurlib import images
from deblurlib.networks import load_generator, load_weights
from deblurlib.networks.pretrained import FOLDER


@pytest.fixture(scope="module")
def frame():
    x = images.bundled("coffee")
    return torch.nn.functional.interpolate(x, size=(720, 1280), mode="bilinear")


def restore(name, x):
    if name == "load_generator()":
        deblurrer = load_generator()
        return lambda: deblurrer(x)
    network = load_weights(FOLDER / "pretrained.safetensors")
    return torch.inference_mode()(lambda: network(x))


@pytest.mark.parametrize("name", ["the bare network, in one piece", "load_generator()"])
def test_a_frame(benchmark, name, frame):
    benchmark.group = "restoring 1280x720 pixels"
    benchmark.pedantic(restore(name, frame), rounds=3, warmup_rounds=1)
