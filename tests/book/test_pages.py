"""The built book: links and anchors lead somewhere, pictures are described, nothing is asked of another host."""

import itertools
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import nbformat
import pytest

from .conftest import ROOT, toc_files

LOADS = {
    "img": "src",
    "script": "src",
    "link": "href",
    "iframe": "src",
    "source": "src",
    "video": "src",
    "audio": "src",
}
THEME_PAGES = {"genindex.html", "py-modindex.html", "search.html", "index.html"}
DIRECTIVE = re.compile(r"\{(?:cite|ref|eq|numref|doc|py:\w+|term)(?::\w+)?\}`|^:::", re.MULTILINE)


@dataclass
class Page(HTMLParser):
    """What one page defines, links to, loads and shows."""

    html: str
    ids: set[str] = field(default_factory=set)
    links: list[str] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    images: list[dict[str, str | None]] = field(default_factory=list)
    headings: list[int] = field(default_factory=list)
    language: str | None = None
    captioned: int = 0

    def __post_init__(self) -> None:
        super().__init__()
        self.figures: list[bool] = []
        self.feed(self.html)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = dict(attributes)
        self.ids |= {values[key] for key in ("id", "name") if values.get(key)}
        if tag == "html":
            self.language = values.get("lang")
        if tag == "a" and values.get("href"):
            self.links.append(values["href"])
        if LOADS.get(tag) and values.get(LOADS[tag]) and values.get("rel") not in ("canonical", "author", "license"):
            self.loads.append(values[LOADS[tag]])
        if tag == "img":
            self.images.append(values)
        if re.fullmatch(r"h[1-6]", tag):
            self.headings.append(int(tag[1]))
        for style in re.findall(r"url\(\s*['\"]?([^'\")]+)", values.get("style") or ""):
            self.loads.append(style)


@pytest.fixture(scope="session")
def pages(site: Path) -> dict[Path, Page]:
    files = [path for path in site.rglob("*.html") if "_static" not in path.parts and "_sources" not in path.parts]
    return {path: Page(path.read_text(encoding="utf-8")) for path in files}


def article(page: Page) -> str:
    """The HTML of the page's own text, without the bars around it."""
    return page.html.partition("<article")[2].partition("</article>")[0]


def is_outside(address: str) -> bool:
    parts = urlsplit(address)
    return parts.scheme in ("http", "https", "ftp") or (not parts.scheme and bool(parts.netloc))


def test_every_page_of_the_book_is_built(site: Path) -> None:
    assert not [name for name in toc_files() if not (site / f"{name}.html").exists()]


def test_links_and_anchors_lead_somewhere(pages: dict[Path, Page], site: Path) -> None:
    broken = []
    for path, page in pages.items():
        for address in page.links + page.loads:
            parts = urlsplit(address)
            if parts.scheme or parts.netloc or address == "#":
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            anchor_missing = target in pages and parts.fragment and unquote(parts.fragment) not in pages[target].ids
            if not target.exists() or anchor_missing:
                broken.append((path.relative_to(site).as_posix(), address))
    assert not broken


def test_no_page_loads_anything_from_another_host(pages: dict[Path, Page], site: Path) -> None:
    outside = {
        (path.relative_to(site).as_posix(), address)
        for path, page in pages.items()
        for address in page.loads
        if is_outside(address)
    }
    assert not outside


def test_no_style_or_script_names_another_host(site: Path) -> None:
    """Style sheets that the pages use import nothing; the book's own script asks for nothing."""
    for path in site.glob("_static/**/*.css"):
        text = path.read_text(encoding="utf-8", errors="replace")
        found = re.findall(r"(?:@import\s+|url\(\s*)['\"]?((?:https?:)?//[^'\")\s]+)", text)
        assert not found, f"{path}: {found}"
    ours = (ROOT / "book" / "_static" / "book.js").read_text(encoding="utf-8")
    assert not re.search(r"https?://|fetch\(|XMLHttpRequest|import\(", ours)


def test_no_button_points_nowhere(pages: dict[Path, Page], site: Path) -> None:
    published = bool(re.search(r'(?m)^  url: "https://', (ROOT / "_config.yml").read_text(encoding="utf-8")))
    for path, page in pages.items():
        names = ("mybinder.org", "colab.research", "nbgitpuller", "executablebooks/jupyter-book", "REPOSITORY_URL")
        buttons = [link for link in page.links if any(name in link for name in names)]
        is_chapter = (ROOT / path.relative_to(site)).with_suffix(".ipynb").exists()
        assert bool(buttons) == (published and is_chapter), (path, buttons)


