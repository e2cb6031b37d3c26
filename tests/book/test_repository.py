"""What the files around the book say about each other is true."""

import os
import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

from deblurlib.photographs import PHOTOGRAPHS

from .conftest import ROOT, chapters

TEXT = {".cff", ".css", ".cfg", ".in", ".ipynb", ".js", ".json", ".md", ".mjs", ".py", ".toml", ".yml", ".lock", ".bib"}
CITED = re.compile(r"\{cite(?::\w+)?\}`([^`]+)`")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def tracked() -> list[Path]:
    """The files of the project: what git knows or would add, without the scripts of others."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True
    )
    if listed.returncode:
        pytest.skip("not a git repository")
    paths = [ROOT / name for name in listed.stdout.splitlines() if "_static/vendor" not in name]
    return [path for path in paths if path.is_file() and (path.suffix in TEXT or not path.suffix)]


def test_lock_has_hashes_and_no_host() -> None:
    lock = read("requirements.lock")
    assert not re.search(r"https?://|--index-url|--find-links|/(?:home|root|opt|tmp)/", lock)
    pins = re.findall(r"(?m)^[\w.\[\]-]+==", lock)
    assert len(pins) > 100 and lock.count("--hash=sha256:") > len(pins)


def test_lock_is_of_the_released_jupyter_book_1() -> None:
    assert re.search(r"(?m)^jupyter-book==1\.", read("requirements.lock"))


def test_no_file_names_a_machine() -> None:
    mine = re.compile(r"/(?:home|Users)/\w+|/work/\w+|/root/|/tmp/\w+|\b(?:10|192\.168)\.\d+\.\d+\.\d+\b")
    found = [
        (path.relative_to(ROOT).as_posix(), match.group())
        for path in tracked()
        if path != Path(__file__).resolve()
        for match in mine.finditer(path.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert not found


def test_every_citation_is_in_the_references() -> None:
    keys = set(re.findall(r"(?m)^@\w+\{([^,]+),", read("book/references.bib")))
    texts = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "book").rglob("*.md")}
    texts |= {chapter.name: chapter.text for chapter in chapters()}
    for name, text in texts.items():
        cited = {key.strip() for group in CITED.findall(text) for key in group.split(",")}
        assert cited <= keys, (name, cited - keys)


def test_references_are_complete() -> None:
    bibliography = read("book/references.bib")
    entries = re.findall(r"(?ms)^@(\w+)\{([^,]+),\n(.*?)^\}", bibliography)
    assert len(entries) == len({key for _, key, _ in entries}) == bibliography.count("\n@")
    for _, key, fields in entries:
        for name in ("author", "title", "year"):
            assert re.search(rf"(?m)^  {name}\s*= \{{", fields), (key, name)
        year = re.search(r"year\s*= \{(\d{4})\}", fields).group(1)
        assert re.fullmatch(rf"[a-z]+{year}[a-z]*", key), key


def test_credits_name_every_photograph_and_its_role() -> None:
    rows = re.findall(r"(?m)^\| `(\w+)` \|.*\| (\w+) \|$", read("book/appendix/credits.md"))
    names = {"train": "training"}
    assert dict(rows) == {name: names.get(photo.role, photo.role) for name, photo in PHOTOGRAPHS.items()}


def test_readme_tells_the_commands_that_exist() -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+):", read("Makefile")))
    asked = set(re.findall(r"\bmake ([a-z-]+)", read("README.md") + read("CONTRIBUTING.md") + read(".ci/run")))
    assert asked <= targets, asked - targets
    assert {"book", "test", "lab", "bench", "lint", "clean", "help"} <= targets


def test_ci_runs_what_the_readme_says() -> None:
    script = ROOT / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert re.findall(r"(?m)^make (\w+)$", script.read_text()) == ["lint", "book", "test"]


def test_readme_lines_without_make_are_those_of_the_makefile() -> None:
    readme, makefile = read("README.md"), read("Makefile")
    for line in (
        "jupyter-book build . -W -n --keep-going",
        "--no-deps --no-build-isolation -e .",
        "--require-hashes -r requirements.lock",
    ):
        assert line in readme and line in makefile, line


def test_contributing_documents_how_the_lock_is_made() -> None:
    def command(text: str) -> str:
        return " ".join(
            re.search(r"uv pip compile(.*?)requirements\.lock", text, re.DOTALL).group(1).replace("\\", "").split()
        )

    assert command(read("CONTRIBUTING.md")) == command(read("Makefile"))


def test_links_of_the_readme_lead_somewhere() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#]+)\)", read(name)):
            assert target.startswith("https://") or (ROOT / target).exists(), (name, target)


def test_citation_file_can_be_read() -> None:
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["license"] == "MIT" and citation["authors"] == [{"name": "The deblurlib authors"}]


def test_vendored_scripts_bring_their_licences() -> None:
    for name in ("mathjax", "html-manager"):
        assert (ROOT / "book" / "_static" / "vendor" / name / "LICENSE").stat().st_size > 500


def project() -> dict:
    return tomllib.loads(read("pyproject.toml"))["project"]


def test_installing_the_library_leaves_torch_and_numpy_alone() -> None:
    """On Colab: no pin and no upper bound, so that whatever is installed there is good enough."""
    assert {"torch", "numpy"} <= {re.match(r"[\w-]+", line).group() for line in project()["dependencies"]}
    assert not [line for line in project()["dependencies"] if re.search(r"==|<|~=|!=|@", line)]
    assert {"book", "dev", "scale", "bench"} <= project()["optional-dependencies"].keys()


def test_lock_holds_every_dependency() -> None:
    locked = set(re.findall(r"(?m)^([\w.-]+)==", read("requirements.lock")))
    wanted = [
        *project()["dependencies"],
        *(line for lines in project()["optional-dependencies"].values() for line in lines),
    ]
    names = {re.match(r"[\w.-]+", line).group().lower() for line in wanted}
    assert names <= locked


def test_architecture_names_every_room() -> None:
    drawn = set(re.findall(r"(?m)^  ([\w.-]+?)(?:\.py|/)? {2,}", read("book/appendix/architecture.md")))
    rooms = {
        path.stem for path in (ROOT / "deblurlib").iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()
    }
    assert rooms - {"__init__"} <= drawn, rooms - {"__init__"} - drawn
