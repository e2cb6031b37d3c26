"""Write files so that nothing is lost: whole or not at all, and over an older one only when told to."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class OutputExistsError(FileExistsError, ValueError):
    """The output file is there already, and nobody said that it may be overwritten."""


def check_output(path: str | Path, *, overwrite: bool) -> Path:
    """Check that a file can be written at `path`, and hand back the path.

    Raises:
        FileNotFoundError: its folder does not exist.
        OutputExistsError: it exists and `overwrite` is False.
        ValueError: it is a directory.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a directory, expected the name of a file to write.")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"{path}: the folder {path.parent} does not exist.")
    if path.exists() and not overwrite:
        raise OutputExistsError(f"{path} exists already; choose another name or ask to overwrite it.")
    return path


@contextmanager
def atomic(path: str | Path, *, overwrite: bool) -> Iterator[Path]:
    """Hand out a temporary file beside `path`, and move it there when the block ends well.

    A crash at any moment leaves either the old file or the whole new one: the new one is flushed to disk before the
    move, and the move is one operation of the file system.

    Args:
        path: Where the file should end up.
        overwrite: Whether an existing file may be replaced.

    Yields:
        The path to write to, with the same suffix.

    Raises:
        FileNotFoundError, OutputExistsError, ValueError: as `check_output`.
        OSError: nothing can be written there.
    """
    path = check_output(path, overwrite=overwrite)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-", suffix=path.suffix)
    except OSError as error:
        raise type(error)(f"{path} cannot be written: {error.strerror}.") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        os.replace(temporary, path)
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(temporary)):
            raise
        raise type(error)(error.errno, error.strerror, str(path)) from error  # a full disk does not say whose it is
    finally:
        temporary.unlink(missing_ok=True)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
