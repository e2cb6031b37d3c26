"""The recorded comparisons: the record that ships, its means and intervals, and the command that makes it."""

import dataclasses
import json
import statistics

import pytest

import deblurlib as db
from deblurlib.benchmarks import ablation_arms as arms
from deblurlib.benchmarks import full_scale
from deblurlib.benchmarks.ablation_record import FILE, AblationRun, Ablations, ablations, student
from deblurlib.training import HeldOut, TrainingConfig


def run(arm, seed, gains, **more):
    scores = {"ssim": 0.8, "vif": 0.5, "niqe": 8.0, "sharpness": 0.6}
    return AblationRun(arm, seed, 2.0, scores, {"content": 0.1}, gains, **more)


@pytest.fixture
def few():
    runs = [run("a", 1, [1.0, 3.0]), run("a", 0, [1.0, 1.0]), run("b", 0, [0.5, 0.5]), run("b", 1, [1.0, 1.0])]
    return Ablations([*runs, run("c", 0, [], failure="A loss became NaN")], {"psnr": 28.0}, {"a": {}}, {"command": "x"})


def test_means_and_differences(few):
    assert few.arms() == ["a", "b", "c"]
    assert few.values("a") == [1.0, 2.0]  # by seed
    assert few.values("a", "ssim") == [0.8, 0.8] and few.values("a", "content") == [0.1, 0.1]
    assert few.mean("a").mean == 1.5
    difference = few.difference("a", "b")
    assert difference.mean == pytest.approx((0.5 + 1.0) / 2) and difference.count == 2
    half = 12.706 * statistics.stdev([0.5, 1.0]) / 2**0.5
    assert difference.high - difference.mean == pytest.approx(half)
    assert "A loss became NaN" in str(few) and "+1.50" in str(few)
    assert few.values("c") == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda few: few.mean("d"), "arm: unknown 'd', expected one of a, b, c"),
        (lambda few: few.mean("a", "lpips"), "metric: unknown 'lpips', expected one of gain, seconds"),
        (lambda few: few.mean("c"), "from 2 to 10 values, got 0"),
        (lambda few: student([1.0]), "from 2 to 10 values, got 1"),
    ],
)
def test_bad_questions(call, message, few):
    with pytest.raises(ValueError, match=message):
        call(few)


def test_a_record_comes_back_as_it_was_saved(few, tmp_path):
    few.save(tmp_path / "record.json")
    assert ablations(tmp_path / "record.json") == few


@pytest.mark.parametrize("content", ["{", "[]", '{"runs": [1]}', '{"runs": [{"arm": "a"}]}', "3"])
def test_a_foreign_file_is_refused(content, tmp_path):
    (tmp_path / "record.json").write_text(content)
    with pytest.raises(ValueError, match=r"record\.json is not a record of comparisons"):
        ablations(tmp_path / "record.json")
    with pytest.raises(FileNotFoundError, match="no such record"):
        ablations(tmp_path / "none.json")


def test_the_record_that_ships_is_of_this_code():
    """Its settings are those of the arms, no run is there twice, and it says where it comes from."""
    record = db.benchmarks.ablations()
    settings = json.loads(json.dumps({arm: own for arm, (_, own) in arms.ARMS.items()}))
    assert {arm: record.settings[arm] for arm in record.arms()} == {arm: settings[arm] for arm in record.arms()}
    runs = [(run.arm, run.seed) for run in record.runs]
    planned = {(arm, seed) for arm, (seeds, _) in arms.ARMS.items() for seed in range(seeds)}
    assert len(set(runs)) == len(runs) and set(runs) <= planned
    assert {"command", "device", "versions"} <= record.made.keys()
    assert all(len(run.gains) == 16 or run.failure for run in record.runs)
    assert all(run.scores.keys() == arms.METRICS.keys() for run in record.runs if not run.failure)
    assert FILE.stat().st_size < 200_000


@pytest.mark.parametrize("arm", arms.ARMS)
def test_every_arm_can_be_configured(arm):
    config = arms.ablation_config(arm, 2)
    assert isinstance(config, TrainingConfig) and config.seed == 2


def test_an_unknown_arm_is_refused():
    with pytest.raises(ValueError, match="arm: unknown 'unet_l3'"):
        arms.ablation_config("unet_l3", 0)


def test_what_is_missing_comes_seed_by_seed(monkeypatch):
    monkeypatch.setattr(arms, "ARMS", {"a": (1, {}), "b": (2, {})})
    assert list(arms.missing([])) == [("a", 0), ("b", 0), ("b", 1)]
    assert list(arms.missing([run("b", 0, [])])) == [("a", 0), ("b", 1)]


@pytest.fixture
def small(monkeypatch):
    """An arm of three steps, and an examination of three crops."""
    monkeypatch.setattr(arms, "ARMS", {"tiny": (1, {"content": "l1", "steps": 3, "width": 4, "kernels": 8})})
    whole = db.training.held_out()
    return HeldOut(whole.blurred[:3], whole.sharp[:3], whole.kernels[:3], whole.names[:3], whole.noise)


