"""The command line: what it writes, and that whatever goes wrong is one sentence, exit code 2, and nothing written."""

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from deblurlib import blur, images, metrics
from deblurlib.cli import app
from deblurlib.cli.methods import CLASSICAL
from deblurlib.networks import UNetGenerator, save_weights, shipped_names

COMMAND = (sys.executable, "-m", "deblurlib.cli")


@pytest.fixture(scope="module")
def material(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of good and bad files."""
    folder = tmp_path_factory.mktemp("material")
    x = images.bundled("coffee")[..., 100:148, 200:264]
    grey = x.mean(dim=1, keepdim=True)
    images.save(folder / "photo.png", x)
    images.save(folder / "photo.jpg", x)
    images.save(folder / "scene.png", images.bundled("coffee")[..., 160:288, 320:480])
    images.save(folder / "grey.png", grey)
    images.save(folder / "deep.tif", x, bits=16)
    images.save(folder / "deep.png", grey, bits=16)
    images.save(folder / "small.png", x[..., :9, :9])
    blur.save_kernel(folder / "kernel.png", blur.disk(2.0))
    blur.save_kernel(folder / "large.png", blur.gaussian(65, 9.0))
    images.save(folder / "flat.png", torch.full((1, 1, 48, 48), 0.5))
    images.save(folder / "black.png", torch.zeros(1, 1, 5, 5))
    Image.new("RGB", (1, 1)).save(folder / "pixel.png")
    (folder / "text.png").write_text("not an image")
    (folder / "empty.png").touch()
    (folder / "truncated.png").write_bytes((folder / "photo.png").read_bytes()[:800])
    (folder / "folder.png").mkdir()
    save_weights(folder / "generator.safetensors", UNetGenerator(width=4))
    save_weights(folder / "grey.safetensors", UNetGenerator(width=4, channels=1))
    (folder / "pickled.safetensors").write_bytes(pickle.dumps({"weight": 1}))
    (folder / "truncated.safetensors").write_bytes((folder / "generator.safetensors").read_bytes()[:500])
    save_file({"weight": torch.zeros(1)}, folder / "foreign.safetensors")
    (folder / "broken.toml").write_text("steps = ")
    (folder / "unknown.toml").write_text("stepps = 3")
    (folder / "wrong.toml").write_text("crop = -3")
    settings = "steps = 4, batch = 2, crop = 24, kernels = 4, width = 4, levels = 1, checkpoint_every = 2"
    (folder / "small.toml").write_text(settings.replace(", ", "\n") + '\nprecision = "float32"')
    return folder


@pytest.fixture
def here(material: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder, in which `in` is the material."""
    (tmp_path / "in").symlink_to(material)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(command: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, command.split(), prog_name="deblurlib")
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


def good(command: str) -> str:
    code, out, err = run(command)
    assert (code, err) == (0, ""), err
    return out


def contents(folder: Path) -> dict[str, bytes | None]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else None
        for path in [*folder.rglob("*"), *(folder / "in").rglob("*")]
    }


GENERATOR = "--method in/generator.safetensors"


