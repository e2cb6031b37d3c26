"""What the guide for teachers and the introduction promise about the chapters is what the chapters hold."""

import re

import pytest

from deblurlib.exercises import names

from .conftest import ROOT, Chapter, chapters

GUIDE = (ROOT / "book" / "appendix" / "teaching.md").read_text(encoding="utf-8")
TITLE = re.compile(r"^```\{exercise-start\}.*?· (?P<kind>[\w -]+?) · (?P<minutes>\d+) minutes$", re.MULTILINE)


def exercise_minutes(chapter: Chapter) -> int:
    return sum(int(match["minutes"]) for match in TITLE.finditer(chapter.text))


def told_minutes(text: str, chapter: Chapter) -> int | None:
    """The last column of the row that links to the chapter."""
    link = re.escape(chapter.name.removeprefix("book/"))
    row = re.search(rf"^\|.*\((?:\.\./)?{link}\).*\| (\d+) min \|$", text, re.MULTILINE)
    return int(row[1]) if row else None


def test_minutes_of_the_guide_are_those_of_the_exercises(chapter: Chapter) -> None:
    assert told_minutes(GUIDE, chapter) == exercise_minutes(chapter)


def test_minutes_of_the_introduction_are_those_of_the_exercises() -> None:
    introduction, *others = chapters()
    for chapter in others:
        assert told_minutes(introduction.text, chapter) == exercise_minutes(chapter), chapter.name


def test_guide_lists_every_exercise_and_no_other() -> None:
    assert re.findall(r"(?m)^\| `(\w+)` \|", GUIDE) == [name for chapter in chapters() for name in checked(chapter)]


def checked(chapter: Chapter) -> list[str]:
    """The exercises of a chapter, in its order."""
    cells = chapter.cells("code", "check")
    return [re.search(r'check\("(\w+)"', cell.source).group(1) for cell in cells]


def test_kinds_of_the_guide_are_those_of_the_chapters() -> None:
    told = dict(re.findall(r"(?m)^\| `(\w+)` \| ([\w -]+) \|", GUIDE))
    for chapter in chapters():
        kinds = [match["kind"] for match in TITLE.finditer(chapter.text)]
        assert [told[name] for name in checked(chapter)] == kinds, chapter.name


def test_chapters_ask_for_nothing_from_outside(chapter: Chapter) -> None:
    """Whoever is offline can run them: no cell names an address or a downloader."""
    outside = re.compile(r"https?://|\b(?:urlopen|urlretrieve|requests|download\w*|pooch|wget|curl)\b")
    for cell in chapter.cells("code"):
        assert "colab" in cell.metadata.get("tags", []) or not outside.search(cell.source), cell.source


@pytest.mark.parametrize("name", names())
def test_every_checker_belongs_to_an_exercise(name: str) -> None:
    assert [chapter.name for chapter in chapters() if name in checked(chapter)]