def test_a_run(small):
    done = arms.run_arm("tiny", 0, small)
    assert len(done.gains) == 3 and done.failure == "" and done.seconds > 0
    assert done.scores["psnr"] == pytest.approx(
        float(db.metrics.psnr(small.blurred, small.sharp).mean()) + statistics.fmean(done.gains), abs=0.01
    )
    assert done.losses.keys() == {"content"}
    again = arms.run_arm("tiny", 0, small)
    assert dataclasses.replace(again, seconds=done.seconds) == done


def test_a_run_that_is_not_finite_is_a_finding(small, monkeypatch):
    monkeypatch.setitem(arms.ARMS, "tiny", (1, {"steps": 30, "width": 4, "kernels": 8, "learning_rate": 1e30}))
    done = arms.run_arm("tiny", 0, small)
    assert "NaN or infinite" in done.failure and not done.gains


def test_the_truth_is_as_sharp_as_itself(small):
    scores = arms.examine(small.sharp, small)
    assert scores["sharpness"] == 1 and scores["ssim"] == 1
    assert arms.blurred_scores(small)["sharpness"] < 1


@pytest.fixture
def full(small, monkeypatch):
    """Two of the full runs' arms, with the full networks at a tiny size and an examination of three small crops."""
    import ablations as tool

    tiny = {"width": 2, "crop": 32, "batch": 2, "kernels": 8, "steps": 500}
    few = {arm: (2, {**own, **tiny, "blocks": 1, "levels": 3}) for arm, (_, own) in full_scale.TABLE_1.items()}
    monkeypatch.setattr(tool, "TABLE_1", few)
    monkeypatch.setattr(tool, "full_examination", lambda: small)
    return tool


def test_table_1_at_full_scale_is_one_command(full, monkeypatch, tmp_path, capsys):
    file = tmp_path / "folder" / "full.json"
    file.parent.mkdir()
    sizes = ["--set", "steps=2", "--set", "device=cpu", "--seeds", "1"]
    monkeypatch.setattr("sys.argv", ["ablations.py", "--scale", "full", *sizes, "--output", str(file)])
    full.main()
    record = ablations(file)
    assert [(run.arm, run.seed) for run in record.runs] == [(arm, 0) for arm in full_scale.TABLE_1]
    assert all(settings["steps"] == 2 and settings["generator_norm"] for settings in record.settings.values())
    assert record.made["command"] == f"python tools/ablations.py --scale full {' '.join(sizes)} --output full.json"
    assert record.runs[0].scores != record.runs[2].scores  # two networks
    assert all(run.scores.keys() == arms.METRICS.keys() for run in record.runs)
    full.main()
    assert ablations(file) == record and capsys.readouterr().out.count("dB") == 4  # nothing is trained twice


def test_the_full_scale_is_that_of_the_recipe():
    """Steps, crops, kernels, rates and networks are those of the recipe `paper_fitted`; the games are not."""
    fitted = db.training.read_config("paper_fitted")
    for arm in full_scale.TABLE_1:
        config = arms.ablation_config(arm, 0, full_scale.TABLE_1)
        assert config.system == "regression" and config.content == arm.partition("_")[2]
        shared = {name: getattr(fitted, name) for name in full_scale.FULL}
        assert {name: getattr(config, name) for name in full_scale.FULL} == shared
        assert config.generator == {"unet": "unet256", "resnet": "resnet"}[arm.partition("_")[0]]
    assert arms.ablation_config("unet_l1", 0, full_scale.TABLE_1).levels == fitted.levels


def test_folders_do_not_travel(full):
    assert full.without_folders("photographs=/there/photos") == "photographs=photos"
    assert full.without_folders("/there/full.json") == "full.json"
    assert full.without_folders("steps=3") == "steps=3"


def test_the_command_goes_on_where_it_was(small, monkeypatch, tmp_path, capsys):
    import ablations as tool

    for module in (arms, tool):
        monkeypatch.setattr(module, "ARMS", {"tiny": (2, arms.ARMS["tiny"][1])})
    monkeypatch.setattr(tool, "held_out", lambda: small)
    file = tmp_path / "record.json"
    for expected in (1, 2, 2):
        monkeypatch.setattr("sys.argv", ["ablations.py", "--most", "1", "--output", str(file)])
        tool.main()
        assert len(ablations(file).runs) == expected
    assert capsys.readouterr().out.count("dB") == 2
    monkeypatch.setattr(tool, "ARMS", {"tiny": (2, {**arms.ARMS["tiny"][1], "steps": 2})})
    monkeypatch.setattr(arms, "ARMS", tool.ARMS)
    tool.main()
    assert len(ablations(file).runs) == 1  # settings that changed make the old runs void