class TestDeblur:
    @pytest.mark.parametrize("name", ["photo.png", "photo.jpg", "grey.png", "deep.tif", "deep.png", "small.png"])
    def test_keeps_size_channels_and_depth(self, name: str, here: Path) -> None:
        assert good(f"deblur in/{name} -o out-{name} {GENERATOR}") == f"Wrote out-{name}.\n"
        assert images.load(f"out-{name}").shape == images.load(f"in/{name}").shape
        if name != "photo.jpg":  # the generator is fresh: it hands back its input, to the last bit of its file
            assert torch.equal(images.load(f"out-{name}"), images.load(f"in/{name}"))

    @pytest.mark.parametrize("method", CLASSICAL)
    @pytest.mark.parametrize("noise", ["", "--noise 0.003"])
    def test_a_known_kernel_is_undone(self, method: str, noise: str, here: Path) -> None:
        good("blur in/scene.png -o blurred.png --kind disk --size 5 --noise 0.003 --save-kernel k.png")
        good(f"deblur blurred.png -o out.png --method {method} --kernel k.png {noise}")
        before = json.loads(good("score blurred.png in/scene.png --json"))
        after = json.loads(good("score out.png in/scene.png --json"))
        assert after["psnr"] > before["psnr"] + 1

    def test_several_photographs_go_into_a_folder(self, here: Path) -> None:
        out = good(f"deblur in/photo.png in/photo.jpg in/deep.tif -o new {GENERATOR}")
        assert out == "3 photographs deblurred into new.\n"
        assert sorted(path.name for path in Path("new").iterdir()) == ["deep.tif", "photo.jpg", "photo.png"]

    def test_one_photograph_goes_into_a_folder_that_is_named_so(self, here: Path) -> None:
        for _ in range(2):  # new the first time
            good(f"deblur in/photo.png -o new/ {GENERATOR} --force")
        good(f"deblur in/grey.png -o new {GENERATOR}")
        assert sorted(path.name for path in Path("new").iterdir()) == ["grey.png", "photo.png"]

    def test_a_format_that_is_only_read_becomes_png(self, here: Path) -> None:
        Image.open("in/photo.png").save("photo.bmp")
        good(f"deblur photo.bmp in/grey.png -o new {GENERATOR}")
        assert sorted(path.name for path in Path("new").iterdir()) == ["grey.png", "photo.png"]

    def test_force_overwrites(self, here: Path) -> None:
        Path("out.png").write_text("old")
        good(f"deblur in/photo.png -o out.png {GENERATOR} --force")
        assert images.load("out.png").shape == (1, 3, 48, 64)

    def test_the_folder_of_a_run_is_a_method(self, here: Path) -> None:
        good("deblur in/photo.png -o out.png --method in")

    def test_an_unknown_kernel_is_found(self, here: Path) -> None:
        good("blur in/scene.png -o blurred.png --kind linear_motion --size 9 --angle 30 --save-kernel k.png")
        good("estimate-kernel blurred.png -o found.png --method l0_gradient --kernel-size 13")
        true, found = blur.load_kernel("k.png"), blur.load_kernel("found.png")
        assert found.shape == (1, 1, 13, 13)
        assert metrics.kernel_similarity(found, true) > 0.8
        code, out, err = run("deblur blurred.png -o out.png --method l0_gradient --window 100")
        assert (code, out) == (0, "Wrote out.png.\n")
        assert "a guess from the photograph" in err
        assert "window of 100x100 pixels" in err
        assert images.load("out.png").shape == images.load("in/scene.png").shape

    @pytest.mark.skipif("pretrained" not in shipped_names(), reason="no generator ships")
    def test_works_with_no_options(self, here: Path) -> None:
        good("blur in/photo.png -o blurred.png --size 17")
        good("deblur blurred.png -o out.png")
        assert images.load("out.png").shape == (1, 3, 48, 64)


class TestBlur:
    @pytest.mark.parametrize("kind", ["camera_shake", "linear_motion", "gaussian", "disk"])
    def test_the_kernel_that_it_saves_is_the_one_that_it_used(self, kind: str, here: Path) -> None:
        good(f"blur in/deep.tif -o out.tif --kind {kind} --size 9 --seed 4 --save-kernel k.png")
        expected = blur.Blur(blur.load_kernel("k.png"), "reflect")(images.load("in/deep.tif"))
        assert float((images.load("out.tif") - expected).abs().max()) < 1e-4

    def test_the_seed_decides(self, here: Path) -> None:
        for name, seed in (("a", 1), ("b", 1), ("c", 2)):
            good(f"blur in/photo.png -o {name}.png --noise 0.02 --seed {seed}")
        assert Path("a.png").read_bytes() == Path("b.png").read_bytes() != Path("c.png").read_bytes()


