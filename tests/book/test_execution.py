"""The pages follow the library: an edit re-executes the chapters that import it, and no other.

Each test builds a toy book with a toy library. Jupyter's own cache keeps showing the old figure, which the first test
shows, so that the others have something to cure.
"""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from queue import Empty

import nbformat
import pytest
from book_kernel import in_slices
from book_store import Store
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

pytestmark = pytest.mark.xdist_group("execution")

EXTENSIONS = Path(__file__).resolve().parents[2] / "book" / "_ext"
OURS = 'extensions = ["myst_nb", "book_execution"]\nnb_execution_mode = "off"\n'
JUPYTER_CACHE = 'extensions = ["myst_nb"]\nnb_execution_mode = "cache"\n'
CHAPTERS = {
    "steps": "from deblurlib.steps import STEPS\nprint('steps', STEPS)",
    "weights": "from pathlib import Path\nprint(Path('deblurlib/w.bin').read_text())",
    "scale": "import os\nprint('scale', os.environ['DEBLUR_SCALE'])",
}


# Waits for another notebook that does the same.
MEET = """\
import time
from pathlib import Path

Path({mine!r}).touch()
start = time.monotonic()
while not Path({other!r}).exists():
    assert time.monotonic() - start < 30, "alone"
    time.sleep(0.1)
"""


class Book:
    def __init__(self, folder: Path, conf: str) -> None:
        self.folder = folder
        self.library = folder / "deblurlib"
        self.library.mkdir()
        (self.library / "__init__.py").write_text("")
        (self.library / "steps.py").write_text("STEPS = 30\n")
        (self.library / "unused.py").write_text("")
        (self.library / "w.bin").write_text("old weights")
        (folder / "requirements.lock").write_text("torch==1\n")
        self.configure(conf)
        for name, code in CHAPTERS.items():
            self.write(name, code)
        (folder / "index.md").write_text("# Toy\n\n```{toctree}\n" + "\n".join(CHAPTERS) + "\n```\n")

    def configure(self, conf: str) -> None:
        conf = f"import sys\nsys.path.insert(0, {str(EXTENSIONS)!r})\nexclude_patterns = ['_build']\n" + conf
        (self.folder / "conf.py").write_text(conf)

    def write(self, name: str, code: str, text: str = "") -> None:
        cells = [new_markdown_cell(f"# {name}\n\n{text}"), new_code_cell(code)]
        for number, cell in enumerate(cells):
            cell["id"] = f"cell-{number}"
        kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
        nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), self.folder / f"{name}.ipynb")

    def build(self, *options: str, scale: str = "pocket") -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "PYTHONPATH": str(self.folder), "DEBLUR_SCALE": scale, "NO_COLOR": "1"}
        command = [sys.executable, "-m", "sphinx", *options, str(self.folder), str(self.folder / "_build" / "html")]
        return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=200)

    def rebuild(self, **options: str) -> set[str]:
        """Build again; return the chapters that were executed."""
        result = self.build(**options)
        assert result.returncode == 0, result.stdout + result.stderr
        return {line.split()[1] for line in result.stdout.splitlines() if line.startswith("executed ")}

    def page(self, name: str) -> str:
        return (self.folder / "_build" / "html" / f"{name}.html").read_text(encoding="utf-8")


def test_without_ours_the_page_goes_stale(tmp_path: Path) -> None:
    book = Book(tmp_path, JUPYTER_CACHE)
    book.rebuild()
    (book.library / "steps.py").write_text("STEPS = 31\n")
    book.build("-E", "-a")  # even when every page is written afresh
    assert "steps 30" in book.page("steps")


def test_the_pages_follow_the_library(tmp_path: Path) -> None:
    book = Book(tmp_path, OURS)
    assert book.rebuild() == set(CHAPTERS)
    assert "steps 30" in book.page("steps") and "old weights" in book.page("weights")

    book.write("weights", CHAPTERS["weights"], text="A new sentence.")
    assert book.rebuild() == set(), "text is not code"
    assert "A new sentence." in book.page("weights") and "old weights" in book.page("weights")

    (book.library / "steps.py").write_text("STEPS = 31\n")
    assert book.rebuild() == {"steps"}, "only this chapter imports the module"
    assert "steps 31" in book.page("steps")


