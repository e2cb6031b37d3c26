"""A run that was stopped ends as one that was not, to the last bit; and a checkpoint is whole or not there."""

import json
import os

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file

from deblurlib import profile
from deblurlib.training import BlurredPairs, fit
from deblurlib.training import checkpoint as module
from deblurlib.training.checkpoint import FILE, load_checkpoint, save_checkpoint
from deblurlib.training.systems import build_system

CPU = torch.device("cpu")
GANS = ("pix2pix", "deblur_gan", "physics_gan", "cycle_gan", "paired_cycle_gan", "yuan", "yuan_printed")
SYSTEMS = ("regression", *GANS)


class Stopped(BaseException):
    """What a killed process looks like from inside."""


def stop_at(step):
    def callback(finished, _):
        if finished == step:
            raise Stopped

    return callback


def state(run):
    """Everything that a run ends with, by name."""
    tensors = {f"{name}/{key}": t for name, net in run.networks.items() for key, t in net.state_dict().items()}
    tensors |= {f"restorer/{key}": t for key, t in run.generator.network.state_dict().items()}
    tensors |= {f"losses/{name}": torch.tensor(values) for name, values in run.losses.items()}
    return tensors | {"scores": torch.tensor(run.scores)}


def differences(a, b):
    assert a.keys() == b.keys()
    return [name for name in a if not torch.equal(a[name], b[name])]


@pytest.fixture(scope="module")
def unbroken(tiny):
    """The end of each run that nobody stops, computed once."""
    kept = {}

    def end(**settings):
        key = json.dumps(settings, sort_keys=True)
        if key not in kept:
            kept[key] = state(fit(tiny(**settings), progress=False))
        return kept[key]

    return end


def stopped_run(folder, config, step=6):
    """Killed just before the checkpoint of step 6 is written: that of step 3 is the last."""
    with pytest.raises(Stopped):
        fit(config, folder, progress=False, callback=stop_at(step))
    return folder


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_resume_is_bit_exact(system, precision, tiny, unbroken, tmp_path):
    if precision == "bfloat16" and not profile.fast_bfloat16(CPU) and system != "regression":
        pytest.skip("bfloat16 is slow on this processor; the regression stands for all")
    settings = {"system": system, "precision": precision}
    stopped_run(tmp_path, tiny(**settings))
    with safe_open(tmp_path / FILE, framework="pt") as file:
        assert file.metadata()["step"] == "3"
    seen = []
    run = fit(tiny(**settings), tmp_path, progress=False, callback=lambda step, _: seen.append(step))
    assert seen == [6, 8]
    assert all(len(values) == 8 for values in run.losses.values())
    assert differences(state(run), unbroken(**settings)) == []


def test_a_run_may_be_stopped_again_and_again(tiny, unbroken, tmp_path):
    """Killed in every step that reads the losses, with a checkpoint after each step."""
    config = tiny(checkpoint_every=1)
    for step in range(1, 8):
        stopped_run(tmp_path, config, step + 1)
    run = fit(config, tmp_path, progress=False)
    assert differences(state(run), unbroken()) == []


def test_a_finished_run_is_not_run_again(tiny, unbroken, tmp_path):
    fit(tiny(), tmp_path, progress=False)
    calls = []
    run = fit(tiny(), tmp_path, progress=False, callback=lambda *_: calls.append(1))
    assert calls == []
    assert differences(state(run), unbroken()) == []


def change(path, part, how):
    """Rewrite one part of a checkpoint, as if it had never been saved."""
    tensors = load_file(path)
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
    names = [name for name in tensors if part in name]
    assert names, part
    for name in names:
        if how == "missing":
            del tensors[name]
        elif name.endswith("chance"):
            tensors[name] = torch.Generator().manual_seed(99).get_state()
        else:
            tensors[name] = (
                torch.zeros_like(tensors[name]) if "/images" in name or "optimizer" in name else -tensors[name]
            )
    save_file(tensors, path, metadata)


PARTS = (
    "network/blur_to_sharp",
    "network/sharp_to_blur",
    "network/judge_sharp",
    "network/judge_blur",
    "optimizer/generators",
    "optimizer/discriminators",
    "/exp_avg",
    "/exp_avg_sq",
    "/step",
    "pool/sharp/images",
    "pool/blur/images",
    "pool/sharp/chance",
    "pool/blur/chance",
    "averaged",
)


@pytest.mark.parametrize("part", PARTS)
def test_no_part_of_a_checkpoint_can_be_left_out(part, tiny, unbroken, tmp_path):
    """The exactness above would notice the loss of any part: with it reset, the run ends elsewhere.

    And a checkpoint without it is no checkpoint.
    """
    config = tiny(system="cycle_gan", pool=2)
    stopped_run(tmp_path, config)
    intact = (tmp_path / FILE).read_bytes()
    change(tmp_path / FILE, part, "reset")
    reset = state(fit(config, tmp_path, progress=False))
    assert differences(reset, unbroken(system="cycle_gan", pool=2))

    (tmp_path / FILE).write_bytes(intact)
    change(tmp_path / FILE, part, "missing")
    with pytest.raises(ValueError, match="is not a checkpoint of this run"):
        fit(config, tmp_path, progress=False)


