"""Tables over tiny sets that are made here; over the public ones where they are."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from deblurlib import benchmarks, deconvolution, images, networks
from deblurlib.benchmarks import picture_sets, restorers
from deblurlib.benchmarks.tables import CROP, score
from deblurlib.blur import Blur
from deblurlib.metrics import psnr

DATA = Path(os.environ.get("DEBLUR_DATA", Path(__file__).parents[3] / "shared" / "data"))


def few(**changes):
    return benchmarks.bundled_set(**({"crops": 1, "side": 72, "length": 7.0, "noise": 0.005} | changes))


def half(sample):
    return (sample.blurred + sample.sharp) / 2


@pytest.fixture(scope="session")
def small():
    methods = ["blurred", "oracle", "oracle:wiener", "l0_gradient", "physics_gan"]
    return benchmarks.table(methods, images=few(), metrics=["psnr", "ssim", "niqe"])


# ------------------------------------------------------------------------------------------------------------- the sets
def test_pictures_are_a_function_of_their_settings():
    one, two = few().items[1].make(), few().items[1].make()
    assert torch.equal(one.blurred, two.blurred)
    assert not torch.equal(one.blurred, few(seed=1).items[1].make().blurred)
    assert one.name == "coffee-1" and few().items[1].scene == "coffee"
    assert few().description != few(noise=0.01).description


def test_a_picture_is_its_sharp_one_blurred():
    sample = few(noise=0.0).items[2].make()
    margin = sample.kernel.shape[-1] // 2
    inner = (..., slice(margin, -margin), slice(margin, -margin))
    again = Blur(sample.kernel, "valid")(sample.sharp)
    assert (again - sample.blurred[inner]).abs().max() < 1.01 / 255  # rounded to 8 bits
    assert sample.kernel_size % 2 == 1 and sample.kernel_size <= 13


def test_a_folder_of_photographs(tmp_path):
    for name in "bac":
        images.save(tmp_path / f"{name}.png", images.bundled("camera")[..., :90, :95])
    (tmp_path / "notes.txt").write_text("no photograph")
    chosen = benchmarks.shaken_set(tmp_path, count=2, side=72, length=5.0)
    assert [item.scene for item in chosen.items] == ["a", "b"]
    assert chosen.items[0].make().blurred.shape == (1, 1, 72, 72)
    with pytest.raises(ValueError, match="expected 1 to 3"):
        benchmarks.shaken_set(tmp_path, count=4)
    with pytest.raises(ValueError, match=r"a-1: 90x95 pixels are fewer than a crop and its margin, 142 a side"):
        benchmarks.shaken_set(tmp_path, side=122).items[0].make()
    with pytest.raises(FileNotFoundError, match="holds no photographs"):
        (tmp_path / "empty").mkdir()
        benchmarks.shaken_set(tmp_path / "empty")
    with pytest.raises(FileNotFoundError, match="is no folder"):
        benchmarks.shaken_set(tmp_path / "nowhere")


def pair(folder, names):
    for side in ("blur", "sharp"):
        (folder / side).mkdir(parents=True)
        for name in names:
            images.save(folder / side / f"{name}.png", images.bundled("camera")[..., 200:290, 200:310])


def test_pairs_in_both_layouts(tmp_path):
    pair(tmp_path / "flat", ["a", "b"])
    assert [item.name for item in benchmarks.gopro_set(tmp_path / "flat").items] == ["a", "b"]
    pair(tmp_path / "official" / "GOPR0384_11_00", ["000001", "000002"])
    pair(tmp_path / "official" / "GOPR0410_11_00", ["000001"])
    chosen = benchmarks.gopro_set(tmp_path / "official")
    (tmp_path / "whole" / "train").mkdir(parents=True)
    (tmp_path / "official").rename(tmp_path / "whole" / "test")
    assert [item.name for item in benchmarks.gopro_set(tmp_path / "whole").items] == [i.name for i in chosen.items]
    (tmp_path / "whole" / "test").rename(tmp_path / "official")
    assert [item.scene for item in chosen.items] == ["GOPR0384_11_00"] * 2 + ["GOPR0410_11_00"]
    assert chosen.items[0].make().kernel is None


def test_missing_partners_and_sizes_are_named(tmp_path):
    pair(tmp_path, ["a", "b"])
    (tmp_path / "sharp" / "b.png").unlink()
    with pytest.raises(FileNotFoundError, match="only one of blur and sharp has b"):
        benchmarks.gopro_set(tmp_path)
    images.save(tmp_path / "sharp" / "b.png", torch.zeros(1, 1, 20, 20))
    with pytest.raises(ValueError, match="b: blur is"):
        benchmarks.gopro_set(tmp_path).items[1].make()
    with pytest.raises(FileNotFoundError, match="holds no GoPro pairs"):
        benchmarks.gopro_set(tmp_path / "blur")
    with pytest.raises(FileNotFoundError, match="is no folder"):
        benchmarks.gopro_set(tmp_path / "nowhere")


def test_the_size_that_blind_methods_are_told_is_snug():
    kernel = torch.zeros(1, 1, 31, 31)
    kernel[..., 15, 12:19] = 1 / 7
    assert picture_sets.snug_size(kernel) == 7 + picture_sets.ROOM
    assert picture_sets.snug_size(torch.full((1, 1, 5, 5), 1 / 25)) == 5


# ---------------------------------------------------------------------------------------------------------- the methods
def test_every_oracle_is_better_than_the_input():
    sample = few().items[2].make()
    before = score(sample.blurred, sample, ["psnr"])[0]["psnr"]
    for name in restorers.ORACLES:
        restored = benchmarks.restore(f"oracle:{name}", sample)
        assert restored.shape == sample.sharp.shape and restored.min() >= 0 and restored.max() <= 1
        assert score(restored, sample, ["psnr"])[0]["psnr"] > before + 0.5, name


def test_names_mean_what_they_say():
    sample = few().items[1].make()
    assert torch.equal(benchmarks.restore("blurred", sample), sample.blurred)
    expected = deconvolution.hyper_laplacian(sample.blurred, sample.kernel).clamp(0, 1)
    assert torch.equal(benchmarks.restore("oracle", sample), expected)
    assert benchmarks.restore("pretrained", sample).shape == sample.sharp.shape
    with pytest.raises(ValueError, match="unknown 'magic'"):
        benchmarks.restore("magic", sample)
    with pytest.raises(FileNotFoundError, match="no such weights file"):
        benchmarks.restore("nowhere.safetensors", sample)
    with pytest.raises(ValueError, match="physics_gan: "):
        benchmarks.restore("physics_gan", sample)


def test_the_default_rows_cover_the_papers_methods():
    names = benchmarks.default_methods()
    assert len(names) == len(set(names)) >= 14
    assert {row.name for row in restorers.PAPER} | {"blurred", "oracle"} <= set(names)


@pytest.fixture
def trained(tmp_path, monkeypatch):
    """Two more generators ship: the paper's competitor, and one by a name of its own."""
    shipped = networks.pretrained.FOLDER / "short_shake.safetensors"
    for name in ("pretrained", "deblur_gan", "narrow"):
        shutil.copy(shipped, tmp_path / f"{name}.safetensors")
    monkeypatch.setattr(networks.pretrained, "FOLDER", tmp_path)


