"""The pictures in a folder, and what to do about those that cannot be read."""

import warnings
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from deblurlib import images

NAMED = 8
"""Files that a message names at most."""


def pictures(folder: str | Path) -> list[Path]:
    """The image files of a folder by name; hidden files and others are left out.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: it holds no images.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder of photographs.")
    paths = [p for p in sorted(folder.iterdir()) if p.suffix.lower() in images.SUFFIXES and p.name[0] != "."]
    if not paths:
        raise ValueError(f"{folder} holds no images ({', '.join(images.SUFFIXES)}).")
    return paths


def read(paths: Sequence[Path], *, skip: bool = False) -> dict[Path, Tensor]:
    """Read pictures as bytes, grey ones as three equal channels.

    Args:
        paths: Of image files.
        skip: Whether to leave out, with a warning, what cannot be read.

    Returns:
        Path -> (3, H, W) uint8.

    Raises:
        ValueError: some cannot be read (all are named, with the first one's reason), or none can.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     images.save(f"{folder}/grey.png", torch.full((1, 1, 2, 4), 0.2))
        ...     [tuple(x.shape) for x in read(pictures(folder)).values()]
        [(3, 2, 4)]
    """
    found: dict[Path, Tensor] = {}
    broken: list[Path] = []
    why = ""
    for path in paths:
        try:
            found[path] = (images.load(path)[0].expand(3, -1, -1) * 255).round().to(torch.uint8)
        except (ValueError, OSError) as error:
            broken.append(path)
            why = why or str(error)
    if not broken:
        return found
    listed = f"{len(broken)} of {len(paths)} pictures cannot be read: {name_some(broken)}"
    if not found or not skip:
        raise ValueError(f"{why}. In all, {listed}. The setting skip_unreadable leaves out what cannot be read.")
    warnings.warn(f"{listed}; they are left out.", UserWarning, stacklevel=2)
    return found


def name_some(paths: Sequence[Path]) -> str:
    """Names of files, the first few.

    Example:
        >>> name_some([Path(f"a/{i}.png") for i in range(10)])
        '0.png, 1.png, 2.png, 3.png, 4.png, 5.png, 6.png, 7.png and 2 more'
    """
    names = ", ".join(path.name for path in paths[:NAMED])
    return names + (f" and {len(paths) - NAMED} more" if len(paths) > NAMED else "")
