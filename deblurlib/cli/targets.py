"""Where a command writes: checked before anything is computed, and in which depth."""

import warnings
from pathlib import Path
from typing import Any

from PIL import Image

from deblurlib import images
from deblurlib.files import check_output


def for_photographs(photos: list[Path], out: str, *, force: bool) -> list[Path]:
    """Where each photograph goes: one to a file, several (or one, where `out` is a folder) into a folder.

    Raises:
        FileNotFoundError, OutputExistsError, ValueError: one of the files cannot be written, two would be the same, or
            a photograph is a folder.
    """
    for photo in photos:
        if photo.is_dir():
            raise ValueError(f"{photo} is a directory, expected image files: name them, as {photo / '*.jpg'} does.")
    folder = Path(out)
    if len(photos) == 1 and not folder.is_dir() and not out.endswith(("/", "\\")):
        check_target(folder, force=force)
        return [folder]
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file; {len(photos)} photographs need a folder.")
    if not folder.parent.is_dir():
        raise FileNotFoundError(f"{folder}: the folder {folder.parent} does not exist.")
    targets = [folder / (p.name if p.suffix.lower() in images.SUFFIXES else f"{p.stem}.png") for p in photos]
    for i, target in enumerate(targets):
        if target in targets[:i]:
            raise ValueError(f"{target.name}: two of the photographs have this name; deblur them one by one.")
        if folder.is_dir():
            check_target(target, force=force)
    return targets


def check_target(path: Path, *, force: bool) -> None:
    """Check that a photograph can be written at `path`.

    Raises:
        FileNotFoundError, OutputExistsError, ValueError: as `check_output`, or a format that is not written.
    """
    if check_output(path, overwrite=force).suffix.lower() not in images.SUFFIXES:
        raise ValueError(f"{path}: cannot write {path.suffix!r}, expected one of {', '.join(images.SUFFIXES)}.")


def bits(photo: Path, target: Path) -> int:
    """16 where the photograph has them and the target can hold them: a TIFF or a grey PNG."""
    with warnings.catch_warnings(action="ignore"), Image.open(photo) as file:
        grey = file.mode.startswith("I")
        tags: Any = getattr(file, "tag_v2", {})
        deep = grey or (file.format == "TIFF" and max(tags.get(258, (8,))) > 8)
    suffix = target.suffix.lower()
    return 16 if deep and (suffix in (".tif", ".tiff") or (grey and suffix == ".png")) else 8
