"""Kernels as image files: bright where the light goes."""

from pathlib import Path

from torch import Tensor
from torch.nn import functional as F

from deblurlib import contracts, images

SUFFIXES = (".png", ".tif", ".tiff")
"""The formats that keep 16 bits of grey: what JPEG adds to a kernel, deconvolution would undo."""


def load_kernel(path: str | Path) -> Tensor:
    """Read a kernel from an image file: grey, divided by its sum.

    Colours are averaged. An even side gets one dark row or column at its end, so that the pixel h // 2, the centre by
    the library's convention, stays the centre.

    Args:
        path: Of any image that `images.load` reads.

    Returns:
        (1, 1, h, w) float32, odd, non-negative, sum 1.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not a readable image, or a black one.

    Example:
        >>> import tempfile
        >>> from deblurlib.blur import disk
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     save_kernel(f"{folder}/disk.png", disk(3.0))
        ...     bool((load_kernel(f"{folder}/disk.png") - disk(3.0)).abs().max() < 1e-6)
        True
    """
    k = images.load(path).mean(dim=1, keepdim=True)
    total = float(k.sum())
    if total == 0:
        raise ValueError(f"{path}: the image is black, so it lets no light through and is no kernel.")
    k = F.pad(k, (0, 1 - k.shape[-1] % 2, 0, 1 - k.shape[-2] % 2))
    return contracts.kernel(k / total, str(path))


def save_kernel(path: str | Path, kernel: Tensor, *, overwrite: bool = False) -> None:
    """Write a kernel as a grey image of 16 bits, its largest value white.

    A kernel of one row or column gets a dark frame, because an image file needs two pixels a side.

    Args:
        path: Its suffix names the format: .png, .tif, .tiff.
        kernel: (1, 1, h, w), odd, non-negative, sum 1.
        overwrite: Whether an existing file may be replaced.

    Raises:
        TypeError, ValueError: not one kernel, or another suffix.
        FileNotFoundError: the folder does not exist.
        OutputExistsError: the file exists and `overwrite` is False.

    Example:
        >>> import torch
        >>> save_kernel("kernel.jpg", torch.ones(1, 1, 1, 1))
        Traceback (most recent call last):
        ...
        ValueError: kernel.jpg: a kernel is kept as .png, .tif, .tiff.
    """
    contracts.kernel(kernel)
    if kernel.shape[0] != 1:
        raise ValueError(f"kernel: expected a batch of one, got {kernel.shape[0]}. Save them one by one.")
    if Path(path).suffix.lower() not in SUFFIXES:
        raise ValueError(f"{path}: a kernel is kept as {', '.join(SUFFIXES)}.")
    down, across = (int(side < contracts.SMALLEST_SIDE) for side in kernel.shape[-2:])
    k = F.pad(kernel.detach(), (across, across, down, down))
    images.save(path, (k / k.max()).float(), overwrite=overwrite, bits=16)
