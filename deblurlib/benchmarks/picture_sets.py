"""What a table is computed over: pictures with their sharp originals, made here or read from a folder."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from deblurlib import blur, contracts, images
from deblurlib.benchmarks import levin_files

RIM = 0.999
"""Share of a kernel's light within the size that blind methods are told (our choice)."""

SMALLEST = 62
"""Side of a crop: without the rim that no score looks at, some 32 pixels are left."""

ROOM = 4
"""Pixels of that size beyond it, two on each side: nobody knows a size exactly."""


@dataclass(frozen=True)
class Sample:
    """One picture of a set."""

    name: str
    blurred: Tensor
    """(1, C, H, W) in [0, 1]."""
    sharp: Tensor
    """Same shape."""
    kernel: Tensor | None
    """(1, 1, h, w); None where no single kernel is known."""
    kernel_size: int
    """What blind methods are told."""
    noise: float
    """Standard deviation, as far as it is known: what methods with the kernel are told."""


@dataclass(frozen=True)
class Item:
    """The name of a picture, the scene that it shows, and how to get it: pictures are made when they are needed."""

    name: str
    scene: str
    """Pictures of one scene are not independent: intervals resample scenes."""
    make: Callable[[], Sample]


@dataclass(frozen=True)
class TestSet:
    """Pictures to compare methods on."""

    __test__ = False  # nothing for pytest

    name: str
    description: str
    """In one sentence, with every setting: results under another description are of another set."""
    items: tuple[Item, ...]


def bundled_set(
    *,
    crops: int = 1,
    side: int = 256,
    length: float = 15.0,
    noise: float = 0.01,
    seed: int = 0,
) -> TestSet:
    """Crops of the four bundled photographs that no training sees, under made camera shake.

    Args:
        crops: Of each photograph, at random places.
        side: Of a crop, pixels.
        length: Of the camera's path, in pixels.
        noise: Standard deviation; white is 1.
        seed: Of places, kernels and noise.

    Raises:
        ValueError: a setting out of its range, or a crop that does not fit.

    Example:
        >>> few = bundled_set(crops=1, side=64, length=6.0)
        >>> [item.name for item in few.items], few.items[0].make().blurred.shape
        (['camera-1', 'coffee-1', 'china-1', 'chelsea-1'], torch.Size([1, 1, 64, 64]))
    """
    names = sorted(images.bundled_names("validation")) + sorted(images.bundled_names("test"), reverse=True)
    photographs = [(name, partial(images.bundled, name)) for name in names]
    made = _shaken(photographs, crops, side, length, noise, seed)
    return TestSet("bundled", f"bundled photographs, {_settings(crops, side, length, noise, seed)}", made)


def shaken_set(
    folder: str | Path,
    *,
    count: int | None = None,
    crops: int = 1,
    side: int = 256,
    length: float = 15.0,
    noise: float = 0.01,
    seed: int = 0,
) -> TestSet:
    """Crops of the sharp photographs in a folder, under made camera shake.

    Args:
        folder: With photographs.
        count: How many of them to take, in the order of their names; None takes all.
        crops: As for `bundled_set`.
        side: As for `bundled_set`.
        length: As for `bundled_set`.
        noise: As for `bundled_set`.
        seed: As for `bundled_set`.

    Raises:
        FileNotFoundError: no folder, or no photographs in it.
        ValueError: as `bundled_set`; fewer photographs than `count`; or, when a picture is made, one that is unreadable
            or too small (named).
    """
    files = _photographs(Path(folder))
    if count is not None and not 1 <= count <= len(files):
        raise ValueError(f"count: expected 1 to {len(files)}, as many as {folder} holds, got {count}.")
    files = files[:count]
    photographs = [(path.stem, partial(images.load, path)) for path in files]
    made = _shaken(photographs, crops, side, length, noise, seed)
    about = f"{len(files)} photographs of {Path(folder).name}, {_settings(crops, side, length, noise, seed)}"
    return TestSet("shaken", about, made)


def gopro_set(folder: str | Path, *, kernel_size: int = 31, noise: float = 0.01) -> TestSet:
    """Pairs of Nah et al. (2017): real camera motion, averaged from frames, which no single kernel describes.

    Args:
        folder: With the folders blur and sharp, or with one folder for each sequence that holds these two, as in the
            official archive, of which the whole stands for its test set; pictures of a pair have one name.
        kernel_size: Odd, what blind methods are told.
        noise: What a method that asks for it is told.

    Raises:
        FileNotFoundError: no folder, no pairs in it, or a picture without its partner (named).
        ValueError: an even kernel size; or, when a pair is read, two sizes.
    """
    folder = Path(folder)
    contracts.odd_size(kernel_size, "kernel_size")
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder; it should hold the GoPro pairs in blur and sharp.")
    folder = folder / "test" if (folder / "test").is_dir() else folder
    parents = [folder] if (folder / "blur").is_dir() else sorted(p.parent for p in folder.glob("*/blur"))
    items: list[Item] = []
    for parent in parents:
        sides = [{p.stem: p for p in _photographs(parent / side)} for side in ("blur", "sharp")]
        alone = sorted(sides[0].keys() ^ sides[1].keys())
        if alone:
            raise FileNotFoundError(f"{parent}: only one of blur and sharp has {', '.join(alone)}.")
        for stem in sides[0]:
            name = stem if parent == folder else f"{parent.name}-{stem}"
            make = partial(_pair, name, sides[0][stem], sides[1][stem], kernel_size, noise)
            items.append(Item(name, stem.partition("_f")[0] if parent == folder else parent.name, make))
    if not items:
        raise FileNotFoundError(f"{folder} holds no GoPro pairs: no folders blur and sharp in it, or one below it.")
    return TestSet("gopro", f"{len(items)} GoPro pairs, kernel size {kernel_size}, noise {noise:g}", tuple(items))