@pytest.mark.usefixtures("trained")
def test_every_generator_that_ships_has_a_row():
    names = benchmarks.default_methods()
    assert names.index("deblur_gan") < names.index("fast_edges")  # among the paper's
    assert names[-2:] == ["narrow", "pretrained"] and names.count("deblur_gan") == 1
    rows = ["blurred", "physics_gan", "deblur_gan", "yuan", "narrow"]
    found = benchmarks.table(rows, images=few(), metrics=["psnr"])
    assert set(found.absent) == {"physics_gan", "yuan"}
    assert found.titles["deblur_gan"] == "Small network, DeblurGAN" and found.titles["narrow"] == "narrow"
    assert found.values("deblur_gan", "psnr") == found.values("narrow", "psnr")
    assert found.mean("deblur_gan", "psnr").mean > found.mean("blurred", "psnr").mean


# ------------------------------------------------------------------------------------------------------------ the table
def test_the_oracle_beats_the_input_and_the_interval_says_so(small):
    difference = small.difference("oracle", "blurred", "psnr")
    assert difference.excludes_zero and difference.low > 1
    assert difference.count == 4
    assert not small.difference("blurred", "blurred", "psnr").excludes_zero
    mean = small.mean("oracle", "psnr")
    assert mean.low < mean.mean < mean.high
    assert mean.mean == pytest.approx(sum(small.values("oracle", "psnr").values()) / 4)