def trained(config, steps):
    """A system after some steps, and what its checkpoint holds besides."""
    system, pairs = build_system(config, CPU), BlurredPairs(config, CPU)
    losses = [float(system.step(pairs.batch(step))["content"]) for step in range(steps)]
    averaged = {name: t.clone() for name, t in system.networks["blur_to_sharp"].state_dict().items()}
    return system, averaged, {"losses": {"content": losses}, "scores": [], "seconds": float(steps)}


def read_back(config, folder):
    system = build_system(config, CPU)
    step, averaged, record = load_checkpoint(folder, system)
    weights = system.networks["blur_to_sharp"].state_dict()
    assert differences(averaged, weights) == []  # both halves are of one step
    assert len(record["losses"]["content"]) == step
    return step, weights


@pytest.fixture(scope="module")
def two_moments(tiny):
    config = tiny()
    return config, trained(config, 1), trained(config, 2)


STAGES = (
    "tempfile.mkstemp",
    "save_file",
    "half a file",
    "os.fsync",
    "pathlib.Path.chmod",
    "os.replace",
    "pathlib.Path.unlink",
)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_writer_killed_at_any_stage(stage, moment, two_moments, tmp_path):
    """The process ends at once, as if the power went: the old checkpoint is there or the new one, and whole."""
    config, (old, old_average, old_record), (new, new_average, new_record) = two_moments
    save_checkpoint(tmp_path, old, 1, old_average, old_record)
    child = os.fork()
    if child == 0:
        try:
            kill_at(stage, moment)
            save_checkpoint(tmp_path, new, 2, new_average, new_record)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 9
    step, weights = read_back(config, tmp_path)
    moved = stage == "pathlib.Path.unlink" or (stage, moment) == ("os.replace", "after")
    assert step == (2 if moved else 1)
    expected = (new if moved else old).networks["blur_to_sharp"].state_dict()
    assert differences(weights, expected) == []


def kill_at(stage, moment):
    """In the child: end the process before or after one call of the writer."""
    import pathlib
    import tempfile

    def deadly(call):
        def killed(*arguments, **options):
            if moment == "after":
                call(*arguments, **options)
            os._exit(9)

        return killed

    def half(tensors, path, metadata):
        save_file(tensors, path, metadata)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        os._exit(9)

    if stage == "half a file":
        module.save_file = half
    elif stage == "save_file":
        module.save_file = deadly(save_file)
    else:
        owner, name = stage.rsplit(".", 1)
        owner = {"tempfile": tempfile, "os": os, "pathlib.Path": pathlib.Path}[owner]
        setattr(owner, name, deadly(getattr(owner, name)))


@pytest.mark.parametrize(
    "stage", ["tempfile.mkstemp", "deblurlib.training.checkpoint.save_file", "os.fsync", "os.replace"]
)
def test_a_full_disk(stage, two_moments, tmp_path, monkeypatch):
    """An error while writing keeps the old checkpoint, leaves no litter and is not swallowed."""
    config, (old, old_average, old_record), (new, new_average, new_record) = two_moments
    save_checkpoint(tmp_path, old, 1, old_average, old_record)

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(stage, full)
        with pytest.raises(OSError, match="No space left on device"):
            save_checkpoint(tmp_path, new, 2, new_average, new_record)
    assert os.listdir(tmp_path) == [FILE]
    assert read_back(config, tmp_path)[0] == 1


def test_litter_of_a_killed_writer_does_no_harm(tiny, unbroken, tmp_path):
    stopped_run(tmp_path, tiny())
    (tmp_path / ".writing-abc.safetensors").write_bytes(b"half")
    assert differences(state(fit(tiny(), tmp_path, progress=False)), unbroken()) == []


@pytest.mark.parametrize(
    "kind",
    [
        *("empty", "text", "pickled", "cut", "cut in the header"),
        *("weights alone", "no record", "another system", "other settings", "foreign keys"),
    ],
)
def test_a_foreign_checkpoint_is_refused(kind, tiny, tmp_path):
    config = tiny()
    path = tmp_path / FILE
    stopped_run(tmp_path, config)
    content = path.read_bytes()
    if kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("checkpoint")
    elif kind == "pickled":
        torch.save({"step": 3}, path)
    elif kind == "cut":
        path.write_bytes(content[:-10])
    elif kind == "cut in the header":
        path.write_bytes(content[:40])
    elif kind == "weights alone":
        save_file({"weight": torch.zeros(3)}, path)
    elif kind == "no record":
        save_file(load_file(path), path, {"step": "3"})
    elif kind == "foreign keys":
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata()
        save_file(load_file(path) | {"network/critic/weight": torch.zeros(3)}, path, metadata)
    elif kind in ("another system", "other settings"):
        other = tmp_path / "other"
        stopped_run(other, tiny(system="cycle_gan") if kind == "another system" else tiny(learning_rate=1e-4))
        path.write_bytes((other / FILE).read_bytes())
    before = path.read_bytes()
    with pytest.raises(ValueError, match=f"{FILE} is not a checkpoint of this run") as caught:
        fit(config, tmp_path, progress=False)
    said = {"pickled": "Pickled checkpoints are refused: loading them runs code", "foreign keys": "critic/weight"}
    assert said.get(kind, "") in str(caught.value)
    assert path.read_bytes() == before


def test_no_checkpoint(tiny, tmp_path):
    assert load_checkpoint(tmp_path, build_system(tiny(), CPU)) is None
