"""The rungs from the plain step to the fast one: each a single change, all the same step, and the record of a GPU."""

import dataclasses
import itertools
import json

import pytest
import torch

from deblurlib.training import BlurredPairs, read_config
from deblurlib.training.ladder import RUNGS, prepare
from deblurlib.training.one_step import System
from deblurlib.training.record import SHIPPED

CPU = torch.device("cpu")


def test_each_rung_is_a_single_change():
    settings = [dataclasses.astuple(rung)[1:] for rung in RUNGS]
    for below, above in itertools.pairwise(settings):
        changed = [(a, b) for a, b in zip(below, above, strict=True) if a != b]
        assert changed == [(False, True)]


def weights(system: System) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for network in system.networks.values() for p in network.parameters()])


@pytest.mark.parametrize("rung", RUNGS[1:-1], ids=lambda rung: rung.name)
def test_every_rung_takes_the_same_step(tiny, rung):
    """Weights after a step are those of the lowest rung, as closely as the rung's numbers allow."""
    config = tiny(system="paired_cycle_gan")
    batch = BlurredPairs(config, CPU).batch(0)
    start, lowest, here = (prepare(config, of, CPU) for of in (rung, RUNGS[0], rung))
    for _, step in (lowest, here):
        step(batch)
    before, there, after = (weights(system) for system, _ in (start, lowest, here))
    apart = float((after - there).norm() / (there - before).norm())
    if rung.half:
        assert 1e-4 < apart < 0.3  # Adam's first step is a sign, and that of a tiny gradient may flip
    else:
        assert apart < 1e-3


def test_the_record_of_a_gpu_has_every_rung():
    record = json.loads((SHIPPED / "step.json").read_text())
    assert [row["name"] for row in record["rungs"]] == [rung.name for rung in RUNGS]
    assert record["batch"] == read_config(record["recipe"]).batch
    assert all(row["milliseconds"] > 0 and row["memory"] > 0 for row in record["rungs"])
    reached = [record["operations"] / row["milliseconds"] * 1000 for row in record["rungs"]]
    assert max(reached) < record["ceilings"]["products"]
    longest = sum(t for name, t in record["profile"]["kernels"].items() if "#" not in name)
    assert longest < sum(record["profile"]["kinds"].values()) < record["profile"]["step"] * 1.05
