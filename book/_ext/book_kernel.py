"""Run one notebook in a kernel, and ask the kernel which files of the library it loaded."""

import json
import os
import re
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from queue import Empty

import nbformat
from book_store import LIBRARY, code_cells, library_files
from nbclient import NotebookClient

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


def imported_sources(printed: str, notebook: nbformat.NotebookNode, root: Path) -> list[str]:
    """The library's files behind an executed notebook, relative to ``root`` where they lie in it."""
    code = "\n".join(cell.source for cell in code_cells(notebook) if "colab" not in cell.metadata.get("tags", []))
    if OTHER_PROCESS.search(code):
        return sorted(library_files(root))
    paths = (Path(name).resolve() for name in json.loads(printed))
    return sorted((path.relative_to(root) if path.is_relative_to(root) else path).as_posix() for path in paths)


class PatientClient(NotebookClient):
    """A client that looks again for a reply which it was not woken for.

    Widgets make nbclient send on the socket that it waits on, past the loop that watches it. If the kernel's reply
    comes in that moment, the wake-up is lost, and the reply lies there until the cell's time is over: five minutes.
    """

    async def async_start_new_kernel_client(self) -> object:
        """Start as nbclient does, but wait for replies in slices."""
        client = await super().async_start_new_kernel_client()
        client.shell_channel.get_msg = in_slices(client.shell_channel.get_msg)
        return client


def in_slices(get: Callable[..., Awaitable[object]], seconds: float = 0.5) -> Callable[..., Awaitable[object]]:
    """The same `get`, which waits several times for a short while instead of once for long."""

    async def get_msg(timeout: float | None = None) -> object:
        end = time.monotonic() + (float("inf") if timeout is None else timeout)
        while True:
            left = end - time.monotonic()
            try:
                return await get(timeout=max(0.0, min(seconds, left)))
            except Empty:
                if left <= seconds:
                    raise

    return get_msg


async def execute(notebook: nbformat.NotebookNode, folder: Path, timeout: int, threads: int) -> str:
    """Run all cells of ``notebook`` in place, in ``folder``; return what the probe printed."""
    probe = nbformat.v4.new_code_cell(PROBE)
    notebook.cells.append(probe)
    client = PatientClient(notebook, timeout=timeout, resources={"metadata": {"path": str(folder)}})
    client.extra_arguments = ["--IPKernelApp.log_level=40"]  # each kernel warns that it listens on this machine
    # Kernels share the cores. Threads that outnumber them spin on each other's core, which may cost a factor of ten.
    sharing = {"OMP_NUM_THREADS": str(threads), "OMP_WAIT_POLICY": "passive"}
    environment = {**sharing, **os.environ, "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    try:
        await client.async_execute(env=environment)
    finally:
        notebook.cells.remove(probe)
    return "".join(output.get("text", "") for output in probe.outputs if output.get("name") == "stdout")