def test_what_is_not_there_has_a_row_that_says_so(small):
    assert small.mean("physics_gan", "psnr") is None
    for text in (str(small), small.to_markdown(), small.to_latex(), small._repr_html_()):
        assert "no trained weights of this system ship" in text
    assert "physics_gan" not in small.to_csv()


def test_a_metric_that_needs_more_pixels_is_left_empty(small):
    assert small.values("blurred", "niqe") == {}
    assert small.mean("blurred", "niqe") is None
    assert small.difference("oracle", "blurred", "niqe") is None


def test_every_form_has_every_number(small):
    mean = f"{small.mean('oracle', 'psnr').mean:.2f}"
    for text in (str(small), small.to_markdown(), small.to_latex(), small._repr_html_()):
        assert mean in text
    lying = f"{small.mean('oracle', 'psnr', aligned=False).mean:.2f}"
    assert lying in small.to_text(aligned=False)
    lines = small.to_csv().splitlines()
    assert len(lines) == 1 + 4 * 4
    assert lines[0] == "method,image,scene,seconds,psnr,ssim,niqe,psnr_aligned,ssim_aligned,niqe_aligned"
    assert small.to_latex().count("\\\\") == 1 + 2 * 4 + 1
    assert "oracle\\_" not in small.to_latex() and "hyper\\_laplacian" in small.to_latex()


def test_json_keeps_everything(small):
    again = benchmarks.Table.from_json(small.to_json())
    assert again == small
    assert {"processor", "versions", "device"} <= again.machine.keys()


def test_unknown_names_are_refused(small):
    with pytest.raises(ValueError, match="unknown 'magic'"):
        small.values("magic", "psnr")
    with pytest.raises(ValueError, match="unknown 'lpips'"):
        small.mean("oracle", "lpips")
    with pytest.raises(ValueError, match="unknown 'magic'"):
        benchmarks.table(["magic"], images=few())
    with pytest.raises(ValueError, match="unknown 'lpips'"):
        benchmarks.table(["blurred"], images=few(), metrics=["lpips"])
    with pytest.raises(ValueError, match="expected one at least"):
        benchmarks.table([], images=few())
    with pytest.raises(ValueError, match="jobs"):
        benchmarks.table(["blurred"], images=few(), jobs=0)


def test_alignment_finds_a_shift_and_both_scores_lose_one_rim():
    sample = few().items[1].make()
    moved = sample.sharp.roll((2, -1), dims=(-2, -1))
    lying, aligned = score(moved, sample, ["psnr"])
    assert lying["psnr"] < 35 and aligned["psnr"] is None  # infinite: it lies on the sharp picture
    noisy = (sample.sharp + 0.05).clamp(0, 1)
    inner = (..., slice(CROP, -CROP), slice(CROP, -CROP))
    assert score(noisy, sample, ["psnr"])[0]["psnr"] == pytest.approx(psnr(noisy[inner], sample.sharp[inner]).item())


