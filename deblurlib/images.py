"""From files to tensors and back; the photographs that come with the library's own dependencies."""

import importlib.util
import logging
import math
import os
import warnings
from pathlib import Path

import numpy as np
import tifffile
import torch
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from torch import Tensor

from deblurlib import contracts
from deblurlib.files import atomic
from deblurlib.photographs import PHOTOGRAPHS

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".tif", ".tiff")
"""The formats that `save` writes; `load` reads whatever Pillow and tifffile read."""

JPEG_QUALITY = 95
"""Of JPEG and WebP files (our choice): below it, block edges reach the size of the differences that we look at. JPEG
keeps the colours at full resolution; WebP cannot."""

for _decoder in ("PIL", "tifffile"):  # what they have to say of a strange file, `load` says
    logging.getLogger(_decoder).addHandler(logging.NullHandler())

DEEP = ("RGB;16B", "RGBA;16B", "LA;16B")
"""What Pillow calls the pixels of a PNG file of 16-bit colour; it reads 16-bit grey as it is."""

_BITS_TAG, _PHOTOMETRIC_TAG, _ORIENTATION_TAG, _PLANES_TAG = 258, 262, 274, 284


def load(path: str | Path) -> Tensor:
    """Read an image file.

    8-bit values are divided by 255, 16-bit ones by 65535. The orientation that the camera noted is applied.
    Transparent pixels are laid over white. Of an animation or a multi-page file the first picture is read.

    Args:
        path: Of a PNG, JPEG, WebP, TIFF or any other file that Pillow reads.

    Returns:
        (1, C, H, W) float32 in [0, 1], C = 1 for grey and 3 for colour.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a directory, an unreadable or truncated file, an image of fewer than 2x2 pixels, or one whose
            floating-point values leave [0, 1] by more than half.

    Example:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save(f"{folder}/grey.png", torch.full((1, 1, 2, 3), 0.5))
        ...     round(load(f"{folder}/grey.png")[0, 0, 0, 0].item() * 255)
        128
    """
    path = Path(path)
    if os.path.isdir(path):
        raise ValueError(f"{path} is a directory, expected an image file.")
    if not os.path.exists(path):
        raise FileNotFoundError(f"{path}: there is no such file.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of a strange note in a file that can be read all the same
            array, white = _read(path)
    except Exception as error:  # the decoders of a dozen formats raise what they like
        reason = "no image format is recognised" if isinstance(error, UnidentifiedImageError) else str(error)
        raise ValueError(f"{path} is not a readable image: {reason}") from error
    x = torch.from_numpy(np.ascontiguousarray(array, dtype=np.float32) / np.float32(white))
    x = x[..., None] if x.ndim == 2 else x
    if x.shape[-1] in (2, 4):
        alpha = x[..., -1:]
        x = x[..., :-1] * alpha + (1 - alpha)
    x = x.permute(2, 0, 1)[None].contiguous()
    return contracts.photograph(x, str(path)).clamp_(0, 1)


def _read(path: Path) -> tuple[NDArray[np.generic], float]:
    """Pixels (H, W) or (H, W, C) as they are in the file, turned upright, and the value of white."""
    # As a stream: of a path, Pillow maps an uncompressed TIFF into memory with the sides of the picture once turned.
    with path.open("rb") as stream, Image.open(stream) as file:
        if isinstance(file, TiffImageFile) and file.mode != "CMYK" and max(file.tag_v2.get(_BITS_TAG, (1,))) > 8:
            array = _deep_tiff(path, file)
        elif isinstance(file, PngImageFile) and file.tile and file.tile[0].args in DEEP:
            array = _deep_png(path, str(file.tile[0].args))
        else:
            file.load()  # Pillow turns a TIFF upright as it reads it, and drops the note that it was not
            array = _shallow(file)
        orientation = file.getexif().get(_ORIENTATION_TAG, 1)
    kind, bits = array.dtype.kind, 8 * array.dtype.itemsize
    return _upright(array, orientation), 1.0 if kind == "f" else 2.0 ** (bits - (kind == "i")) - 1


def _shallow(file: Image.Image) -> NDArray[np.generic]:
    """What Pillow reads without loss: 8 bits, and the 16-bit or floating-point grey of rarer formats."""
    if file.mode == "F" or file.mode.startswith("I;16"):
        return np.asarray(file)
    if file.mode == "I":  # 16 bits that Pillow keeps in 32
        array = np.asarray(file)
        if array.min() < 0 or array.max() > 65535:
            raise ValueError(f"its grey values run from {array.min()} to {array.max()}, expected 0 to 65535")
        return array.astype(np.uint16)
    transparent = "transparency" in file.info or file.mode in ("LA", "PA", "La", "RGBA", "RGBa")
    grey = file.mode in ("1", "L", "LA", "La")
    return np.asarray(file.convert(("LA" if grey else "RGBA") if transparent else "L" if grey else "RGB"))


def _deep_tiff(path: Path, file: TiffImageFile) -> NDArray[np.generic]:
    with tifffile.TiffFile(path) as tiff:
        page = tiff.pages.first
        segments = list(zip(page.dataoffsets, page.databytecounts, strict=True))
        size = path.stat().st_size
        if len(segments) != math.prod(page.chunked) or any(start + length > size for start, length in segments):
            raise ValueError("its pixels are cut short")  # tifffile would make the missing ones black
        array = page.asarray()
    if array.ndim == 3 and file.tag_v2.get(_PLANES_TAG) == 2:
        array = np.moveaxis(array, 0, -1)  # each colour by itself
    if array.ndim not in (2, 3):
        raise ValueError(f"expected one picture, found an array of shape {array.shape}")
    return np.invert(array) if file.tag_v2.get(_PHOTOMETRIC_TAG) == 0 else array  # 0: white is zero


def _deep_png(path: Path, rawmode: str) -> NDArray[np.generic]:
    """16-bit colour, of which Pillow keeps one byte of two: the high ones as it finds them, the low ones on request."""

    def read(rawmode: str) -> NDArray[np.uint16]:
        with path.open("rb") as stream, Image.open(stream) as file:
            file.tile = [file.tile[0]._replace(args=rawmode)]
            return np.asarray(file).astype(np.uint16)

    if rawmode == "LA;16B":  # grey and alpha take as many bytes as four 8-bit channels
        pairs = read("RGBA")
        return 256 * pairs[..., ::2] + pairs[..., 1::2]
    return 256 * read(rawmode) + read(rawmode.replace("16B", "16L"))


def _upright(array: NDArray[np.generic], orientation: int) -> NDArray[np.generic]:
    """Undo the eight orientations of the EXIF standard."""
    if orientation in (5, 6, 7, 8):
        array = np.swapaxes(array, 0, 1)
    if orientation in (3, 4, 7, 8):
        array = array[::-1]
    if orientation in (2, 3, 6, 7):
        array = array[:, ::-1]
    return array


def save(path: str | Path, image: Tensor, *, overwrite: bool = False, bits: int = 8) -> None:
    """Write an image file, whole or not at all. Values are clipped to [0, 1] and rounded to the nearest level.

    Args:
        path: Its suffix names the format: .png, .jpg, .jpeg, .webp, .tif, .tiff.
        image: (1, C, H, W), C = 1 or 3, in [0, 1].
        overwrite: Whether an existing file may be replaced.
        bits: 8, or 16 for a grey PNG and for any TIFF.

    Raises:
        TypeError, ValueError: not one image, an unknown suffix, or a depth that the format cannot hold.
        FileNotFoundError: the folder does not exist.
        OutputExistsError: the file exists and `overwrite` is False (a FileExistsError and a ValueError).

    Example:
        >>> save("picture.bmp", torch.zeros(1, 3, 8, 8))
        Traceback (most recent call last):
        ...
        ValueError: picture.bmp: cannot write '.bmp', expected one of .png, .jpg, .jpeg, .webp, .tif, .tiff.
    """
    path = Path(path)
    contracts.photograph(image)
    if image.shape[0] != 1:
        raise ValueError(
            f"image: expected a batch of one, got {image.shape[0]}. Save them one by one: images[i : i + 1]."
        )
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise ValueError(f"{path}: cannot write {suffix!r}, expected one of {', '.join(SUFFIXES)}.")
    tiff, grey = suffix in (".tif", ".tiff"), image.shape[1] == 1
    if bits not in (8, 16) or (bits == 16 and not (tiff or (suffix == ".png" and grey))):
        raise ValueError(f"{path}: {bits} bits cannot be written here; 16 bits go into a TIFF or a grey PNG.")
    white = 255 if bits == 8 else 65535
    pixels = (image[0].detach().cpu().double().clamp(0, 1) * white).round().permute(1, 2, 0).numpy()
    array = pixels.astype(np.uint8 if bits == 8 else np.uint16)
    array = array[..., 0] if grey else array
    with atomic(path, overwrite=overwrite) as temporary:
        if tiff:
            tifffile.imwrite(temporary, array, photometric="minisblack" if grey else "rgb")
        else:
            Image.fromarray(array).save(temporary, quality=JPEG_QUALITY, subsampling=0)


def bundled_names(role: str | None = None) -> list[str]:
    """The names of the photographs that come with the library's dependencies, all offline.

    Args:
        role: 'train', 'validation', 'test', 'demonstration' (a really blurred photograph), or None for all.
            No scene is in two roles.

    Raises:
        ValueError: an unknown role.

    Example:
        >>> bundled_names("validation")
        ['coffee', 'camera']
    """
    if role is not None:
        contracts.choice(role, "role", ("train", "validation", "test", "demonstration"))
    return [name for name, photograph in PHOTOGRAPHS.items() if role in (None, photograph.role)]


def bundled(name: str) -> Tensor:
    """A photograph that comes with the library's dependencies, read from the installed package.

    Args:
        name: One of `bundled_names()`.

    Returns:
        (1, C, H, W) float32 in [0, 1].

    Raises:
        ValueError: an unknown name; the message lists the known ones.

    Example:
        >>> bundled("camera").shape
        torch.Size([1, 1, 512, 512])
    """
    contracts.choice(name, "name", list(PHOTOGRAPHS))
    photograph = PHOTOGRAPHS[name]
    spec = importlib.util.find_spec(photograph.package)
    if spec is None or spec.origin is None:
        raise FileNotFoundError(f"{name}: comes with {photograph.package}, which is not installed.")
    x = load(Path(spec.origin).parent / photograph.file)
    return torch.nn.functional.avg_pool2d(x, photograph.shrink) if photograph.shrink > 1 else x
