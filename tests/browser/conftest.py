"""A browser and the built book, or the reason why there is none."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

if os.name != "posix":
    pytest.skip("the browser is driven through a POSIX pipe", allow_module_level=True)
from . import chromium

ROOT = Path(__file__).resolve().parents[2]
SITE = ROOT / "_build" / "html"


def pages() -> list[str]:
    """The pages of the built book, with the search page and the index."""
    book = sorted(path.relative_to(SITE).as_posix() for path in (SITE / "book").rglob("*.html"))
    return [*book, "search.html", "genindex.html"] if book else []


@pytest.fixture(scope="session")
def browser() -> Iterator[chromium.Chromium]:
    executable = chromium.find()
    if not executable:
        pytest.skip("no Chromium: name it in $CHROMIUM")
    with chromium.Chromium(executable) as opened:
        yield opened
