"""Execute the chapters that are out of date, side by side, and hand their outputs to the book.

Sphinx reads a page again when its *text* changed, and the usual execution cache (jupyter-cache) looks at the *code
cells* alone. Neither sees that the library under a figure has changed, so both go on showing the old figure. Here each
executed notebook is kept in ``_build/executed`` with a fingerprint of everything that its outputs were computed from:

* its own code cells;
* the files of the library that the notebook really imported, asked of its kernel after the last cell
  (a notebook that starts other processes is taken to depend on the whole library);
* everything in the library that is not Python: weights, tables;
* ``requirements.lock``, the version of Python, and ``DEBLUR_SCALE``.

When the fingerprint no longer fits, the notebook is executed again and its page is written again, and no other.
"""

import asyncio
import copy
import hashlib
import os
import time
from pathlib import Path

import nbformat
from book_kernel import execute, imported_sources
from book_store import FORMAT, Store, code_cells
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.console import bold

logger = logging.getLogger(__name__)


async def execute_all(app: Sphinx, store: Store, stale: dict[str, nbformat.NotebookNode]) -> None:
    """Execute the stale notebooks, as many at a time as there are cores (at most four: each takes about 1 GB)."""
    cores = os.cpu_count() or 1
    side_by_side = min(int(os.environ.get("BOOK_JOBS") or min(4, cores)), len(stale))
    places, threads, done = asyncio.Semaphore(side_by_side), max(1, cores // side_by_side), 0

    async def one(docname: str) -> None:
        nonlocal done
        async with places:
            notebook, start = stale[docname], time.monotonic()
            folder = Path(app.env.doc2path(docname)).parent
            try:
                printed = await execute(notebook, folder, app.config.nb_execution_timeout, threads)
            except (CellExecutionError, CellTimeoutError) as error:
                store.failed[docname] = notebook
                store.path(docname).unlink(missing_ok=True)
                logger.warning(
                    "executing %s failed:\n%s", docname, error, location=docname, type="book", subtype="execution"
                )
                return
            seconds = time.monotonic() - start
            store.save(docname, notebook, imported_sources(printed, notebook, store.root), seconds)
            done += 1
            logger.info("%s %s in %.0f s (%d of %d)", bold("executed"), docname, seconds, done, len(stale))

    # The longest first, so that the last core to finish finishes early; never-run chapters before all others.
    order = sorted(stale, key=lambda docname: (store.seconds(docname) or float("inf"), docname), reverse=True)
    logger.info("%s %d notebooks at %s scale", bold("executing"), len(stale), os.environ["DEBLUR_SCALE"])
    await asyncio.gather(*(one(docname) for docname in order))


def frame(root: Path) -> str:
    """A hash of what shapes every page: Sphinx itself overlooks some settings, and the extensions' code."""
    files = [root / "_config.yml", *sorted((root / "book" / "_ext").glob("*.py"))]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files if file.exists())).hexdigest()


def find_outdated(
    app: Sphinx, env: BuildEnvironment, added: set[str], changed: set[str], removed: set[str]
) -> list[str]:
    """Execute what is stale, then name the pages whose outputs differ from those they were last read with."""
    store: Store = app.book_store  # type: ignore[attr-defined]
    seen = getattr(env, "book_fingerprints", {})
    notebooks = {
        docname: nbformat.read(env.doc2path(docname), as_version=4)
        for docname in env.found_docs
        if env.doc2path(docname).endswith(".ipynb")
    }
    stale = {docname: copy.deepcopy(nb) for docname, nb in notebooks.items() if not store.current(docname, nb)}
    if stale:
        asyncio.run(execute_all(app, store, stale))
    now = {docname: store.current(docname, notebook) for docname, notebook in notebooks.items()}
    env.book_fingerprints = now  # type: ignore[attr-defined]
    before, env.book_frame = getattr(env, "book_frame", None), frame(store.root)  # type: ignore[attr-defined]
    if before != env.book_frame:  # type: ignore[attr-defined]
        return sorted(env.found_docs)
    return [docname for docname, key in now.items() if key is None or seen.get(docname) != key]


def with_outputs(app: Sphinx, docname: str, source: list[str]) -> None:
    """Give the page the notebook as it is on disk, with the stored outputs in its code cells."""
    if not app.env.doc2path(docname).endswith(".ipynb"):
        return
    store: Store = app.book_store  # type: ignore[attr-defined]
    executed = store.failed.get(docname) or store.load(docname)
    if executed is None:
        raise ExtensionError(f"{docname} has no executed copy in {store.folder}")
    notebook = nbformat.reads(source[0], as_version=4)
    for cell, run in zip(code_cells(notebook), code_cells(executed), strict=True):
        cell.outputs, cell.execution_count = run.outputs, run.execution_count
    if "widgets" in executed.metadata:
        notebook.metadata["widgets"] = executed.metadata["widgets"]
    source[0] = nbformat.writes(notebook)


def begin(app: Sphinx) -> None:
    # The book is built at pocket scale unless its reader asks for another, whichever command builds it.
    os.environ["DEBLUR_SCALE"] = os.environ.get("DEBLUR_SCALE") or "pocket"
    root = Path(app.srcdir).resolve()
    app.book_store = Store(Path(app.outdir).resolve().parent / "executed", root)  # type: ignore[attr-defined]


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("builder-inited", begin)
    app.connect("env-get-outdated", find_outdated)
    app.connect("source-read", with_outputs)
    return {"version": FORMAT, "parallel_read_safe": False, "parallel_write_safe": True}