class TestScore:
    def test_prints_a_table(self, here: Path) -> None:
        lines = good("score in/photo.jpg in/photo.png").splitlines()
        assert re.fullmatch(r"PSNR +\d\d\.\d\d  dB", lines[0])
        assert re.fullmatch(r"SSIM +0\.\d{4}", lines[1])
        assert re.fullmatch(r"VIF +-  needs at least 72x72 pixels", lines[4])
        assert "infinite" in good("score in/photo.png in/photo.png")

    def test_prints_json_and_csv(self, here: Path) -> None:
        scores = json.loads(good("score in/photo.png in/photo.png --json"))
        assert list(scores) == ["psnr", "ssim", "ms_ssim", "ifc", "vif", "vif_pixel", "niqe"]
        assert (scores["psnr"], scores["ssim"], scores["vif"]) == (None, 1.0, None)
        assert scores["vif_pixel"] == pytest.approx(1)
        header, values = good("score in/photo.jpg in/photo.png --csv").splitlines()
        assert header == "psnr,ssim,ms_ssim,ifc,vif,vif_pixel,niqe"
        assert re.fullmatch(r"\d\d\.\d+,0\.\d+,,,,0\.\d+,", values)

    def test_can_align_first(self, here: Path) -> None:
        x = images.load("in/scene.png")
        images.save("a.png", x[..., 2:112, 3:133])
        images.save("b.png", x[..., :110, :130])
        lie, moved = (json.loads(good(f"score a.png b.png --json {more}")) for more in ("", "--align 4"))
        assert moved["vif"] > 2 * lie["vif"]

    def test_scores_folders(self, here: Path) -> None:
        Path("a").mkdir()
        Path("b").mkdir()
        x = images.load("in/scene.png")
        for i in range(3):
            images.save(f"a/{i}.jpg", x.flip(-1) if i == 1 else x)
            images.save(f"b/{i}.png", x)
        rows = json.loads(good("score a b --json"))
        assert list(rows) == ["0.jpg", "1.jpg", "2.jpg"]
        assert rows["0.jpg"] == rows["2.jpg"]
        assert rows["1.jpg"]["vif"] < rows["0.jpg"]["vif"]
        table = good("score a b").splitlines()
        assert table[0].split()[:2] == ["PSNR", "SSIM"] and table[-1].split()[0] == "mean"
        assert good("score a b --csv").splitlines()[0].startswith("photograph,psnr,ssim")
        for command, message in (
            ("score b a/1.jpg", "a/1.jpg is no folder"),
            ("score in b", "b has no reference of black.png and of"),
            ("score a b --csv --json", "choose one"),
        ):
            assert message in run(command)[2]
        Path("c").mkdir()
        assert "c holds no photographs" in run("score c b")[2]
        images.save("b/1.png", x[..., 1:], overwrite=True)
        assert "a/1.jpg: restored has shape" in run("score a b")[2]


