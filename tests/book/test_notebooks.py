"""The anatomy of a chapter, as CONTRIBUTING.md describes it, held in every notebook."""

import re
from pathlib import Path

import nbformat
import pytest

from .conftest import ROOT, Chapter, chapters, toc_files

COLAB = """\
# On Colab only: fetch the book's library. Elsewhere this cell does nothing.
import sys

if "google.colab" in sys.modules:
    %pip install -q "deblurlib @ git+{url}\""""
TYPED_NUMBER = re.compile(r"(?<![\w$.])[-+−]?\d+[.,]\d+\s*(?:\\,)?\s*(?:dB|decibels?)\b")
BOOK_ONLY = re.compile(r"\b(?:myst_nb|jupyter_book|sphinx)\b")
EXERCISE = re.compile(r"^```\{exercise-start\}(?P<title>[^\n]*)\n:label: (?P<label>ex-[\w-]+)", re.MULTILINE)
SOLUTION = re.compile(r"^```\{solution-start\} (?P<label>[\w-]+)\n:class: dropdown", re.MULTILINE)
ENGLISH = re.compile(
    r"\b(?:color|colors|colored|gray|grays|center|centered|neighbor|neighbors|behavior)\b", re.IGNORECASE
)


def is_introduction(chapter: Chapter) -> bool:
    return chapter.name == f"{toc_files()[0]}.ipynb"


def without_code(text: str) -> str:
    text = re.sub(r"^(`{3,}|~{3,})(?!\{).*?^\1\s*$", "", text, flags=re.MULTILINE | re.DOTALL)
    return re.sub(r"`[^`\n]*`|\]\([^)]*\)", "", text)


def test_every_page_of_the_table_of_contents_exists() -> None:
    missing = [name for name in toc_files() if not any((ROOT / f"{name}{end}").exists() for end in (".ipynb", ".md"))]
    assert not missing


def test_every_notebook_is_in_the_table_of_contents() -> None:
    notebooks = {path.relative_to(ROOT).with_suffix("").as_posix() for path in (ROOT / "book").rglob("*.ipynb")}
    assert not {name for name in notebooks if ".ipynb_checkpoints" not in name} - set(toc_files())


def test_labels_are_used_once() -> None:
    labels = re.compile(r"^:label: (\S+)|^\(([\w-]+)\)=$|^\$\$ \(([\w-]+)\)$", re.MULTILINE)
    seen: dict[str, str] = {}
    for chapter in chapters():
        names = [next(filter(None, match.groups())) for match in labels.finditer(chapter.text)]
        names += [cell.metadata.get("mystnb", {}).get("figure", {}).get("name", "") for cell in chapter.cells("code")]
        for name in filter(None, names):
            assert name not in seen, f"{name} is in {seen[name]} and in {chapter.name}"
            seen[name] = chapter.name


def test_is_valid_and_stripped(chapter: Chapter) -> None:
    nbformat.validate(chapter.notebook)
    for cell in chapter.cells("code"):
        assert not cell.outputs and cell.execution_count is None, f"make format: {cell.source[:60]}"
    assert not chapter.notebook.metadata.get("widgets")
    identities = [cell["id"] for cell in chapter.notebook.cells]
    assert len(set(identities)) == len(identities)
    assert chapter.notebook.metadata.kernelspec.name == "python3"


def test_card_says_what_the_chapter_gives_and_costs(chapter: Chapter) -> None:
    card = re.search(r"^(:{3,})\{admonition\} This chapter\n(.*?)^\1\s*$", chapter.text, re.MULTILINE | re.DOTALL)
    assert card, "no card: the admonition 'This chapter'"
    for word in ("**Promise", "**You will be able to", "**You need", "**Measured"):
        assert word in card.group(2), word
    measured = card.group(2).partition("**Measured")[2]
    seconds = re.search(r"(\d+)\s*(?:s|seconds)\b", measured)
    assert seconds and int(seconds.group(1)) <= 60, measured
    assert re.search(r"\d\s*(?:GB|MB)\b", measured), measured


def test_objectives_are_numbered_and_come_back_in_the_recap(chapter: Chapter) -> None:
    if is_introduction(chapter):
        return
    identity = re.compile(r"\((\d[a-e])\)")
    card, *_, recap = re.split(r"^#{1,3} ", chapter.text, flags=re.MULTILINE)[1:]
    goals = set(identity.findall(card))
    assert 3 <= len(goals) <= 5, goals
    told = set(identity.findall(chapter.text.partition("Recap")[2] or recap))
    assert goals <= told, f"the recap does not come back to {goals - told}"


def test_colab_cell_has_the_fixed_shape(chapter: Chapter) -> None:
    first = chapter.cells("code")[0]
    url = re.search(r'git\+([^"\s]+)"', first.source)
    assert url and first.source == COLAB.format(url=url.group(1))
    assert set(first.metadata["tags"]) == {"colab", "remove-cell", "nbval-skip"}
    assert [cell for cell in chapter.cells("code") if "nbval-skip" in cell.metadata.get("tags", [])] == [first]


def test_nothing_is_compared_with_outputs_that_are_not_there(chapter: Chapter) -> None:
    for cell in chapter.cells("code"):
        assert "nbval-check-output" not in cell.metadata.get("tags", [])
        assert "NBVAL_" not in cell.source


def test_runs_where_only_the_library_is_installed(chapter: Chapter) -> None:
    for cell in chapter.cells("code"):
        assert not BOOK_ONLY.search(cell.source), cell.source


def test_numbers_are_computed_not_typed(chapter: Chapter) -> None:
    found = TYPED_NUMBER.findall(without_code(chapter.text))
    for cell in chapter.cells("code"):
        found += TYPED_NUMBER.findall(cell.metadata.get("mystnb", {}).get("figure", {}).get("caption", ""))
    assert not found


