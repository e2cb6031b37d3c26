"""Copies of all chapters without their solutions, to hand out: `python tools/handouts.py FOLDER`.

What lies between a solution's start and its end is left out; stubs, checkers and hints stay as they are.
"""

import sys
from pathlib import Path

import nbformat

START, END = "{solution-start}", "{solution-end}"


def without_solutions(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook less the cells from each ``solution-start`` to its ``solution-end``."""
    kept, inside = [], False
    for cell in notebook.cells:
        marker = cell.source if cell.cell_type == "markdown" else ""
        inside = inside or START in marker
        if not inside:
            kept.append(cell)
        inside = inside and END not in marker
    if inside:
        raise SystemExit(f"a solution starts and does not end: no cell after it holds {END}")
    notebook.cells = kept
    return notebook


def write(book: Path, folder: Path) -> list[Path]:
    """Write a hand-out of each notebook under ``book`` into ``folder``, in the same order of folders."""
    written = []
    for path in sorted(book.rglob("*.ipynb")):
        if any(part.startswith(".") for part in path.relative_to(book).parts):
            continue
        target = folder / path.relative_to(book)
        if target.exists():
            raise SystemExit(f"{target} exists already; name an empty folder")
        target.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(without_solutions(nbformat.read(path, as_version=4)), target)
        written.append(target)
    return written


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit("Usage: python tools/handouts.py FOLDER")
    for path in write(Path(__file__).resolve().parent.parent / "book", Path(sys.argv[1])):
        print(path)
