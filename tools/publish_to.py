"""Write the address of the repository wherever the book needs it: `make publish-to URL=https://…`.

It may be run again with another address.
"""

import re
import sys
from pathlib import Path
from urllib.parse import urlsplit

PLACEHOLDER = "REPOSITORY_URL"
INSTALL = re.compile(r'(deblurlib @ git\+)[^"\\\s]+')  # in notebooks and in the README


def clean(url: str) -> str:
    """The address without what a copied link may carry, or a SystemExit that says what is wrong with it."""
    parts = urlsplit(url.strip())
    if parts.scheme != "https" or not parts.netloc or not re.fullmatch(r"(/[\w.~-]+){2,}/?", parts.path):
        raise SystemExit(f"'{url}' is no address of a repository. Usage: make publish-to URL=https://HOST/OWNER/NAME")
    return f"https://{parts.netloc}{parts.path.rstrip('/').removesuffix('.git')}"


def publish(root: Path, url: str) -> list[str]:
    """Write ``url`` into the files under ``root``; return the names of those that changed."""
    url = clean(url)
    changed = []

    def edit(path: Path, pattern: str | re.Pattern[str], replacement: str) -> None:
        old = path.read_text(encoding="utf-8")
        new, count = re.subn(pattern, replacement, old)
        if not count:
            raise SystemExit(f"{path.relative_to(root)} has no place for the address")
        if new != old:
            path.write_text(new, encoding="utf-8")
            changed.append(path.relative_to(root).as_posix())

    edit(root / "_config.yml", r'(?m)^(repository:\n  url: )".*"$', rf'\1"{url}"')
    edit(root / "README.md", INSTALL, rf"\g<1>{url}")
    citation = root / "CITATION.cff"
    if "repository-code:" not in citation.read_text(encoding="utf-8"):
        edit(citation, r"(?m)^(license: .*)$", rf'\1\nrepository-code: "{url}"')
    else:
        edit(citation, r'(?m)^repository-code: ".*"$', f'repository-code: "{url}"')
    project = root / "pyproject.toml"
    if "[project.urls]" not in project.read_text(encoding="utf-8"):
        edit(project, r"(?m)^(\[project\.scripts\])$", rf'[project.urls]\nRepository = "{url}"\n\n\1')
    else:
        edit(project, r'(?m)^Repository = ".*"$', f'Repository = "{url}"')
    for notebook in sorted((root / "book").rglob("*.ipynb")):
        if INSTALL.search(notebook.read_text(encoding="utf-8")):
            edit(notebook, INSTALL, rf"\g<1>{url}")
    return changed


if __name__ == "__main__":
    here = Path(__file__).resolve().parent.parent
    for name in publish(here, sys.argv[1] if len(sys.argv) > 1 else "") or ["nothing"]:
        print("changed", name)
    print("`make book` now draws the launch buttons.")
