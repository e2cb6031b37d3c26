"""The page of all systems: ``{systems}`` becomes a section and a table for each kind, from the library's catalogue."""

import sys
from itertools import groupby

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from sphinx.application import Sphinx

from deblurlib.benchmarks.catalogue import Entry, catalogue

SOURCES = ("deblurlib.benchmarks.catalogue", "deblurlib.blind.estimate")
"""Modules that the tables are made of."""


def row(entry: Entry) -> str:
    """A line of a table, in MyST's Markdown."""
    papers = f"{{cite:t}}`{','.join(entry.papers)}`" if entry.papers else "–"
    numbers = ", ".join(f"[{n}]" for n in entry.numbers) or "–"
    public = entry.door.startswith("deblurlib.")
    door = f"{{py:obj}}`{entry.door.rpartition('.')[2]} <{entry.door}>`" if public else f"`{entry.door}`"
    return f"| {entry.title} | {papers} | {numbers} | {door} | {{doc}}`/book/{entry.chapter}` |"


class Systems(Directive):
    """The tables."""

    def run(self) -> list[nodes.Node]:
        """Each kind's heading and table."""
        for name in SOURCES:
            self.state.document.settings.env.note_dependency(sys.modules[name].__file__)
        lines: list[str] = []
        for kind, entries in groupby(catalogue(), lambda entry: entry.kind):
            lines += [f"**{kind}**", "", "| system | papers | number | its name | chapter |", "| --- " * 5 + "|"]
            lines += [*map(row, entries), ""]
        whole = nodes.container()
        self.state.nested_parse(StringList(lines, source="catalogue"), self.content_offset, whole)
        return whole.children


def setup(app: Sphinx) -> dict[str, object]:
    """Make the directive known."""
    app.add_directive("systems", Systems)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
