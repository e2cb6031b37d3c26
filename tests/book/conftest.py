"""The chapters and the built pages, as the tests of this folder see them."""

from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Chapter:
    name: str
    path: Path
    notebook: nbformat.NotebookNode

    def cells(self, kind: str, tag: str | None = None) -> list[nbformat.NotebookNode]:
        return [
            cell
            for cell in self.notebook.cells
            if cell.cell_type == kind and (tag is None or tag in cell.metadata.get("tags", []))
        ]

    @property
    def text(self) -> str:
        return "\n\n".join(cell.source for cell in self.cells("markdown"))


def toc_files() -> list[str]:
    """Every page that _toc.yml lists, without its suffix."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))

    def files(entry: dict) -> list[str]:
        below = [name for child in entry.get("chapters", []) + entry.get("sections", []) for name in files(child)]
        return [entry["file"], *below] if "file" in entry else below

    return [toc["root"], *(name for part in toc["parts"] for name in files(part))]


def chapters() -> list[Chapter]:
    paths = [ROOT / f"{name}.ipynb" for name in toc_files()]
    return [
        Chapter(path.relative_to(ROOT).as_posix(), path, nbformat.read(path, as_version=4))
        for path in paths
        if path.exists()
    ]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "chapter" in metafunc.fixturenames:
        metafunc.parametrize("chapter", chapters(), ids=lambda chapter: chapter.name)


@pytest.fixture(scope="session")
def site() -> Path:
    """The built book; `make book` builds it."""
    site = ROOT / "_build" / "html"
    if not (site / "index.html").exists():
        pytest.skip("the book is not built: make book")
    return site
