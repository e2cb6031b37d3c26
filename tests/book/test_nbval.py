"""nbval has holes: notebooks that must fail, and pass. `book/conftest.py` closes them.

Each notebook here is broken in one way. It passes without the conftest, which shows that the hole is there,
and fails with it.
"""

import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output

pytestmark = pytest.mark.xdist_group("nbval")  # its notebooks are run once, not once in each worker

CONFTEST = Path(__file__).resolve().parents[2] / "book" / "conftest.py"


def stored(source: str, *outputs: nbformat.NotebookNode, tags: list[str] | None = None) -> nbformat.NotebookNode:
    """A code cell that was run and kept its outputs."""
    return new_code_cell(source, outputs=list(outputs), execution_count=1, metadata={"tags": tags or []})


def stripped(source: str, *tags: str) -> nbformat.NotebookNode:
    return new_code_cell(source, metadata={"tags": list(tags)})


HELLO = new_output("stream", name="stdout", text="hello\n")
OTHER_PICTURE = new_output("display_data", data={"image/png": "bm90IGEgcGljdHVyZQ==", "text/plain": "<picture>"})
DRAW = """\
from IPython.display import publish_display_data
publish_display_data({"image/png": "aGVsbG8=", "text/plain": "<picture>"})"""

BROKEN = {
    # A shell cell that runs out of time passes, and what comes after it is 'expected to fail'.
    "shell_runs_out_of_time": [stripped("!sleep 60"), stripped("1 / 0")],
    "last_cell_runs_out_of_time": [stripped("1 + 1"), stripped("!sleep 60")],
    # A stripped notebook is compared with nothing.
    "nothing_to_compare_with": [stripped("print('anything')", "nbval-check-output")],
    # Pictures are not compared.
    "another_picture": [stored(DRAW, OTHER_PICTURE, tags=["nbval-check-output"])],
    # A marker behind code is not read.
    "marker_behind_code": [stored("print('goodbye')  # NBVAL_CHECK_OUTPUT", HELLO)],
    # A cell that is to show an error shows none.
    "error_that_is_gone": [stripped("1 + 1", "raises-exception")],
}
SOUND = {
    "sound": [stripped("x = 1"), stripped("assert x == 1"), stripped("1 / 0", "raises-exception")],
    "sound_output": [stored("# NBVAL_CHECK_OUTPUT\nprint('hello')", HELLO)],
}


def write(folder: Path, notebooks: dict[str, list[nbformat.NotebookNode]]) -> None:
    for name, cells in notebooks.items():
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), folder / f"{name}.ipynb")


def run_nbval(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-c", os.devnull, "--rootdir", str(folder), "-p", "no:cacheprovider"]
    command += ["-p", "no:timeout", "--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout", "2", "--junitxml"]
    command += [str(folder / "report.xml"), *options, str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=200)


def verdicts(folder: Path) -> dict[str, bool]:
    """Of each notebook: did all its cells pass?"""
    passed: dict[str, bool] = {}
    for case in ET.parse(folder / "report.xml").iter("testcase"):
        name = case.get("classname", "").removesuffix(".ipynb")
        bad = case.find("failure") is not None or case.find("error") is not None
        passed[name] = passed.get(name, True) and not bad
    return passed


@pytest.fixture(scope="module", params=[False, True], ids=["open", "closed"])
def closed(request: pytest.FixtureRequest) -> bool:
    return request.param


@pytest.fixture(scope="module")
def outcome(closed: bool, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bool]:
    folder = tmp_path_factory.mktemp("closed" if closed else "open")
    write(folder, BROKEN | SOUND)
    if closed:
        (folder / "conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"), encoding="utf-8")
    result = run_nbval(folder)
    assert result.returncode == (1 if closed else 0), result.stdout[-3000:] + result.stderr[-2000:]
    return verdicts(folder)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_notebook_fails_only_with_the_conftest(name: str, outcome: dict[str, bool], closed: bool) -> None:
    assert outcome[name] is not closed


@pytest.mark.parametrize("name", SOUND)
def test_sound_notebook_passes(name: str, outcome: dict[str, bool]) -> None:
    assert outcome[name]


def test_cells_of_one_notebook_stay_in_one_kernel(tmp_path: Path) -> None:
    """Plain `-n 2` deals the cells out to two kernels; the conftest refuses to."""
    write(tmp_path, {"one": [stripped("x = 1"), *(stripped("x += 1") for _ in range(5))]})
    assert run_nbval(tmp_path, "-n", "2").returncode == 1
    (tmp_path / "conftest.py").write_text(CONFTEST.read_text(encoding="utf-8"), encoding="utf-8")
    refused = run_nbval(tmp_path, "-n", "2")
    assert refused.returncode == pytest.ExitCode.USAGE_ERROR
    assert "--dist loadfile" in refused.stderr
