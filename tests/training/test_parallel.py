"""Two processes are one with the doubled batch, and a run of two that is killed goes on."""

import dataclasses
import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file

from deblurlib.training import Processes, fit, launch, load_record
from deblurlib.training.checkpoint import FILE
from deblurlib.training.parallel import asked
from deblurlib.training.run_folder import open_folder

COMMAND = (sys.executable, "-m", "deblurlib.cli", "train", "--devices", "2", "--samples", "1")


def command(*options):
    """Two processes by gloo, in a session of their own, so that both can be killed."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "CUDA_VISIBLE_DEVICES": ""}
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    return subprocess.Popen([*COMMAND, *options], env=environment, start_new_session=True, **output)


def steps_done(folder):
    with safe_open(folder / FILE, framework="pt") as file:
        return int(file.metadata()["step"])


@pytest.mark.timeout(900)
@pytest.mark.skipif(not hasattr(os, "killpg"), reason="this system has no process groups")
def test_two_processes_killed_on_the_way_are_one_with_the_doubled_batch(tiny, tmp_path):
    """A cycle-GAN: two optimisers, judges that are frozen and freed, histories of fakes, the variance of features."""
    pytest.importorskip("lightning_fabric")
    config = tiny(system="yuan", steps=10, checkpoint_every=2, validate_every=100)
    folder = tmp_path / "run"
    open_folder(folder, config)  # with its settings in it, a folder can be gone on with

    first = command("--resume", str(folder))
    for _ in range(6000):
        if (folder / FILE).exists() or first.poll() is not None:
            break
        time.sleep(0.02)
    os.killpg(first.pid, signal.SIGKILL)
    said = first.communicate()[0]
    assert (folder / FILE).exists(), said
    assert steps_done(folder) < config.steps

    with pytest.raises(ValueError, match=r"2 processes made it, here are 1.* as many devices as before"):
        fit(config, folder, progress=False)

    second = command("--resume", str(folder))
    said = second.communicate(timeout=600)[0]
    assert second.returncode == 0, said
    assert said.count("Held out") == 1  # the first process speaks for both
    assert steps_done(folder) == config.steps

    record = load_record(folder)
    assert record.processes == 2
    assert [len(crops) for _, crops in record.samples] == [1]
    alone = fit(dataclasses.replace(config, batch=2 * config.batch), tmp_path / "alone", progress=False)
    assert record.losses.keys() == alone.losses.keys()
    for name, values in alone.losses.items():
        assert record.losses[name] == pytest.approx(values, rel=1e-4, abs=1e-6), name
    mine, theirs = (load_file(path / "generator.safetensors") for path in (folder, tmp_path / "alone"))
    for name, t in theirs.items():
        torch.testing.assert_close(mine[name], t, rtol=1e-3, atol=1e-5)


def test_one_process_is_the_mean_of_itself():
    alone, x = Processes(), torch.rand(3, 2)
    assert alone.mean(x) is x
    assert alone.gather(x) is x
    assert (alone.any(True), alone.any(False)) == (True, False)
    assert (alone.rank, alone.count, alone.first) == (0, 1, True)
    alone.wait()


def test_the_variance_is_that_of_all_processes():
    shares = (
        torch.rand(3, 4, 5, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 2.0, 5.0])[:, None, None]
    )

    class OneOfThree(Processes):
        def gather(self, x):
            return torch.stack([torch.stack([s.mean(), s.var()]) for s in shares])

    one = OneOfThree()
    assert one.variance(shares[0]) == shares[0].var()
    one.count = 3
    torch.testing.assert_close(one.variance(shares[0]), shares.var())


def test_torchrun_says_how_many_there_are(monkeypatch):
    assert asked(1, 1) == (1, 1)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    monkeypatch.setenv("WORLD_SIZE", "8")
    assert asked(1, 1) == (4, 2)
    assert asked(2, 1) == (2, 1)


@pytest.mark.parametrize(("devices", "nodes"), [(0, 1), (2, 0), (-1, 1)])
def test_impossible_numbers_are_refused(devices, nodes):
    with pytest.raises(ValueError, match="devices, nodes: expected positive numbers"):
        launch(devices, nodes)


def test_more_devices_than_there_are(monkeypatch):
    pytest.importorskip("lightning_fabric")
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    with pytest.raises(ValueError, match="devices: 2 were asked for, but torch finds 1 CUDA devices"):
        launch(2, device="cuda")


def test_without_lightning_fabric(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match=r"not installed: pip install 'deblurlib\[scale\]'"):
        launch(2)
