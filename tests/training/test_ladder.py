"""The rungs from the plain step to the fast one: each a single change, all the same step, and the record of a GPU."""

import dataclasses
import itertools
import json
from typing import Any

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


def record_of(name: str) -> dict[str, Any]:
    record: dict[str, Any] = json.loads((SHIPPED / name).read_text())
    return record


@pytest.mark.parametrize("name", ["step.json", "step_before.json"])
def test_the_record_of_a_gpu_has_every_rung(name):
    record = record_of(name)
    assert [row["name"] for row in record["rungs"]] == [rung.name for rung in RUNGS]
    assert record["batch"] == read_config(record["recipe"]).batch
    assert all(row["milliseconds"] > 0 and row["memory"] > 0 for row in record["rungs"])
    reached = [record["operations"] / row["milliseconds"] * 1000 for row in record["rungs"]]
    assert max(reached) < record["ceilings"]["products"]
    longest = sum(t for name, t in record["profile"]["kernels"].items() if "#" not in name)
    assert longest < sum(record["profile"]["kinds"].values()) < record["profile"]["step"] * 1.05


def test_the_two_records_are_of_one_step():
    """The same recipe and operations; the older one says what differs, and has the kernels that it was changed for."""
    now, before = record_of("step.json"), record_of("step_before.json")
    assert (now["recipe"], now["operations"]) == (before["recipe"], before["operations"])
    assert "normalisation" in before["note"]
    for part in ("direct_co", "AddPadding"):
        assert any(part in name for name in before["profile"]["kernels"])
        assert not any(part in name for name in now["profile"]["kernels"])


def test_the_record_compares_runs_of_a_seed():
    """Twice the same in each precision, a regression in both, and a game in neither but slowly."""
    record = record_of("step.json")
    recipe = record["recipe"]
    apart = {run: {what: found["largest"] for what, found in of.items()} for run, of in record["apart"].items()}
    assert set(apart) == {recipe, f"{recipe}, at a hundredth of its rates", "strong_l1"}
    assert {of[f"{precision}, twice"] for of in apart.values() for precision in ("float32", "bfloat16")} == {0.0}
    between = [of["bfloat16 and float32"] for of in apart.values()]
    assert between[2] < 1e-3 < between[1] < between[0]
    assert 0 < record["as_graphs"] < record["rungs"][-1]["milliseconds"]
