"""What a run leaves behind: samples that survive a stop, numbers, the machine; and TensorBoard where it is."""

import builtins
import json
from pathlib import Path

import pytest
import torch

from deblurlib.training import TrainingConfig, fit, held_out, load_record, shipped_runs
from deblurlib.training.record import SHIPPED, keep_sample


class Stopped(BaseException):
    """What a killed process looks like from inside."""


@pytest.fixture(scope="module")
def examination(tiny):
    generator = torch.Generator().manual_seed(0)
    x = torch.rand(1, 3, 9, 9, generator=generator)
    x = torch.nn.functional.interpolate(x, scale_factor=8, mode="bicubic").clamp(0, 1)
    return held_out([("picture", x)], config=tiny(), side=32, crops=2)


def stop_at(step):
    def callback(finished, _):
        if finished == step:
            raise Stopped

    return callback


def test_samples_and_scores_are_kept_across_a_stop(tiny, examination, tmp_path):
    config, given = tiny(checkpoint_every=2, validate_every=2), {"examination": examination, "samples": 2}
    with pytest.raises(Stopped):
        fit(config, tmp_path / "run", **given, progress=False, callback=stop_at(6))
    resumed = fit(config, tmp_path / "run", **given, progress=False)
    unbroken = fit(config, tmp_path / "unbroken", **given, progress=False)
    assert [step for step, _ in resumed.samples] == [2, 4, 6, 8]
    assert resumed.scores == unbroken.scores
    for (step, mine), (other, theirs) in zip(resumed.samples, unbroken.samples, strict=True):
        assert step == other
        assert mine.shape == (2, 3, 32, 32)
        assert torch.equal(mine, theirs)
    names = sorted(path.name for path in (tmp_path / "run" / "samples").iterdir())
    assert names == [f"step-0000000{step}-of-2.webp" for step in (2, 4, 6, 8)]
    assert not torch.equal(resumed.samples[0][1], resumed.samples[-1][1])
    assert (resumed.samples[-1][1] - resumed.generator(examination.blurred)).abs().mean() < 0.05  # what WebP leaves


def test_a_record_says_what_was_done_on_what(tiny, examination, tmp_path):
    run = fit(tiny(), tmp_path, examination=examination, samples=1, progress=False)
    record = load_record(tmp_path)
    assert (record.losses, record.scores, record.chance) == (run.losses, run.scores, run.chance)
    assert record.config["steps"] == 8
    assert record.processes == 1
    assert record.images_per_second == pytest.approx(run.pace.images / run.pace.seconds)
    assert run.pace.images == 8 * 2
    assert 0 < run.pace.data < run.pace.seconds <= run.seconds
    assert 0 < record.data_share < 1
    assert record.memory > 2**20
    assert "torch" in record.machine["versions"]
    assert record.decisions[0] == "precision: float32, as asked for"
    assert record.decisions[1].startswith("compile: no")
    assert torch.equal(record.samples[1][1], run.samples[1][1])

    (tmp_path / "samples" / "step-00000004-of-1.webp").unlink()  # the others are still shown
    assert [step for step, _ in load_record(tmp_path).samples] == [8]


def test_records_that_are_none(tiny, tmp_path):
    with pytest.raises(FileNotFoundError, match="holds no record of a run"):
        load_record(tmp_path)
    for content in ("{", "[]", json.dumps({"losses": {}})):
        (tmp_path / "record.json").write_text(content)
        with pytest.raises(ValueError, match=r"record.json is not the record of a run"):
            load_record(tmp_path)


def test_a_strip_holds_the_crops_in_their_order(tmp_path):
    crops = torch.stack([torch.full((3, 16, 16), level) for level in (0.1, 0.5, 0.9)])
    step, kept = keep_sample(tmp_path, 7, crops)
    assert step == 7
    torch.testing.assert_close(kept, crops, rtol=0, atol=0.02)
    assert keep_sample(None, 7, crops)[1] is crops


def test_tensorboard_that_is_not_there(tiny, tmp_path, monkeypatch):
    load = builtins.__import__

    def without(name, *arguments, **options):
        if name.startswith("torch.utils.tensorboard"):
            raise ImportError(name)
        return load(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModuleNotFoundError, match="tensorboard was asked for and is not installed: pip install"):
        fit(tiny(), tmp_path, progress=False, tensorboard=True)
    with pytest.raises(ValueError, match="kept in a run folder, and none was given"):
        fit(tiny(), progress=False, tensorboard=True)


def test_tensorboard(tiny, examination, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    run = fit(tiny(), tmp_path, examination=examination, samples=1, progress=False, tensorboard=True)
    events = accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    logged = {event.step: event.value for event in events.Scalars("loss/content")}
    assert logged.keys() == {3, 4, 6, 8}
    assert logged[8] == pytest.approx(run.losses["content"][-1], rel=1e-6)
    assert [event.step for event in events.Scalars("score/gain in dB")] == [4, 8]
    assert {event.step for event in events.Images("samples")} == {4, 8}


@pytest.mark.parametrize("name", shipped_runs())
def test_a_shipped_record_is_whole(name):
    """Settings that are still valid, a loss for every step, scores, a strip of crops for each, and no path in it."""
    record = load_record(name)
    config = TrainingConfig(**record.config)
    assert config.features in ("random", Path(config.features).name)
    assert config.photographs == Path(config.photographs).name
    assert {len(values) for values in record.losses.values()} == {config.steps}
    assert [step for step, _ in record.samples] == [step for step, _ in record.scores]
    assert all(crops.shape == (4, 3, 192, 192) for _, crops in record.samples)
    assert record.machine["device"]
    assert record.seconds > 0


def test_the_records_are_small():
    """All that ships of the long runs, pictures too."""
    files = [path for path in SHIPPED.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 25e6
