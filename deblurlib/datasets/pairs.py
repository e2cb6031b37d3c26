"""Folders that hold a blurred picture for each sharp one, or both without saying which belongs to which."""

from pathlib import Path
from typing import NamedTuple

from deblurlib.contracts import choice
from deblurlib.datasets.folders import name_some, pictures

BLURRED, SHARP = "blur", "sharp"
"""What the folders are called, in GoPro and here."""

SPLITS = ("train", "test")


class Pair(NamedTuple):
    """The files of one scene."""

    blurred: Path
    sharp: Path


def pairs(folder: str | Path) -> list[Pair]:
    """The pairs of a folder that holds `blur/` and `sharp/`, by the names of their files without the suffix.

    Raises:
        FileNotFoundError: the folder, or one of the two, is not there.
        ValueError: no images, or some without a partner (named).
    """
    blurred, sharp = unpaired(folder)
    mine, theirs = ({path.stem: path for path in paths} for paths in (blurred, sharp))
    alone = [path for path in blurred if path.stem not in theirs], [path for path in sharp if path.stem not in mine]
    if any(alone):
        said = [
            f"{len(paths)} in {here}/ without a partner in {there}/: {name_some(paths)}"
            for paths, here, there in zip(alone, (BLURRED, SHARP), (SHARP, BLURRED), strict=True)
            if paths
        ]
        raise ValueError(
            f"{folder}: pairs have the same name in {BLURRED}/ and in {SHARP}/, but there are {'; '.join(said)}. "
            "Pictures that are no pairs serve the system cycle_gan, with data = 'unpaired'."
        )
    return [Pair(path, theirs[path.stem]) for path in blurred]


def unpaired(folder: str | Path) -> tuple[list[Path], list[Path]]:
    """The blurred and the sharp pictures of a folder that holds `blur/` and `sharp/`, of whatever scenes.

    Raises:
        FileNotFoundError: the folder, or one of the two, is not there.
        ValueError: one of them holds no images.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise FileNotFoundError(f"{folder}: there is no such folder of photographs.")
    for name in (BLURRED, SHARP):
        if not (folder / name).is_dir():
            raise FileNotFoundError(f"{folder}: expected the folders {BLURRED}/ and {SHARP}/ in it, found no {name}/.")
    return pictures(folder / BLURRED), pictures(folder / SHARP)


def gopro(folder: str | Path, split: str = "train") -> list[Pair]:
    """The pairs of the GoPro data set (Nah, Kim & Lee 2017) in its official layout.

    `GOPRO_Large/train/GOPR0372_07_00/{blur,blur_gamma,sharp}/000047.png`, likewise for test: of each sequence `blur` is
    taken, the mean of frames as the camera encodes them.

    Args:
        folder: GOPRO_Large, or one of its splits, or a single folder with `blur/` and `sharp/`.
        split: 'train' or 'test', where the folder holds both.

    Raises:
        FileNotFoundError: no such folder.
        ValueError: no sequence in it, or as `pairs`.
    """
    choice(split, "split", SPLITS)
    root = Path(folder)
    if not root.is_dir():
        raise FileNotFoundError(f"{root}: there is no such folder of photographs.")
    root = root / split if (root / split).is_dir() else root
    sequences = [path for path in (root, *sorted(root.iterdir())) if (path / SHARP).is_dir()]
    if not sequences:
        raise ValueError(
            f"{root} holds no sequence of GoPro: expected folders such as {root / 'GOPR0372_07_00'} "
            f"with {BLURRED}/ and {SHARP}/ in them."
        )
    return [pair for sequence in sequences for pair in pairs(sequence)]
