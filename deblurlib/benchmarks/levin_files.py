"""The files of Levin et al. (2009): four pictures through eight shakes, photographed, in MATLAB's format."""

import re
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

NAMES = re.compile(r"im0?(\d)_(?:ker|flit)0?(\d)")
"""Of a file, without its suffix: im01_ker03, or im05_flit03 in the authors' archive, whose pictures count from 5."""

PICTURES, KERNELS = 4, 8


@dataclass(frozen=True)
class Photograph:
    """One of the 32."""

    name: str
    """im01_ker03."""
    blurred: Tensor
    """(1, 1, H, W) in [0, 1]."""
    sharp: Tensor
    """Same shape; of this file, for the sharp pictures differ a little from file to file."""
    kernel: Tensor
    """(1, 1, h, w), sum 1, for true convolution: the files keep it turned by 180 degrees."""


def find(folder: str | Path, *, skip: bool = False) -> list[Path]:
    """The files of the benchmark in a folder, by name; those of the 32 that are not there are named in a warning.

    Args:
        folder: With the .mat files.
        skip: Whether to leave out .mat files that do not belong, with a warning that names them.

    Raises:
        FileNotFoundError: no such folder, or none of the files in it.
        ValueError: a .mat file that does not belong, unless `skip`.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder} is no folder; it should hold the .mat files of Levin et al. (2009).")
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() == ".mat")
    foreign = [p for p in files if not NAMES.fullmatch(p.stem)]
    if foreign:
        names = ", ".join(p.name for p in foreign)
        if not skip:
            raise ValueError(f"{folder}: {names}: not of Levin's benchmark. Take them out, or ask to skip them.")
        warnings.warn(f"{folder}: skipped, not of Levin's benchmark: {names}.", stacklevel=2)
    files = [p for p in files if p not in foreign]
    if not files:
        raise FileNotFoundError(f"{folder} holds none of Levin's files, such as im01_ker01.mat or im05_flit01.mat.")
    there = [standard_name(p) for p in files]
    twice = sorted({n for n in there if there.count(n) > 1})
    if twice:
        raise ValueError(f"{folder}: {', '.join(twice)}: there twice, under two names. Take one of them out.")
    every = [f"im0{i}_ker0{k}" for i in range(1, PICTURES + 1) for k in range(1, KERNELS + 1)]
    missing = [n for n in every if n not in there]
    if missing:
        warnings.warn(f"{folder}: {len(files)} of {len(every)} files; missing: {', '.join(missing)}.", stacklevel=2)
    return files


def standard_name(path: Path) -> str:
    """The name of a file by picture 1-4 and kernel 1-8.

    Example:
        >>> standard_name(Path("im05_flit03.mat"))
        'im01_ker03'
    """
    match = NAMES.fullmatch(path.stem)
    if match is None:
        raise ValueError(f"{path.name}: not the name of one of Levin's files.")
    picture, kernel = (int(n) for n in match.groups())
    return f"im0{picture - 4 if 'flit' in path.stem else picture}_ker0{kernel}"


def read(path: str | Path) -> Photograph:
    """Read one file.

    Raises:
        FileNotFoundError: there is none.
        ValueError: not MATLAB's format, or not with x, y and f as in Levin's files.
    """
    from scipy.io import loadmat  # here, since it is slow to import, and few need it

    path = Path(path)
    try:
        content: dict[str, Any] = loadmat(path)
    except FileNotFoundError:
        raise
    except Exception as error:  # SciPy raises many kinds for a damaged file
        raise ValueError(f"{path.name}: not a readable MATLAB file: {error}") from error
    missing = [n for n in ("y", "x", "f") if n not in content]
    if missing:
        raise ValueError(f"{path.name}: has no {', '.join(missing)}; Levin's files hold y, x and f.")
    arrays = [np.asarray(content[n]) for n in ("y", "x", "f")]
    good = all(a.ndim == 2 and a.dtype.kind in "fiu" and np.isfinite(a).all() for a in arrays)
    if not good or arrays[0].shape != arrays[1].shape or arrays[2].sum() <= 0 or arrays[2].min() < 0:
        raise ValueError(f"{path.name}: y and x should be pictures of one size, and f a kernel; they are not.")
    if max(float(a.max()) for a in arrays[:2]) > 2:
        raise ValueError(f"{path.name}: its pictures go beyond [0, 1].")
    y, x, f = (torch.from_numpy(a.astype(np.float32))[None, None] for a in arrays)
    kernel = f.flip(-1, -2)
    pad = [0, 1 - kernel.shape[-1] % 2, 0, 1 - kernel.shape[-2] % 2]
    kernel = torch.nn.functional.pad(kernel, pad)
    return Photograph(standard_name(path), y, x, kernel / kernel.sum())
