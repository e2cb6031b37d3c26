"""`make publish-to URL=…` on a copy of the repository, and the launch buttons that it brings."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import nbformat
import pytest
from book_launch import launch_links
from nbformat.v4 import new_markdown_cell, new_notebook
from publish_to import clean, publish

from .conftest import ROOT

URL = "https://github.com/example/deblur"
TEXTS = ("_config.yml", "README.md", "CITATION.cff", "pyproject.toml")


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    for name in TEXTS:
        shutil.copy(ROOT / name, tmp_path)
    for notebook in (ROOT / "book").rglob("*.ipynb"):
        target = tmp_path / notebook.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(notebook, target)
    (tmp_path / "book").mkdir(exist_ok=True)
    (tmp_path / "book" / "toy.ipynb").write_text(r'{"source": ["%pip install -q \"deblurlib @ git+REPOSITORY_URL\""]}')
    return tmp_path


def texts(folder: Path) -> dict[str, str]:
    return {path.name: path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file()}


def test_address_is_written_everywhere(copy: Path) -> None:
    publish(copy, URL + ".git")
    after = texts(copy)
    assert f'  url: "{URL}"' in after["_config.yml"]
    assert f'"deblurlib @ git+{URL}"' in after["README.md"]
    assert f'repository-code: "{URL}"' in after["CITATION.cff"]
    assert f'Repository = "{URL}"' in after["pyproject.toml"]
    assert not [name for name, text in after.items() if "REPOSITORY_URL" in text]
    for name, text in after.items():
        if name.endswith(".ipynb"):
            assert rf"\"deblurlib @ git+{URL}\"" in text, name


def test_again_and_elsewhere(copy: Path) -> None:
    publish(copy, URL)
    once = texts(copy)
    assert publish(copy, URL) == [] and texts(copy) == once
    publish(copy, "https://gitlab.example.org/group/course/blur")
    assert not [name for name, text in texts(copy).items() if URL in text]


@pytest.mark.parametrize(
    "url", ["", "github.com/a/b", "http://github.com/a/b", "https://github.com", "https://x/a b/c"]
)
def test_no_address_changes_nothing(url: str, copy: Path) -> None:
    before = texts(copy)
    with pytest.raises(SystemExit, match="no address"):
        publish(copy, url)
    assert texts(copy) == before


def test_address_is_cleaned() -> None:
    assert clean(" https://github.com/a/b.git?tab=readme ") == "https://github.com/a/b"


def test_links_of_a_repository_on_github() -> None:
    links = {link["text"]: link["url"] for link in launch_links(URL, "main", "book/1-blur/convolution.ipynb")}
    assert links["Colab"] == (
        "https://colab.research.google.com/github/example/deblur/blob/main/book/1-blur/convolution.ipynb"
    )
    assert links["Binder"] == (
        "https://mybinder.org/v2/gh/example/deblur/main?urlpath=lab/tree/book/1-blur/convolution.ipynb"
    )
    assert parse_qs(urlsplit(links["JupyterHub"]).query) == {"repo": [URL], "branch": ["main"]}


def test_links_with_a_hub_of_ones_own() -> None:
    links = {
        link["text"]: link["url"] for link in launch_links(URL, "main", "book/intro.ipynb", "https://hub.uni.edu/")
    }
    assert links["JupyterHub"].startswith("https://hub.uni.edu/hub/user-redirect/git-pull?")
    assert parse_qs(urlsplit(links["JupyterHub"]).query)["urlpath"] == ["lab/tree/deblur/book/intro.ipynb"]


def test_links_of_a_repository_elsewhere() -> None:
    links = {
        link["text"]: link["url"] for link in launch_links("https://gitlab.com/group/blur", "main", "book/a.ipynb")
    }
    assert "Colab" not in links, "Colab opens from GitHub only"
    assert links["Binder"].startswith("https://mybinder.org/v2/gl/group%2Fblur/main?")
    links = {
        link["text"]: link["url"] for link in launch_links("https://git.uni.edu/group/blur", "main", "book/a.ipynb")
    }
    assert links["Binder"].startswith("https://mybinder.org/v2/git/https%3A%2F%2Fgit.uni.edu%2Fgroup%2Fblur/main?")


@pytest.mark.parametrize("url", ["", URL, "https://git.uni.edu/school/group/blur"])
def test_buttons_of_a_built_page(url: str, tmp_path: Path) -> None:
    """A toy book with the theme: no button without an address, none that misleads with one."""
    options = {"repository_url": url, "repository_branch": "main"}
    (tmp_path / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(ROOT / 'book' / '_ext')!r})\nextensions = ['myst_nb', 'book_launch']\n"
        f"nb_execution_mode = 'off'\nhtml_theme = 'sphinx_book_theme'\nhtml_theme_options = {options!r}\n"
    )
    nbformat.write(new_notebook(cells=[new_markdown_cell("# Toy")]), tmp_path / "index.ipynb")
    command = [sys.executable, "-m", "sphinx", "-W", "-q", str(tmp_path), str(tmp_path / "html")]
    result = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert result.returncode == 0, result.stderr
    page = (tmp_path / "html" / "index.html").read_text(encoding="utf-8")
    assert ("mybinder.org" in page) == ("nbgitpuller" in page) == bool(url)
    assert ("colab.research.google.com" in page) == (url == URL)
    assert not url or f'href="{url}"' in page


def test_before_publishing_there_is_no_address() -> None:
    config = (ROOT / "_config.yml").read_text(encoding="utf-8")
    assert re.search(r'(?m)^repository:\n  url: "(https://[^"]+)?"$', config)
