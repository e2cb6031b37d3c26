"""Still figures: photographs, kernels and their spectra.

Every function returns a matplotlib figure that pyplot does not know: as the last expression of a cell it shows itself
once.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray
from torch import Tensor

from deblurlib import contracts
from deblurlib.blur.operator import transfer_function
from deblurlib.show.style import COLOURS, WIDTH, blank, look, wrapped


def side_by_side(
    *images: Tensor,
    titles: Sequence[str] = (),
    columns: int | None = None,
    zoom: tuple[int, int, int] | None = None,
) -> Figure:
    """Photographs beside each other, in their true pixels.

    Args:
        images: (B, C, H, W) each, in [0, 1]; what overshoots is clipped. A batch counts as its images.
        titles: One for each image, or none.
        columns: In a row; None puts up to four into one.
        zoom: (top, left, width) in pixels: a part, with the proportions of the first image, that is outlined in each
            image and enlarged below it.

    Returns:
        The figure.

    Raises:
        TypeError, ValueError: not images, another number of titles than of images, or a part outside the images.

    Example:
        >>> figure = side_by_side(torch.zeros(1, 3, 8, 8), torch.ones(2, 1, 8, 8), titles=("a", "b", "c"))
        >>> [axes.get_title() for axes in figure.axes]
        ['a', 'b', 'c']
    """
    pictures = [picture for x in images for picture in _pixels(x)]
    columns = _columns(len(pictures), titles, columns, most=4)
    rows = math.ceil(len(pictures) / columns)
    height, width = pictures[0].shape[:2]
    if zoom:
        top, left, wide = zoom
        tall = round(wide * height / width)
        smallest = min(picture.shape[0] for picture in pictures), min(picture.shape[1] for picture in pictures)
        if min(wide, tall) < 1 or min(top, left) < 0 or top + tall > smallest[0] or left + wide > smallest[1]:
            raise ValueError(
                f"zoom: {tall}x{wide} pixels from ({top}, {left}) do not lie inside images of "
                f"{smallest[0]}x{smallest[1]} pixels."
            )
    cell = WIDTH / max(columns, 2)
    down = rows * (2 if zoom else 1)
    titles = [wrapped(title, cell) for title in titles]
    above = 0.06 + 0.16 * max(title.count("\n") + 1 for title in titles) if titles else 0.02 / rows
    with look():
        figure = blank(cell * columns, down * cell * height / width + above * rows)
        grid = figure.subplots(down, columns, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for i, picture in enumerate(pictures):
            row, column = divmod(i, columns)
            axes = grid[row * (2 if zoom else 1), column]
            _photograph(axes, picture, titles[i] if titles else "")
            if zoom:
                axes.add_patch(Rectangle((left - 0.5, top - 0.5), wide, tall, fill=False, ec="white", lw=2.2))
                axes.add_patch(Rectangle((left - 0.5, top - 0.5), wide, tall, fill=False, ec=COLOURS[1], lw=1.2))
                _photograph(grid[2 * row + 1, column], picture[top : top + tall, left : left + wide], "", COLOURS[1])
    return figure


def film_strip(frames: Tensor | Sequence[Tensor], labels: Sequence[str] = (), *, columns: int | None = None) -> Figure:
    """Stages of one picture in a row, close together, each with its label.

    Args:
        frames: (1, C, H, W) each, or one batch.
        labels: One for each frame, or none.
        columns: In a row; None puts up to eight into one.

    Returns:
        The figure.

    Raises:
        TypeError, ValueError: as `side_by_side`.
    """
    stages = [frames] if isinstance(frames, Tensor) else list(frames)
    count = sum(len(stage) for stage in stages)
    return side_by_side(*stages, titles=labels, columns=columns or min(count, 8))


def kernels(kernels: Tensor | Sequence[Tensor], titles: Sequence[str] = (), columns: int | None = None) -> Figure:
    """Kernels as pictures: bright where the light goes, each scaled to its own maximum.

    Args:
        kernels: (B, 1, h, w), or a sequence of them, of one size or of several.
        titles: One for each kernel, or none.
        columns: In a row; None puts up to six into one.

    Returns:
        The figure.

    Raises:
        TypeError, ValueError: broken kernels, or another number of titles.

    Example:
        >>> from deblurlib.blur import disk, gaussian
        >>> len(kernels([disk(3.0), gaussian(9, 2.0)], titles=("disk", "Gaussian")).axes)
        2
    """
    several = [kernels] if isinstance(kernels, Tensor) else list(kernels)
    pictures = [k[0].detach().cpu().double().numpy() for batch in several for k in contracts.kernel(batch)]
    columns = _columns(len(pictures), titles, columns, most=6)
    rows = math.ceil(len(pictures) / columns)
    cell = min(WIDTH / columns, 2.2)
    titles = [wrapped(title, cell) for title in titles]
    above = 0.04 + 0.16 * max(title.count("\n") + 1 for title in titles) if titles else 0.02
    with look():
        figure = blank(cell * columns, (cell + above) * rows)
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for i, picture in enumerate(pictures):
            axes = grid[i // columns, i % columns]
            axes.imshow(picture, cmap="magma", vmin=0, vmax=picture.max())
            axes.set_title(titles[i] if titles else "")
    return figure


def spectrum(
    kernel: Tensor,
    shape: tuple[int, int] = (256, 256),
    mark_below: float | None = None,
    *,
    titles: Sequence[str] = (),
) -> Figure:
    """What a kernel does to each frequency: |K| on a logarithmic scale, frequency zero in the middle.

    Args:
        kernel: (B, 1, h, w); several are put beside each other.
        shape: (H, W) of the image that the kernel is meant for.
        mark_below: Outline the frequencies that keep less than this, and say how many they are.
        titles: One for each kernel, or none.

    Returns:
        The figure.

    Raises:
        TypeError, ValueError: a broken kernel, one larger than `shape`, or another number of titles.

    Example:
        >>> from deblurlib.blur import disk
        >>> spectrum(disk(4.0), mark_below=0.01).axes[0].get_xlabel()
        'horizontal frequency (cycles per pixel)'
    """
    contracts.kernel(kernel)
    columns = _columns(len(kernel), titles, None, most=2 if len(kernel) == 4 else 3)
    rows = math.ceil(len(kernel) / columns)
    whole = torch.fft.fftshift(_whole_plane(transfer_function(kernel.detach().cpu().double(), shape), shape), (-2, -1))
    cell = min(3.0, WIDTH / columns)
    darkest = min(1e-3, (mark_below or 1) / 10)
    with look():
        figure = blank(cell * columns + 0.7, (cell + 0.35) * rows)
        grid = figure.subplots(rows, columns, squeeze=False, sharex=True, sharey=True)
        for axes in grid.flat[len(kernel) :]:
            axes.set_axis_off()
        for i, plane in enumerate(whole[:, 0].numpy()):
            axes = grid.flat[i]
            axes.imshow(plane.clip(darkest, 1), cmap="magma", norm=LogNorm(darkest, 1), extent=(-0.5, 0.5, 0.5, -0.5))
            title = titles[i] if titles else ""
            if mark_below is not None:
                lost = float((plane < mark_below).mean())
                if 0 < lost < 1:
                    centre = [(np.arange(n) + 0.5) / n - 0.5 for n in (plane.shape[1], plane.shape[0])]
                    axes.contour(*centre, plane, levels=[mark_below], colors=COLOURS[5], linewidths=0.9)
                share = f"|K| < {mark_below:g} for {_percent(lost)}{' of frequencies' if columns < 3 else ''}"
                title = f"{title}\n{share}" if title else share
            axes.set_title(title)
            axes.grid(False)
            axes.set_xticks([-0.5, 0, 0.5])
            axes.set_yticks([-0.5, 0, 0.5])
            axes.set_xlabel("horizontal frequency (cycles per pixel)" if columns < 3 else "cycles per pixel")
        grid[0, 0].set_ylabel("vertical frequency")
        bar = figure.colorbar(grid[0, 0].images[0], ax=grid, shrink=0.8, pad=0.02)
        bar.set_label("|K|")
        bar.outline.set_visible(False)
    return figure


def workbench(photograph: Tensor, kernel: Tensor) -> Figure:
    """A photograph, large; beside it the kernel and what it does to each frequency.

    Args:
        photograph: (1, C, H, W) in [0, 1].
        kernel: (1, 1, h, w).

    Returns:
        The figure.

    Raises:
        TypeError, ValueError: a broken image or kernel.
    """
    picture = next(iter(_pixels(photograph)))
    k = contracts.kernel(kernel)[0, 0].detach().cpu().double()
    shape = (max(128, k.shape[0]), max(128, k.shape[1]))
    plane = torch.fft.fftshift(_whole_plane(transfer_function(k[None, None], shape), shape), (-2, -1))[0, 0]
    with look():
        figure = blank(WIDTH, 0.68 * WIDTH * picture.shape[0] / picture.shape[1] + 0.2)
        grid = figure.add_gridspec(2, 2, width_ratios=(2.1, 1))
        _photograph(figure.add_subplot(grid[:, 0]), picture, "")
        for place, values, title, norm in (
            (grid[0, 1], k, f"kernel, {k.shape[0]}x{k.shape[1]} pixels", None),
            (grid[1, 1], plane.clamp(1e-3, 1), "|K|, from 1/1000 to 1", LogNorm(1e-3, 1)),
        ):
            axes = figure.add_subplot(place)
            axes.imshow(values.numpy(), cmap="magma", norm=norm)
            axes.set_title(title)
            axes.set_axis_off()
    return figure


def _photograph(axes: Axes, picture: NDArray[np.float64], title: str, frame: str | None = None) -> None:
    grey = picture.shape[-1] == 1
    # Pixels stay pixels when enlarged; a reduced photograph is averaged, because dropping pixels would sharpen it.
    room = axes.get_position().width * axes.figure.get_figwidth() * axes.figure.dpi  # type: ignore[union-attr]
    way = "nearest" if picture.shape[1] <= room else "hanning"
    axes.imshow(picture[..., 0] if grey else picture, cmap="gray", vmin=0, vmax=1, interpolation=way)
    axes.set_title(title)
    axes.set_axis_off()
    if frame:
        height, width = picture.shape[:2]
        axes.add_patch(Rectangle((-0.5, -0.5), width, height, fill=False, ec=frame, lw=1.6, clip_on=False))


def _pixels(x: Tensor) -> Iterable[NDArray[np.float64]]:
    """(H, W, C) in [0, 1] for each image of a batch; what noise and ringing overshoot is clipped, however far."""
    contracts.photograph(x.clamp(-0.5, 1.5) if isinstance(x, Tensor) and x.is_floating_point() else x)
    pictures: NDArray[np.float64] = x.detach().cpu().double().clamp(0, 1).permute(0, 2, 3, 1).numpy()
    return pictures


def _columns(count: int, titles: Sequence[str], columns: int | None, *, most: int) -> int:
    if count == 0:
        raise ValueError("There is nothing to draw.")
    if isinstance(titles, str):
        raise TypeError(f"titles: expected a sequence of strings, got the string {titles!r}.")
    if titles and len(titles) != count:
        raise ValueError(f"titles: expected {count}, one for each picture, got {len(titles)}.")
    if columns is not None and columns < 1:
        raise ValueError(f"columns: expected at least 1, got {columns}.")
    return min(count, columns or most)


def _whole_plane(half: Tensor, shape: tuple[int, int]) -> Tensor:
    """|K| at all frequencies from the half that a real kernel needs."""
    magnitude = half.abs()
    missing = shape[1] - magnitude.shape[-1]
    mirrored = magnitude[..., 1 : missing + 1].flip(-1)
    mirrored = torch.cat([mirrored[..., :1, :], mirrored[..., 1:, :].flip(-2)], dim=-2)
    return torch.cat([magnitude, mirrored], dim=-1)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %" if share >= 0.1 or share == 0 else f"{100 * share:.2g} %"
