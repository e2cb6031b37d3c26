"""Executed notebooks on disk, and whether they still fit: the memory of ``book_execution``."""

import hashlib
import os
import platform
from collections.abc import Iterable, Iterator
from pathlib import Path

import nbformat

LIBRARY = "deblurlib"
FORMAT = "1"  # raise it when the meaning of a stored notebook changes


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