EDITS = {
    "nothing": (None, "", set()),
    "a module that one chapter imports": ("deblurlib/steps.py", "STEPS = 31", {"steps"}),
    "a module that no chapter imports": ("deblurlib/unused.py", "ANYTHING = 1", set()),
    "the weights that ship": ("deblurlib/w.bin", "new weights", {"steps", "weights"}),
    "new weights": ("deblurlib/w2.bin", "more weights", {"steps", "weights"}),
    "the lock": ("requirements.lock", "torch==2", {"steps", "weights"}),
    "the scale": (None, "full", {"steps", "weights"}),
}


@pytest.mark.parametrize("edit", EDITS)
def test_what_makes_a_stored_notebook_stale(edit: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same question asked of the store alone, without building."""
    monkeypatch.setenv("DEBLUR_SCALE", "pocket")
    Book(tmp_path, OURS)
    store = Store(tmp_path / "executed", tmp_path)
    sources = {"steps": ["deblurlib/__init__.py", "deblurlib/steps.py"], "weights": ["deblurlib/__init__.py"]}
    notebooks = {name: nbformat.read(tmp_path / f"{name}.ipynb", as_version=4) for name in sources}
    for name, notebook in notebooks.items():
        store.save(name, notebook, sources[name], seconds=1.0)

    path, text, expected = EDITS[edit]
    if path:
        (tmp_path / path).write_text(text)
    elif text:
        monkeypatch.setenv("DEBLUR_SCALE", text)
    stale = {name for name, notebook in notebooks.items() if store.current(name, notebook) is None}
    assert stale == expected


def test_a_chapter_that_fails_is_a_warning_and_is_tried_again(tmp_path: Path) -> None:
    book = Book(tmp_path, OURS)
    book.write("steps", "from deblurlib.steps import STEPS\nassert STEPS == 31, f'STEPS is {STEPS}'\nprint('fine')")
    failing = book.build("-W", "--keep-going")
    assert failing.returncode == 1
    assert "executing steps failed" in failing.stderr and "STEPS is 30" in failing.stderr
    assert book.build("-W", "--keep-going").returncode == 1, "a failure is not remembered as a result"
    (book.library / "steps.py").write_text("STEPS = 31\n")
    assert book.rebuild() == {"steps"}
    assert "fine" in book.page("steps")


def test_a_chapter_that_starts_processes_depends_on_the_whole_library(tmp_path: Path) -> None:
    book = Book(tmp_path, OURS)
    book.write("steps", "import sys\n!{sys.executable} -c 'from deblurlib.steps import STEPS; print(STEPS + 970)'")
    assert "steps" in book.rebuild()
    assert "1000" in book.page("steps")
    (book.library / "steps.py").write_text("STEPS = 31\n")
    assert book.rebuild() == {"steps"}
    assert "1001" in book.page("steps")


def test_chapters_are_executed_side_by_side(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BOOK_JOBS", "2")
    book = Book(tmp_path, OURS)
    book.write("steps", MEET.format(mine="a.here", other="b.here"))
    book.write("weights", MEET.format(mine="b.here", other="a.here"))
    book.write("scale", "1 + 1")
    assert book.build("-W").returncode == 0


def test_a_lost_wake_up_costs_no_five_minutes() -> None:
    """The reply is there, but the first wait for it does not notice."""
    waits = []

    async def get(timeout: float) -> str:
        waits.append(timeout)
        if len(waits) == 1:
            await asyncio.sleep(timeout)
            raise Empty
        return "reply"

    assert asyncio.run(in_slices(get, seconds=0.01)(timeout=300)) == "reply"
    assert waits == [0.01, 0.01]


def test_a_reply_that_does_not_come_is_still_an_error() -> None:
    async def get(timeout: float) -> str:
        await asyncio.sleep(timeout)
        raise Empty

    with pytest.raises(Empty):
        asyncio.run(in_slices(get, seconds=0.01)(timeout=0.05))
