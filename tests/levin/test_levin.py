"""Levin's benchmark on files made up here, and on the real ones where they are."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.io import savemat

from deblurlib import benchmarks, blur, deconvolution, images
from deblurlib.benchmarks import levin_files
from deblurlib.benchmarks.levin import score_photograph

tikhonov = deconvolution.tikhonov

HOOK = torch.zeros(1, 1, 5, 5)
HOOK[..., 1, 1:4] = 0.2
HOOK[..., 1:4, 3] = 0.2
HOOK = HOOK / HOOK.sum()


def truth(_blurred, _size):
    return HOOK


def point(_blurred, _size):
    return blur.delta(5)


@pytest.fixture(scope="session")
def data(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("levin")
    for i, name in enumerate(("camera", "astronaut"), start=1):
        x = images.bundled(name)[:, :1, 60:200, 80:220]
        y = blur.Blur(HOOK, "valid")(x)
        savemat(
            folder / f"im0{i}_ker01.mat",
            {
                "x": x[0, 0, 2:-2, 2:-2].double().numpy(),
                "y": y[0, 0].double().numpy(),
                "f": HOOK[0, 0].flip(-1, -2).double().numpy(),
            },
        )
    return folder


pytestmark = pytest.mark.filterwarnings("ignore:.*of 32 files; missing")


def test_the_kernel_is_turned_into_a_convolution_kernel(data):
    photograph = levin_files.read(data / "im01_ker01.mat")
    assert torch.allclose(photograph.kernel, HOOK)
    again = blur.Blur(photograph.kernel, "valid")(photograph.sharp)
    assert (again - photograph.blurred[..., 2:-2, 2:-2]).abs().max() < 1e-5


def test_the_truth_has_ratio_one_and_a_point_has_more(data):
    table = benchmarks.levin(data, {"truth": truth, "point": point}, finish=tikhonov)
    by = {(r.method, r.photograph): r.error_ratio for r in table.rows}
    assert by["truth", "im01_ker01"] == pytest.approx(1)
    assert by["point", "im01_ker01"] > 2
    lines = table.summary()
    assert [line.method for line in lines] == ["truth", "point"]
    assert lines[0].success == 1
    assert lines[1].mean == pytest.approx(np.mean([by["point", f"im0{i}_ker01"] for i in (1, 2)]))
    assert "truth" in str(table)
    assert "im02_ker01" in table.per_photograph()
    assert "100%" in table.success_curve()


def test_it_goes_on_where_it_stopped(data, tmp_path):
    calls = []

    def counted(blurred, size):
        calls.append(size)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return HOOK

    with pytest.raises(KeyboardInterrupt):
        benchmarks.levin(data, {"counted": counted}, out=tmp_path, finish=tikhonov)
    assert len(list((tmp_path / "rows").glob("counted-*.json"))) == 1
    table = benchmarks.levin(data, {"counted": counted}, out=tmp_path, finish=tikhonov)
    assert len(calls) == 3
    assert len(table.rows) == 2
    assert benchmarks.levin(data, {"counted": counted}, out=tmp_path, finish=tikhonov).rows == table.rows
    assert len(calls) == 3
    saved = json.loads((tmp_path / "levin.json").read_text())
    assert [row["error_ratio"] for row in saved["rows"]] == [row.error_ratio for row in table.rows]
    assert len((tmp_path / "levin.csv").read_text().splitlines()) == 3
    assert images.load(tmp_path / "levin.png").shape[-1] == 2 * (5 * 4 + 6)
    with pytest.raises(ValueError, match="another final step"):
        benchmarks.levin(data, {"counted": counted}, out=tmp_path)


def test_several_processes_give_the_same_table(data):
    one = benchmarks.levin(data, ["l0_gradient"], finish=deconvolution.tikhonov)
    two = benchmarks.levin(data, ["l0_gradient"], finish=deconvolution.tikhonov, jobs=2)
    assert [(r.method, r.photograph) for r in one.rows] == [(r.method, r.photograph) for r in two.rows]
    assert [r.error_ratio for r in one.rows] == pytest.approx([r.error_ratio for r in two.rows], rel=1e-4)


def test_foreign_and_broken_files_are_named(data, tmp_path):
    for path in data.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "other.mat").write_bytes(b"x")
    with pytest.raises(ValueError, match=r"other\.mat: not of Levin's benchmark"):
        benchmarks.levin(tmp_path, {"truth": truth}, finish=tikhonov)
    (tmp_path / "im03_ker02.mat").write_bytes(b"nothing")
    with pytest.warns(UserWarning, match="im03_ker02") as said:
        table = benchmarks.levin(tmp_path, {"truth": truth}, finish=tikhonov, skip=True)
    assert any("other.mat" in str(w.message) for w in said)
    assert len(table.rows) == 2
    (tmp_path / "other.mat").unlink()
    with pytest.raises(ValueError, match=r"im03_ker02\.mat: not a readable MATLAB file"):
        benchmarks.levin(tmp_path, {"truth": truth}, finish=tikhonov)
    savemat(tmp_path / "im03_ker02.mat", {"x": np.zeros((4, 4))})
    with pytest.raises(ValueError, match="has no y, f"):
        benchmarks.levin(tmp_path, {"truth": truth}, finish=tikhonov)


def test_missing_files_are_named(data, tmp_path):
    with pytest.warns(UserWarning, match="2 of 32 files; missing: im01_ker02"):
        levin_files.find(data)
    with pytest.raises(FileNotFoundError, match="holds none"):
        benchmarks.levin(tmp_path)
    with pytest.raises(FileNotFoundError, match="is no folder"):
        benchmarks.levin(tmp_path / "nowhere")
    with pytest.raises(ValueError, match="unknown 'magic'"):
        benchmarks.levin(data, ["magic"])
    with pytest.raises(ValueError, match="jobs"):
        benchmarks.levin(data, jobs=0)


def test_the_names_of_the_authors_archive_count_pictures_from_five(data, tmp_path):
    (tmp_path / "im05_flit01.mat").write_bytes((data / "im01_ker01.mat").read_bytes())
    assert [levin_files.standard_name(p) for p in levin_files.find(tmp_path)] == ["im01_ker01"]
    (tmp_path / "im01_ker01.mat").write_bytes((data / "im01_ker01.mat").read_bytes())
    with pytest.raises(ValueError, match="there twice"):
        levin_files.find(tmp_path)


REAL = Path(os.environ.get("DEBLUR_DATA", Path(__file__).parents[3] / "shared" / "data")) / "levin"

ERRORS = {"im01_ker01": 33.23, "im02_ker03": 42.96, "im03_ker06": 10.05, "im04_ker04": 40.31}
"""Sums of squares of the authors' own restorations with the true kernels."""


@pytest.mark.skipif(not REAL.is_dir(), reason="Levin's files are not here; set DEBLUR_DATA")
@pytest.mark.parametrize("name", ERRORS)
def test_the_true_kernel_has_the_authors_error(name):
    photograph = levin_files.read(REAL / f"{name}.mat")
    row = next(score_photograph(photograph, {"truth": lambda _y, _size: photograph.kernel}))
    assert row.squared_error == pytest.approx(ERRORS[name], rel=0.01)


@pytest.mark.skipif(not REAL.is_dir(), reason="Levin's files are not here; set DEBLUR_DATA")
@pytest.mark.parametrize("name", ["im01_ker01", "im02_ker04"])
def test_l0_gradient_succeeds_on_real_shakes(name):
    row = next(score_photograph(levin_files.read(REAL / f"{name}.mat"), {"l0_gradient": None}))
    assert row.error_ratio < 2
