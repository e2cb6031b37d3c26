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
import json
import os
import platform
import re
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.errors import ExtensionError
from sphinx.util import logging
from sphinx.util.console import bold

logger = logging.getLogger(__name__)

LIBRARY = "deblurlib"
FORMAT = "1"  # raise it when the meaning of a stored notebook changes

# Runs after the last cell of a notebook: which files of the library did this kernel load?
PROBE = f"""\
import json as _json, sys as _sys
print(_json.dumps(sorted({{
    _module.__file__
    for _name, _module in list(_sys.modules.items())
    if _name.partition(".")[0] == {LIBRARY!r} and getattr(_module, "__file__", None)
}})))
"""

# A cell that leaves its kernel hides from the probe what it imports there.
OTHER_PROCESS = re.compile(r"^\s*[!%]|\bsubprocess\b|\bmultiprocessing\b|os\.system", re.MULTILINE)


def fingerprint(notebook: nbformat.NotebookNode, sources: Iterable[str], root: Path) -> str:
    """Hash all that the outputs of ``notebook`` are computed from; ``sources`` are paths relative to ``root``."""
    digest = hashlib.sha256()

    def add(*parts: str | bytes) -> None:
        for part in parts:
            data = part.encode() if isinstance(part, str) else part
            digest.update(str(len(data)).encode() + b":" + data)

    add(FORMAT, platform.python_version(), os.environ["DEBLUR_SCALE"], device())
    lock = root / "requirements.lock"
    add(lock.read_bytes() if lock.exists() else b"")
    for cell in code_cells(notebook):
        add(cell.source, *sorted(cell.metadata.get("tags", [])))
    for name in sorted({*sources, *data_files(root)}):
        path = root / name
        add(name, path.read_bytes() if path.exists() else b"missing")
    return digest.hexdigest()


def device() -> str:
    """What ``DEBLUR_SCALE=auto`` decides by; the other two scales decide by themselves."""
    if os.environ["DEBLUR_SCALE"] != "auto":
        return ""
    import torch

    return torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu"


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def library_files(root: Path) -> Iterator[str]:
    for path in (root / LIBRARY).rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            yield path.relative_to(root).as_posix()


def data_files(root: Path) -> Iterator[str]:
    return (name for name in library_files(root) if not name.endswith(".py"))


def imported_sources(printed: str, notebook: nbformat.NotebookNode, root: Path) -> list[str]:
    """The library's files behind an executed notebook, relative to ``root``."""
    code = "\n".join(cell.source for cell in code_cells(notebook) if "colab" not in cell.metadata.get("tags", []))
    if OTHER_PROCESS.search(code):
        return sorted(library_files(root))
    paths = (Path(name).resolve() for name in json.loads(printed))
    return sorted(path.relative_to(root).as_posix() for path in paths if path.is_relative_to(root))


class Store:
    """Executed notebooks on disk, each with the fingerprint of what it was computed from."""

    def __init__(self, folder: Path, root: Path) -> None:
        self.folder, self.root = folder, root
        self.failed: dict[str, nbformat.NotebookNode] = {}  # half-executed, for this build only

    def path(self, docname: str) -> Path:
        return self.folder / f"{docname}.ipynb"

    def load(self, docname: str) -> nbformat.NotebookNode | None:
        try:
            return nbformat.read(self.path(docname), as_version=4)
        except (FileNotFoundError, nbformat.reader.NotJSONError):
            return None

    def save(self, docname: str, notebook: nbformat.NotebookNode, sources: list[str], seconds: float) -> None:
        notebook.metadata["execution"] = {
            "fingerprint": fingerprint(notebook, sources, self.root),
            "sources": sources,
            "seconds": round(seconds, 1),
        }
        target = self.path(docname)
        target.parent.mkdir(parents=True, exist_ok=True)
        half = target.with_suffix(".half")
        nbformat.write(notebook, half)
        half.replace(target)  # a killed build leaves the old file or the new one, never half a file

    def current(self, docname: str, notebook: nbformat.NotebookNode) -> str | None:
        """The fingerprint of the stored outputs if they fit ``notebook`` as it is now, else None."""
        stored = self.load(docname)
        if stored is None or "execution" not in stored.metadata:
            return None
        record = stored.metadata["execution"]
        fits = record["fingerprint"] == fingerprint(notebook, record["sources"], self.root)
        return record["fingerprint"] if fits else None

    def seconds(self, docname: str) -> float:
        stored = self.load(docname)
        return stored.metadata.get("execution", {}).get("seconds", 0.0) if stored else 0.0


async def execute(notebook: nbformat.NotebookNode, folder: Path, timeout: int, threads: int) -> str:
    """Run all cells of ``notebook`` in place, in ``folder``; return what the probe printed."""
    probe = nbformat.v4.new_code_cell(PROBE)
    notebook.cells.append(probe)
    client = NotebookClient(notebook, timeout=timeout, resources={"metadata": {"path": str(folder)}})
    client.extra_arguments = ["--IPKernelApp.log_level=40"]  # each kernel warns that it listens on this machine
    # Kernels share the cores. Threads that outnumber them spin on each other's core, which may cost a factor of ten.
    sharing = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
    environment = {**sharing, **os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    try:
        await client.async_execute(env=environment)
    finally:
        notebook.cells.remove(probe)
    return "".join(output.get("text", "") for output in probe.outputs if output.get("name") == "stdout")


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
