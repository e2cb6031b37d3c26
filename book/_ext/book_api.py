"""What Sphinx reads into the library's docstrings, and the book does not mean."""

import re
import shutil
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

CODE = re.compile(r"(``.*?``|`.*?`)")
BARS = re.compile(r"\|(?=\S)([^|]*\S)\|")


def escape_bars(lines: list[str]) -> None:
    """Write ``|K|`` as an absolute value; reStructuredText reads it as the name of a substitution."""
    in_example = False
    for number, line in enumerate(lines):
        in_example = line.lstrip().startswith(">>>") or (in_example and bool(line.strip()))
        if not in_example and "|" in line:
            parts = CODE.split(line)  # every second part is code
            parts[::2] = [BARS.sub(r"\|\1\|", part) for part in parts[::2]]
            lines[number] = "".join(parts)


def keep_sentences(app: Sphinx) -> None:
    """Napoleon reads the words before a colon in a constant's docstring as its type; ours are sentences."""
    kept: dict[str, list[str]] = {}

    def before(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
        if what in ("data", "attribute"):
            kept[name] = lines[:]
            lines.clear()

    def after(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
        if name in kept:
            lines[:] = kept.pop(name)
        escape_bars(lines)

    app.connect("autodoc-process-docstring", before, priority=400)  # napoleon's priority is 500
    app.connect("autodoc-process-docstring", after, priority=600)


def skip_field_numbers(app: Sphinx, what: str, name: str, obj: object, skip: bool, options: object) -> bool | None:
    """A named tuple's fields are told in its docstring; Python's own text is 'Alias for field number 0'."""
    return True if type(obj).__name__ == "_tuplegetter" else None


def renew_sources(app: Sphinx, env: BuildEnvironment, docnames: list[str]) -> None:
    """viewcode keeps a page while its module is unchanged, though other pages may link to more places in it."""
    if any("/api/" in docname for docname in docnames):
        shutil.rmtree(Path(app.outdir) / "_modules", ignore_errors=True)


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("builder-inited", keep_sentences)
    app.connect("autodoc-skip-member", skip_field_numbers)
    app.connect("env-before-read-docs", renew_sources)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
