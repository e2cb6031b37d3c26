"""A run that is killed at any moment goes on, and ends with the same bits: nothing is lost but the last few steps."""

import multiprocessing
import os
import random
import time

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from deblurlib.training import fit, load_record
from deblurlib.training.checkpoint import FILE

KILLS = int(os.environ.get("DEBLUR_KILLS", "6"))
"""At random moments; DEBLUR_KILLS asks for more."""

FAR = 15
"""Steps that one of the runs may do at most, lest it ends before it is killed."""


def steps_done(folder):
    if not (folder / FILE).exists():
        return 0
    with safe_open(folder / FILE, framework="pt") as file:
        return int(file.metadata()["step"])


@pytest.mark.timeout(900)
@pytest.mark.skipif("forkserver" not in multiprocessing.get_all_start_methods(), reason="this system cannot fork")
def test_killed_at_random_moments(tiny, tmp_path):
    """SIGKILL while it starts, steps, writes: each time no step before the last checkpoint is lost."""
    config = tiny(steps=2 * FAR * KILLS, checkpoint_every=3)
    context = multiprocessing.get_context("forkserver")  # a new process for each run, that has torch already
    context.set_forkserver_preload(["deblurlib.training.loop"])
    warm = context.Process(target=time.sleep, args=(0,))
    warm.start()
    warm.join()
    folder, chance = tmp_path / "run", random.Random(0)
    reached, way = [0], 0.0
    for kill in range(KILLS):
        begun = time.perf_counter()
        process = context.Process(target=fit, args=(config, folder), kwargs={"progress": False})
        process.start()
        if kill % 2 == 0:  # in the stretch behind a new checkpoint, so that the runs get on
            while steps_done(folder) == reached[-1]:
                time.sleep(0.001)
                assert process.is_alive()
            way = way or time.perf_counter() - begun  # how long it takes to come so far here
            moment = time.perf_counter() + chance.uniform(0, way / 4)
        else:  # on the way there
            moment = begun + chance.uniform(0, way)
        while time.perf_counter() < moment and steps_done(folder) < reached[-1] + FAR:
            time.sleep(0.001)
        assert process.is_alive()
        process.kill()
        process.join()
        reached.append(steps_done(folder))
    assert reached == sorted(reached)  # no checkpoint is ever lost
    assert len(set(reached)) > KILLS // 2
    assert all(step % 3 == 0 for step in reached)

    run, unbroken = fit(config, folder, progress=False), fit(config, tmp_path / "unbroken", progress=False)
    assert run.losses == unbroken.losses
    for name in (FILE, "generator.safetensors"):
        mine, theirs = (load_file(path / name) for path in (folder, tmp_path / "unbroken"))
        assert mine.keys() == theirs.keys()
        assert all(torch.equal(mine[key], theirs[key]) for key in mine)
    assert load_record(folder).losses == load_record(tmp_path / "unbroken").losses