class TestTrain:
    def test_trains_scores_and_resumes(self, here: Path) -> None:
        code, out, err = run("train --config in/small.toml -o run")
        assert code == 0 and "Traceback" not in err
        assert re.search(r"Held out: [+-]\d\.\d\d dB over the blurred input \(16 crops", out), out
        good("deblur in/photo.png -o out.png --method run/generator.safetensors")
        assert json.loads(Path("run/config.json").read_text())["steps"] == 4
        before = load_file("run/generator.safetensors")
        assert run("train --resume run")[0] == 0
        after = load_file("run/generator.safetensors")
        assert all(torch.equal(after[name], before[name]) for name in before | after)

    def test_a_system_comes_with_the_settings_of_its_paper(self, here: Path) -> None:
        small = " ".join(f"--set {name}" for name in ("width=4", "levels=1", "crop=40", "batch=2", "kernels=4"))
        code, _, err = run(f"train --set system=pix2pix --set content_weight=7 {small} --steps 1 --samples 0 -o run")
        assert code == 0, err
        settings = json.loads(Path("run/config.json").read_text())
        assert (settings["adversarial"], settings["content"]) == ("cross_entropy", "l1")
        assert settings["content_weight"] == 7

    def test_options_go_over_the_file(self, here: Path) -> None:
        Path("sharp").mkdir()
        images.save("sharp/a.png", images.bundled("coffee"))
        code, _, err = run("train --config in/small.toml --steps 1 --photographs sharp")
        assert code == 0, err
        settings = json.loads(Path("runs/regression/config.json").read_text())
        assert settings["steps"] == 1 and settings["photographs"] == str(Path("sharp").resolve())

    def test_an_interrupted_run_says_how_to_go_on(self, here: Path) -> None:
        command = [*COMMAND, "train", "--config", "in/small.toml", "--steps", "100000", "-o", "run"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(1200):
            if Path("run/checkpoint.safetensors").exists():
                break
            time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert "deblurlib train --resume run" in err and "Traceback" not in err
        assert not [path for path in Path("run").iterdir() if path.name.startswith(".")]


BAD = {
    "in/missing.png -o o.png": "in/missing.png: there is no such file",
    "in/text.png -o o.png": "in/text.png is not a readable image",
    "in/empty.png -o o.png": "in/empty.png is not a readable image",
    "in/truncated.png -o o.png": "in/truncated.png is not a readable image",
    "in/folder.png -o o.png": "in/folder.png is a directory",
    "in/pixel.png -o o.png": "in/pixel.png: 1x1 pixels are too few",
    "in/photo.png -o in/grey.png": "in/grey.png exists already",
    "in/photo.png -o nowhere/o.png": "the folder nowhere does not exist",
    "in/photo.png -o o.gif": "cannot write '.gif'",
    "in/photo.png -o o": "cannot write ''",
    "in/photo.png in/text.png -o new": "in/text.png is not a readable image",
    "in/photo.png in/grey.png -o in": "in/photo.png exists already",
    "in/photo.png in/grey.png -o in/small.toml": "in/small.toml is a file",
    "in/photo.png in/grey.png -o no/where": "the folder no does not exist",
    "in/photo.png in/photo.png -o new": "two of the photographs have this name",
    "in/text.png -o new/": "in/text.png is not a readable image",
    "in/photo.png -o o.png --method magic": "unknown 'magic', expected one of",
    "in/photo.png -o o.png --method in/missing.safetensors": "in/missing.safetensors: neither a weights file nor",
    "in/photo.png -o o.png --method in/pickled.safetensors": "Pickled weights are refused",
    "in/photo.png -o o.png --method in/truncated.safetensors": "not a readable safetensors file",
    "in/photo.png -o o.png --method in/foreign.safetensors": "holds no generator of this library",
    "in/photo.png -o o.png --method in/grey.safetensors": "The generator is for images of 1 channels",
    "in/photo.png -o o.png --method in/photo.png": "not a readable safetensors file",
    "in/photo.png -o o.png --method in/folder.png": "in/folder.png/generator.safetensors: neither",
    "in/photo.png -o o.png --method wiener": "give an image of the kernel with --kernel",
    "in/photo.png -o o.png --method wiener --kernel in/missing.png": "in/missing.png: there is no such file",
    "in/photo.png -o o.png --method wiener --kernel in/text.png": "in/text.png is not a readable image",
    "in/photo.png -o o.png --method wiener --kernel in/black.png": "in/black.png: the image is black",
    "in/photo.png -o o.png --method wiener --kernel in/large.png": "65x65 is larger than the image, 48x64",
    "in/photo.png -o o.png --method tikhonov --kernel in/large.png": "65x65 is larger than the image, 48x64",
    "in/photo.png -o o.png --method richardson_lucy --kernel in/large.png": "65x65 is larger than the image",
    "in/photo.png -o o.png --method wiener --kernel in/kernel.png --noise 0": "above 0 and at most 1, got 0.0",
    "in/photo.png -o o.png --method wiener --kernel in/kernel.png --noise nan": "got nan",
    "in/photo.png -o o.png --method hyper_laplacian --kernel in/kernel.png --noise 2": "at most 1, got 2.0",
    "in -o out": "in is a directory, expected image files: name them, as in/*.jpg does",
    f"in/photo.png -o o.png {GENERATOR} --kernel in/kernel.png": "--kernel goes with richardson_lucy",
    f"in/photo.png -o o.png {GENERATOR} --noise 0.1": "--noise goes with richardson_lucy",
}
BAD = {f"deblur {command}" + ("" if "--method" in command else f" {GENERATOR}"): said for command, said in BAD.items()}
BAD |= {
    "blur in/text.png -o o.png": "in/text.png is not a readable image",
    "blur in/photo.png -o in/grey.png": "in/grey.png exists already",
    "blur in/photo.png -o in": "in is a directory",
    "blur in/photo.png -o o.png --save-kernel in/kernel.png": "in/kernel.png exists already",
    "blur in/photo.png -o o.png --save-kernel k.jpg": "a kernel is kept as .png",
    "blur in/photo.png -o o.png --save-kernel o.png": "need a file each",
    "blur in/photo.png -o o.png --kind wobble": "kind: unknown 'wobble', expected one of camera_shake",
    "blur in/photo.png -o o.png --size 30": "expected a positive odd number, got 30",
    "blur in/photo.png -o o.png --size 49": "size: 49 pixels are more than the photograph has, 48x64",
    "blur in/photo.png -o o.png --kind disk --size 0": "expected a number above 0",
    "blur in/photo.png -o o.png --kind linear_motion --size -1": "length: expected a number of at least 0",
    "blur in/photo.png -o o.png --kind linear_motion --angle nan": "angle: expected",
    "blur in/photo.png -o o.png --noise -1": "sigma: expected a number of at least 0",
    "deblur in/photo.png -o o.png --method l0_gradient --kernel in/kernel.png": "l0_gradient finds the kernel itself",
    "deblur in/photo.png -o o.png --method wiener --kernel in/kernel.png --kernel-size 9": "--kernel-size goes with",
    "deblur in/photo.png -o o.png --method l0_gradient --kernel-size 8": "odd number, got 8",
    "deblur in/flat.png -o o.png --method l0_gradient --kernel-size 9": "without edges no kernel can be seen",
    "estimate-kernel in/photo.png -o o.png --kernel-size 49": "49 is larger than the photograph, 48x64",
    "estimate-kernel in/photo.png -o o.png --method magic": "unknown 'magic', expected one of",
    "estimate-kernel in/photo.png -o o.jpg --kernel-size 9": "a kernel is kept as .png",
    "estimate-kernel in/missing.png -o o.png": "in/missing.png: there is no such file",
    "benchmark levin --data in/missing": "in/missing is no folder",
    "benchmark levin --data in/folder.png": "holds none of Levin's files",
    "benchmark levin --data in --methods magic": "unknown 'magic', expected one of",
    "benchmark levin --data in --jobs 0": "jobs: expected a whole number of at least 1, got 0",
    "benchmark levin --data in --json --csv": "choose one of them",
    "score in/photo.png in/missing.png": "in/missing.png: there is no such file",
    "score in/photo.png in/small.png": "restored has shape (1, 3, 48, 64), reference has (1, 3, 9, 9)",
    "score in/small.png in/small.png": "fewer than its window",
    "train --config in/missing.toml": "in/missing.toml: there is no such configuration file, and recipes that ship are",
    "train --set stepps=3": "setting: unknown 'stepps', expected one of",
    "train --data film": "data: unknown 'film'",
    "train --data pairs": "data = 'pairs' needs a folder with blur/ and sharp/ in it",
    "train --photographs in --data pairs -o run": "expected the folders blur/ and sharp/ in it, found no blur/",
    "train --start in/missing.safetensors": "there is no such weights file",
    "train --devices 0": "devices, nodes: expected positive numbers",
    "train --config in/broken.toml": "in/broken.toml is not readable as TOML",
    "train --config in/unknown.toml": "unknown 'stepps', expected one of",
    "train --config in/wrong.toml": "crop: expected",
    "train --steps 0": "steps: expected",
    "train --photographs missing -o run": "there is no such folder of photographs",
    "train --photographs in/folder.png -o run": "holds no images",
    "train -o in": "in holds other files than those of a run",
    "train -o in/photo.png": "in/photo.png is a file",
    "train --resume in": "in is not the folder of a run",
    "train --resume missing": "missing is not the folder of a run",
    "train --resume in --steps 9": "leave out --steps",
}


@pytest.mark.parametrize("command", BAD)
def test_bad_input_ends_in_one_sentence(command: str, here: Path) -> None:
    before = contents(here)
    code, out, err = run(command)
    assert (code, out) == (2, "")
    assert BAD[command] in err
    assert err.startswith("deblurlib: ") and err.count("\n") == 1
    assert contents(here) == before


@pytest.mark.parametrize(
    "command", ["", "sharpen", "deblur in/photo.png", "blur -o o.png", "blur a b", "train --steps x"]
)
def test_wrong_usage_ends_with_code_2(command: str, here: Path) -> None:
    assert run(command)[0] == 2


def real(*arguments: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *arguments], cwd=folder, env=os.environ | environment, text=True, capture_output=True, check=False
    )