def test_it_goes_on_where_it_stopped(tmp_path):
    calls = []

    def counted(sample):
        calls.append(sample.name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return sample.sharp * 0.9

    with pytest.raises(KeyboardInterrupt):
        benchmarks.table({"counted": counted}, images=few(), metrics=["psnr"], out=tmp_path)
    found = benchmarks.table({"counted": counted}, images=few(), metrics=["psnr"], out=tmp_path)
    assert len(calls) == 5 and len(found.results) == 4
    again = benchmarks.table({"counted": counted}, images=few(), metrics=["psnr"], out=tmp_path)
    assert again.results == found.results and len(calls) == 5
    saved = benchmarks.Table.from_json((tmp_path / "table.json").read_text())
    assert saved.results == found.results
    assert {"table.csv", "table.md", "table.tex"} <= {p.name for p in tmp_path.iterdir()}
    assert len(list((tmp_path / "restored").glob("*.png"))) == 4
    benchmarks.table({"counted": counted}, images=few(), metrics=["ssim"], out=tmp_path)
    assert len(calls) == 9  # another metric has to be computed
    with pytest.raises(ValueError, match="results over another set"):
        benchmarks.table({"counted": counted}, images=few(seed=3), metrics=["psnr"], out=tmp_path)


def test_a_failure_names_the_method_and_the_picture():
    def broken(_sample):
        raise ValueError("too dark")

    with pytest.raises(ValueError, match="broken on camera-1: too dark"):
        benchmarks.table({"broken": broken}, images=few(), metrics=["psnr"])


def test_several_processes_give_the_same_table():
    one = benchmarks.table(["blurred", "oracle"], images=few(), metrics=["psnr"])
    two = benchmarks.table(["blurred", "oracle"], images=few(), metrics=["psnr"], jobs=2)
    assert [(r.method, r.image) for r in one.results] == [(r.method, r.image) for r in two.results]
    assert [r.aligned["psnr"] for r in one.results] == pytest.approx([r.aligned["psnr"] for r in two.results])


# -------------------------------------------------------------------------------------------------------- the intervals
def test_an_interval_covers_the_truth_about_as_often_as_it_says():
    chance = torch.Generator().manual_seed(0)
    covered = 0
    for i in range(100):
        found = benchmarks.bootstrap((2 + torch.randn(40, generator=chance)).tolist(), seed=i)
        covered += found.low <= 2 <= found.high
    assert 88 <= covered <= 99


def test_pictures_of_one_scene_are_not_more_scenes():
    values = [1.0, 2.0, 3.0, 4.0]
    alone = benchmarks.bootstrap(values)
    tripled = benchmarks.bootstrap([v for v in values for _ in range(3)], [s for s in "abcd" for _ in range(3)])
    assert (tripled.low, tripled.high) == (alone.low, alone.high)
    naive = benchmarks.bootstrap([v for v in values for _ in range(3)])
    assert naive.high - naive.low < alone.high - alone.low
    with pytest.raises(ValueError, match="expected 4, one for each value, got 1"):
        benchmarks.bootstrap(values, ["a"])
    with pytest.raises(ValueError, match="got none"):
        benchmarks.bootstrap([])
    with pytest.raises(ValueError, match="NaN or infinite"):
        benchmarks.bootstrap([1.0, float("nan")])
    with pytest.raises(TypeError, match="images: expected a TestSet"):
        benchmarks.table(["blurred"], images="bundled")


# ------------------------------------------------------------------------------------------------------------ the sheet
def test_the_sheet_shows_every_method_where_there_is_detail():
    x = torch.full((1, 3, 80, 120), 0.5)
    x[..., 40:, 60:] = torch.rand(1, 3, 40, 60, generator=torch.Generator().manual_seed(0))
    drawn = benchmarks.contact_sheet([[x, x * 0], [x, x * 0]], ["sharp", "black"], side=40, magnify=1)
    assert drawn.shape == (1, 3, 22 + 40 + 6 + 40, 40 + 6 + 40)
    assert drawn[..., 22:62, :40].std() > 0.2  # not the flat part
    assert drawn[..., 22:62, 46:].max() == 0
    assert drawn[..., :22, :46].min() < 0.5 < drawn[..., :22, :46].mean()  # a title
    with pytest.raises(ValueError, match="expected one size in a row"):
        benchmarks.contact_sheet([[x, x[..., :50]]], ["a", "b"])
    with pytest.raises(ValueError, match="titles: expected 2"):
        benchmarks.contact_sheet([[x, x]], ["a"])
    with pytest.raises(ValueError, match="do not fit"):
        benchmarks.contact_sheet([[x]], ["a"], side=81)


# ---------------------------------------------------------------------------------------------------------- the command
def run(*arguments):
    command = [sys.executable, "-m", "deblurlib.cli", "benchmark", "table", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_command_blurs_writes_and_goes_on(tmp_path):
    pair(tmp_path / "photos", ["a", "b"])
    out = tmp_path / "out"
    options = ["--photographs", tmp_path / "photos" / "sharp", "--length", 5, "-o", out]
    refused = run("--methods", "blurred", "--side", 90, *options)
    assert refused.returncode == 2 and "fewer than a crop and its margin" in refused.stderr
    out = tmp_path / "other"
    options = [*options[:-1], out, "--side", 72, "--metrics", "psnr,ssim"]
    done = run("--methods", "blurred,oracle", "--jobs", 2, *options)
    assert done.returncode == 0, done.stderr
    assert "true kernel, hyper_laplacian" in done.stdout
    before = (out / "results" / "oracle-a-1.json").stat().st_mtime_ns
    again = run("--methods", "blurred,oracle", "--format", "markdown", *options)
    assert again.stdout.startswith("| method | PSNR | SSIM | CPU s |")
    assert (out / "results" / "oracle-a-1.json").stat().st_mtime_ns == before
    assert images.load(out / "sheet.png").shape[-2:] == (22 + 2 * 144 + 6, 3 * 144 + 2 * 6)


def test_the_command_on_pairs(tmp_path):
    pair(tmp_path / "pairs", ["a", "b"])
    out = tmp_path / "out"
    options = ["--metrics", "ssim", "--format", "json", "--gopro", tmp_path / "pairs", "-o", out]
    done = run("--methods", "blurred,oracle", *options)
    assert done.returncode == 0, done.stderr
    found = benchmarks.Table.from_json(done.stdout)
    assert "no single kernel" in found.absent["oracle"]
    assert str(tmp_path) not in json.dumps(found.command)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--format", "word"), "unknown 'word'"),
        (("--gopro", "x", "--levin", "y"), "--gopro and --levin: choose one set"),
        (("--count", "3"), "--count goes with --photographs"),
        (("--gopro", "x", "--crops", "3"), "--crops goes with"),
        (("--gopro", "nowhere"), "nowhere is no folder"),
    ],
)
def test_the_command_refuses_in_one_sentence(options, message):
    refused = run(*options)
    assert refused.returncode == 2
    assert message in refused.stderr
    assert "Traceback" not in refused.stderr


# ----------------------------------------------------------------------------------------------------- the public sets
@pytest.mark.skipif(not (DATA / "gopro_pairs").is_dir(), reason="the GoPro pairs are not here; set DEBLUR_DATA")
def test_the_gopro_pairs_are_found():
    chosen = benchmarks.gopro_set(DATA / "gopro_pairs")
    assert len(chosen.items) == 16
    sample = chosen.items[0].make()
    assert sample.blurred.shape == sample.sharp.shape == (1, 3, 720, 1280)


@pytest.mark.skipif(not (DATA / "levin").is_dir(), reason="Levin's files are not here; set DEBLUR_DATA")
@pytest.mark.filterwarnings("ignore:.*of 32 files; missing")
def test_the_true_kernel_helps_on_levins_photographs():
    chosen = benchmarks.levin_set(DATA / "levin")
    two = picture_sets.TestSet(chosen.name, chosen.description, chosen.items[:2])
    found = benchmarks.table(["blurred", "oracle"], images=two, metrics=["psnr"])
    assert found.mean("oracle", "psnr").mean > found.mean("blurred", "psnr").mean + 3
