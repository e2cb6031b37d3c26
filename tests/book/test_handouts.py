"""What is handed out to students holds the exercises and not their solutions, and runs without them."""

import ast
from pathlib import Path

import nbformat
import pytest
from handouts import END, START, without_solutions, write
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from .conftest import ROOT, Chapter, chapters


def test_solutions_are_left_out_and_nothing_else(chapter: Chapter) -> None:
    whole = nbformat.read(chapter.path, as_version=4)
    copy = without_solutions(nbformat.read(chapter.path, as_version=4))
    nbformat.validate(copy)
    text = "\n".join(cell.source for cell in copy.cells)
    assert START not in text and END not in text
    gone = [cell for cell in whole.cells if cell.id not in {kept.id for kept in copy.cells}]
    assert {cell.cell_type for cell in gone if "solution" not in cell.metadata.get("tags", [])} <= {"markdown"}
    assert not [cell for cell in copy.cells if "solution" in cell.metadata.get("tags", [])]
    kept = [tag for cell in copy.cells for tag in cell.metadata.get("tags", []) if tag in ("exercise", "check")]
    assert kept == ["exercise", "check"] * (len(kept) // 2)


def test_hand_out_runs_without_the_solutions(chapter: Chapter) -> None:
    """No later cell uses a name that a solution defines: with the stub in its place, it would stop Run All."""
    solved: set[str] = set()
    for cell in chapter.cells("code"):
        tags = cell.metadata.get("tags", [])
        if "colab" in tags:
            continue
        tree = ast.parse(cell.source)
        if "solution" in tags:
            solved |= {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        elif not {"exercise", "check"} & set(tags):
            names = [node for node in ast.walk(tree) if isinstance(node, ast.Name)]
            assert not {node.id for node in names if isinstance(node.ctx, ast.Load)} & solved, cell.source


def test_every_chapter_is_written(tmp_path: Path) -> None:
    written = write(ROOT / "book", tmp_path / "handouts")
    assert [path.relative_to(tmp_path / "handouts").as_posix() for path in written] == sorted(
        chapter.name.removeprefix("book/") for chapter in chapters()
    )
    with pytest.raises(SystemExit, match="exists already"):
        write(ROOT / "book", tmp_path / "handouts")


def test_a_solution_without_an_end_is_found() -> None:
    cells = [new_markdown_cell(f"```{START} ex-a\n```"), new_code_cell("1"), new_markdown_cell("text")]
    with pytest.raises(SystemExit, match="does not end"):
        without_solutions(new_notebook(cells=cells))