@pytest.mark.parametrize("text", ["it gains 1.7 dB", "28.93 dB", "about +0,5 dB", "−2.3 dB"])
def test_a_typed_number_is_found(text: str) -> None:
    assert TYPED_NUMBER.search(text)


@pytest.mark.parametrize("text", ["{gain:.1f} dB", "a few dB", "3 dB", "version 1.7"])
def test_what_is_not_a_typed_number_is_not_found(text: str) -> None:
    assert not TYPED_NUMBER.search(text)


def test_figures_say_what_there_is_to_see(chapter: Chapter) -> None:
    for cell in chapter.cells("code"):
        mystnb = cell.metadata.get("mystnb", {})
        if not mystnb:
            continue
        alt, figure = mystnb.get("image", {}).get("alt", ""), mystnb.get("figure", {})
        assert len(alt) >= 40, f"alternative text of '{figure.get('name')}': {alt!r}"
        assert figure.get("caption") and figure.get("name", "").startswith("fig-"), mystnb
        assert alt != figure["caption"], "the caption is there already; the alternative text says what to see"


def test_equations_have_a_line_in_words(chapter: Chapter) -> None:
    if is_introduction(chapter):
        return
    numbered = re.findall(r"^\$\$ \(([\w-]+)\)", chapter.text, re.MULTILINE)
    assert numbered, "no numbered equation"
    assert len(re.findall(r"\bin words\b", chapter.text, re.IGNORECASE)) >= len(numbered) / 2


def test_code_cells_are_short(chapter: Chapter) -> None:
    hidden = {"hide-input", "hide-cell", "remove-input", "remove-cell", "solution"}
    for cell in chapter.cells("code"):
        lines = [line for line in cell.source.splitlines() if line.strip() and not line.lstrip().startswith("#")]
        if not hidden & set(cell.metadata.get("tags", [])):
            assert len(lines) <= 15, cell.source


def test_parity_with_the_library_is_asserted(chapter: Chapter) -> None:
    if is_introduction(chapter):
        return
    parity = [
        cell.source for cell in chapter.cells("code") if "assert" in cell.source and "max |difference|" in cell.source
    ]
    assert parity, "no cell that asserts and prints 'max |difference|' between the chapter's code and the library's"


def test_has_a_section_when_it_fails_and_a_recap(chapter: Chapter) -> None:
    if is_introduction(chapter):
        return
    titles = re.findall(r"^#{2,3} (.+)$", chapter.text, re.MULTILINE)
    assert any("fail" in title.lower() for title in titles), titles
    assert any("recap" in title.lower() for title in titles), titles
    assert any("exercise" in title.lower() for title in titles), titles


def exercise_cells(chapter: Chapter) -> dict[str, list[nbformat.NotebookNode]]:
    """Label -> the cells from its exercise-start to its solution-end."""
    found: dict[str, list[nbformat.NotebookNode]] = {}
    label = ""
    for cell in chapter.notebook.cells:
        begins = EXERCISE.search(cell.source) if cell.cell_type == "markdown" else None
        if begins:
            label = begins.group("label")
            found[label] = []
        if label:
            found[label].append(cell)
        if cell.cell_type == "markdown" and "{solution-end}" in cell.source:
            label = ""
    return found


def test_exercises_are_complete(chapter: Chapter) -> None:
    exercises = exercise_cells(chapter)
    assert exercises or is_introduction(chapter), "no exercise"
    for label, cells in exercises.items():
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        title = EXERCISE.search(text).group("title")
        assert re.search(r"\b(warm-up|core|stretch|bug hunt)\b", title), f"{label}: no difficulty in '{title}'"
        assert re.search(r"\b\d+ minutes\b", title), f"{label}: no minutes in '{title}'"
        for number in (1, 2, 3):
            assert f"<summary>Hint {number} of 3</summary>" in text, f"{label}: hint {number}"
        assert text.count("<details>") == text.count("</details>")
        assert "{exercise-end}" in text and "{solution-end}" in text, label
        solution = SOLUTION.search(text)
        assert solution and solution.group("label") == label
        tags = [
            tag for cell in cells for tag in cell.metadata.get("tags", []) if tag in ("exercise", "check", "solution")
        ]
        assert tags == ["exercise", "check", "solution"], f"{label}: {tags}"
        by_tag = {tag: cell for cell in cells for tag in cell.metadata.get("tags", [])}
        assert "raise NotImplementedError" in by_tag["exercise"].source, label
        assert "strict=True" in by_tag["solution"].source, f"{label}: the tests must run the solution"


def test_tables_name_every_column(chapter: Chapter) -> None:
    """A screen reader says the head of a column before each of its cells."""
    heads = re.findall(r"(?m)^\|(.*)\|\n\|(?: *:?-+:? *\|)+$", chapter.text)
    assert not [head for head in heads if not all(cell.strip() for cell in head.split("|"))]


def test_tables_have_lines(chapter: Chapter) -> None:
    """A table whose lines were joined is a paragraph full of bars."""
    assert not re.findall(r"\|[ \t]*\|[ \t]*:?-{3}", chapter.text)


def test_spelling_is_british(chapter: Chapter) -> None:
    assert not ENGLISH.findall(without_code(re.sub(r"\$[^$]*\$", "", chapter.text)))


def test_nothing_is_left_to_be_written(chapter: Chapter) -> None:
    assert not re.findall(r"\b(?:TODO|FIXME|TBD|XXX)\b", chapter.text)


def test_notebooks_are_found_at_all() -> None:
    assert len(list(Path(ROOT / "book").rglob("*.ipynb"))) >= 4
