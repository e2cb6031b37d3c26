"""Every photograph that comes with the library is credited in the book, in the words that the library gives."""

import re

import pytest

from deblurlib.photographs import PHOTOGRAPHS

from .conftest import ROOT

PAGE = (ROOT / "book" / "appendix" / "credits.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (?P<what>[^|]+) \| (?P<author>[^|]+) \| (?P<licence>[^|]+) \| \w+ \|$", re.MULTILINE)


def plain(cell: str) -> str:
    """The text of a cell, without the addresses of its links."""
    return re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", cell).strip()


def test_the_page_credits_the_photographs_that_there_are() -> None:
    assert [row.group(1) for row in ROW.finditer(PAGE)] == list(PHOTOGRAPHS)


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_credit_of_the_page_is_that_of_the_library(name: str) -> None:
    row = next(row for row in ROW.finditer(PAGE) if row.group(1) == name)
    assert f"{plain(row['author'])}, {plain(row['licence'])}" == PHOTOGRAPHS[name].credit


@pytest.mark.parametrize("name", [name for name, photograph in PHOTOGRAPHS.items() if "CC BY" in photograph.credit])
def test_attribution_leads_to_the_author_and_to_the_licence(name: str) -> None:
    row = next(row for row in ROW.finditer(PAGE) if row.group(1) == name)
    author = PHOTOGRAPHS[name].credit.partition(",")[0]
    assert re.search(rf"\]\(https://[^)]*/{author}/", row["author"])
    assert re.search(r"\]\(https://creativecommons\.org/licenses/by/", row["licence"])