def test_pictures_are_described(pages: dict[Path, Page], site: Path) -> None:
    for path, page in pages.items():
        for image in page.images if path.name not in THEME_PAGES else []:
            alt = image.get("alt") or ""
            shown = (path.relative_to(site).as_posix(), (image.get("src") or "")[:80], alt)
            if "logo" in (image.get("class") or "") or image.get("role") == "presentation":
                continue
            assert image.get("aria-hidden") == "true" or (len(alt) >= 20 and "_images/" not in alt), shown


def test_figures_have_captions_and_numbers(pages: dict[Path, Page], site: Path) -> None:
    for path, page in pages.items():
        for figure in re.findall(r"<figure\b.*?</figure>", page.html, re.DOTALL):
            assert re.search(r"<figcaption\b.*?\w.*?</figcaption>", figure, re.DOTALL), (path, figure[:300])
            assert 'class="caption-number"' in figure, (path, figure[:300])
        if (ROOT / path.relative_to(site)).with_suffix(".ipynb").exists():
            outside_figures = re.sub(r"<figure\b.*?</figure>", "", article(page), flags=re.DOTALL)
            loose = [img for img in re.findall(r"<img\b[^>]*>", outside_figures) if 'aria-hidden="true"' not in img]
            assert not loose, (path.relative_to(site).as_posix(), [img[:200] for img in loose])


def test_no_page_names_a_folder_of_this_machine(pages: dict[Path, Page], site: Path) -> None:
    assert not [path.relative_to(site).as_posix() for path, page in pages.items() if ROOT.as_posix() in page.html]


def test_headings_do_not_skip_a_level(pages: dict[Path, Page], site: Path) -> None:
    for path, page in pages.items():
        if path.name in THEME_PAGES or "_modules" in path.parts:
            continue
        headings = Page(article(page)).headings
        assert headings.count(1) == 1, path
        steps = [after - before for before, after in itertools.pairwise(headings)]
        assert all(step <= 1 for step in steps), (path, headings)
        assert page.language == "en"


def test_no_markup_is_left_over(pages: dict[Path, Page], site: Path) -> None:
    """A directive or a role that was not understood stays in the text."""
    for path, page in pages.items():
        if "_modules" in path.parts or path.name in THEME_PAGES:
            continue
        text = re.sub(r"<(pre|code|script|style)\b.*?</\1>", "", article(page), flags=re.DOTALL)
        text = re.sub(r"<[^>]+>", "", text)
        assert not DIRECTIVE.search(text), (path, DIRECTIVE.search(text))


def test_pages_are_light(pages: dict[Path, Page], site: Path) -> None:
    for path in pages:
        assert path.stat().st_size < 6_000_000, f"{path.relative_to(site)}: {path.stat().st_size / 1e6:.1f} MB"


def executed() -> list[Path]:
    return sorted((ROOT / "_build" / "executed").rglob("*.ipynb"))


@pytest.mark.parametrize("path", executed(), ids=lambda path: path.stem)
def test_chapters_run_quietly(path: Path) -> None:
    """No warning, and no error but those that are shown on purpose."""
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.cell_type != "code" or "raises-exception" in cell.metadata.get("tags", []):
            continue
        noise = [output.text for output in cell.outputs if output.get("name") == "stderr"]
        assert not noise, f"{cell.source[:80]}: {noise}"
        assert not [output for output in cell.outputs if output.output_type == "error"]


@pytest.mark.parametrize("path", executed(), ids=lambda path: path.stem)
def test_exercises_are_open_and_solutions_pass(path: Path) -> None:
    """The stub's checker says that there is something to do; the solution's says that it is done."""
    for cell in nbformat.read(path, as_version=4).cells:
        tags = cell.metadata.get("tags", [])
        text = "".join(output.get("text", "") + str(output.get("data", "")) for output in cell.get("outputs", []))
        if "check" in tags:
            assert "not done yet" in text, text
        if "solution" in tags:
            assert "✔" in text or "correct" in text.lower() or "right" in text.lower(), text