def levin_set(folder: str | Path, *, skip: bool = False) -> TestSet:
    """Photographs of Levin et al. (2009), with their measured kernels; `levin` is their official protocol.

    Args:
        folder: As for `levin`.
        skip: As for `levin`.

    Raises:
        FileNotFoundError, ValueError: as `levin_files.find`.
    """
    names = [(levin_files.standard_name(path), path) for path in levin_files.find(folder, skip=skip)]
    items = tuple(Item(name, name.partition("_")[0], partial(_levin, path)) for name, path in names)
    return TestSet("levin", f"{len(items)} photographs of Levin et al. (2009)", items)


def snug_size(kernel: Tensor) -> int:
    """The odd size of the smallest centred window with nearly all of a kernel's light, and a little room.

    Example:
        >>> snug_size(torch.nn.functional.pad(blur.linear_motion(9, 0.0), (10, 10, 14, 14)))
        15
    """
    side = max(kernel.shape[-2:])
    for size in range(1, side, 2):
        inner = kernel[..., _middle(kernel.shape[-2], size), _middle(kernel.shape[-1], size)]
        if float(inner.sum()) >= RIM:
            return min(size + ROOM, side)
    return side


def _middle(side: int, size: int) -> slice:
    start = max(0, (side - size) // 2)
    return slice(start, side - start)


def _settings(crops: int, side: int, length: float, noise: float, seed: int) -> str:
    return f"{crops} crops of {side} pixels each, shakes of {length:g} pixels, noise {noise:g}, seed {seed}"


def _photographs(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder, expected one with photographs.")
    found = sorted(p for p in folder.iterdir() if p.suffix.lower() in images.SUFFIXES)
    if not found:
        raise FileNotFoundError(f"{folder} holds no photographs ({', '.join(images.SUFFIXES)}).")
    return found


def _shaken(
    photographs: Sequence[tuple[str, Callable[[], Tensor]]],
    crops: int,
    side: int,
    length: float,
    noise: float,
    seed: int,
) -> tuple[Item, ...]:
    contracts.number(length, "length", low=0)
    contracts.number(noise, "noise", low=0)
    if crops < 1 or side < SMALLEST:
        raise ValueError(f"crops and side: expected at least 1 and {SMALLEST}, got {crops} and {side}.")
    items = []
    for i, (name, load) in enumerate(photographs):
        for j in range(crops):
            title = name if crops == 1 and len(photographs) > 4 else f"{name}-{j + 1}"
            chance = 10_000 * seed + 100 * i + j
            items.append(Item(title, name, partial(_shake, title, load, side, length, noise, chance)))
    return tuple(items)


def _shake(name: str, load: Callable[[], Tensor], side: int, length: float, noise: float, seed: int) -> Sample:
    """A crop, blurred with real pixels from beyond it, noisy, rounded to 8 bits."""
    kernel_size = 2 * math.ceil(length / 2) + 5  # every path of this length fits
    x, whole = load(), side + kernel_size - 1
    height, width = x.shape[-2:]
    if min(height, width) < whole:
        raise ValueError(f"{name}: {height}x{width} pixels are fewer than a crop and its margin, {whole} a side.")
    chance = torch.Generator().manual_seed(seed)
    v, u = torch.rand(2, generator=chance).tolist()
    top, left = int(v * (height - whole + 1)), int(u * (width - whole + 1))
    x = x[..., top : top + whole, left : left + whole]
    kernel = blur.camera_shake(1, kernel_size, length=length, generator=chance)
    noisy = blur.add_noise(blur.Blur(kernel, "valid")(x), noise, generator=chance)
    margin = kernel_size // 2
    sharp = x[..., margin : margin + side, margin : margin + side].contiguous()
    return Sample(name, (noisy.clamp(0, 1) * 255).round() / 255, sharp, kernel, snug_size(kernel), noise)


def _pair(name: str, blurred: Path, sharp: Path, kernel_size: int, noise: float) -> Sample:
    pair = images.load(blurred), images.load(sharp)
    if pair[0].shape != pair[1].shape:
        raise ValueError(f"{name}: blur is {tuple(pair[0].shape)}, sharp {tuple(pair[1].shape)}, expected one size.")
    return Sample(name, *pair, None, kernel_size, noise)


def _levin(path: Path) -> Sample:
    photograph = levin_files.read(path)
    y, x = photograph.blurred.clamp(0, 1), photograph.sharp.clamp(0, 1)
    return Sample(photograph.name, y, x, photograph.kernel, max(photograph.kernel.shape[-2:]), 0.01)