def test_a_real_process_says_one_sentence(here: Path) -> None:
    done = real("deblur", "in/text.png", "-o", "o.png", "--method", "in/generator.safetensors", folder=here)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "deblurlib: in/text.png is not a readable image: no image format is recognised\n"


def test_an_unknown_scale_is_a_sentence(here: Path) -> None:
    done = real("doctor", folder=here, DEBLUR_SCALE="huge")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "deblurlib: DEBLUR_SCALE: unknown 'huge', expected one of pocket, full, auto.\n"


@pytest.mark.parametrize("option", ["--help", "--version"])
def test_help_and_version_do_not_wait_for_torch(option: str) -> None:
    code = f"import sys; sys.argv = ['deblurlib', {option!r}]\nfrom deblurlib.cli import main\n"
    code += "try:\n main()\nexcept SystemExit as end:\n sys.exit(end.code or int('torch' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "deblurlib" in done.stdout


def test_the_doctor_reports() -> None:
    assert re.match(r"scale +(pocket|full) \(", good("doctor"))


def test_the_message_of_the_operating_system_is_kept_short(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", "out.png")

    monkeypatch.setattr(images, "save", refuse)
    code, _, err = run(f"deblur in/photo.png -o out.png {GENERATOR}")
    assert (code, err) == (2, "deblurlib: out.png: Permission denied\n")


def test_too_little_memory_is_a_sentence(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        error = torch.OutOfMemoryError("CUDA out of memory.\nTried to allocate 20 GiB.")
        error.add_note("Make it smaller.")
        raise error

    monkeypatch.setattr(images, "load", full)
    code, _, err = run(f"deblur in/photo.png -o out.png {GENERATOR}")
    assert (code, err) == (2, "deblurlib: CUDA out of memory. Tried to allocate 20 GiB. Make it smaller.\n")


def test_a_bug_is_not_hidden(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not the reader's mistake keeps its traceback."""

    def bug(*_: object) -> None:
        raise RuntimeError("a bug of ours, or torch's")

    monkeypatch.setattr(images, "load", bug)
    with pytest.raises(RuntimeError):
        run(f"deblur in/photo.png -o out.png {GENERATOR}")
