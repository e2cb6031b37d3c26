"""The look of every figure: colours, sizes, and a figure that shows itself once."""

import io
import textwrap
from contextlib import AbstractContextManager
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, the colours that stand out best on white first; yellow does not, and is left out."""

INK, MUTED, RULE = "#1f2933", "#52606d", "#dfe3e8"

STYLE: dict[Any, Any] = {
    "figure.dpi": 180,
    "savefig.dpi": 180,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "font.family": "sans-serif",
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.titlecolor": INK,
    "axes.titlepad": 5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "image.interpolation": "nearest",
    "figure.constrained_layout.h_pad": 0.03,
    "figure.constrained_layout.w_pad": 0.03,
}

WIDTH, PLOT = 6.2, 5.2
"""Inches across: photographs, and plots, whose numbers have to be read on a phone's 380 pixels."""

SHOWN = 120
"""Screen pixels for an inch where the page is wide enough: letters of 9 points are 15 pixels tall, as the text is."""


_SPACING: dict[str, Any] = {"borderaxespad": 0.2, "columnspacing": 1.0, "handletextpad": 0.5}


class Plate(Figure):
    """A figure that shows itself in a notebook, whichever backend matplotlib has."""

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        file = io.BytesIO()
        with look():
            self.savefig(file, format="png", bbox_inches="tight", pad_inches=0.06)
        png = file.getvalue()
        across = int.from_bytes(png[16:20], "big")  # PNG says its width first
        return png, {"width": round(across * SHOWN / STYLE["savefig.dpi"])}


def blank(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, which pyplot does not know. Draw on it inside `look()`."""
    figure = Plate(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def look() -> AbstractContextManager[None]:
    """The style of the book's figures, for the length of a `with` block."""
    return matplotlib.rc_context(STYLE)


def wrapped(text: str, inches: float, points: float = 9.5) -> str:
    """A text in lines of about this width: a letter is a little wider than half of its size.

    Args:
        text: Its own line breaks stay.
        inches: What there is room for. A word that is longer stays whole.
        points: The size of its letters.

    Returns:
        The text with line breaks.

    Example:
        >>> wrapped("told the kernel", 0.8).splitlines()
        ['told the', 'kernel']
    """
    letters = max(1, int(inches / (0.56 * points / 72)))
    return "\n".join(textwrap.fill(line, letters, break_long_words=False) for line in text.split("\n"))


def legend_above(axes: Axes) -> None:
    """A legend above the axes, in as many columns as there is room for; the figure grows by its height."""
    figure = axes.get_figure(root=True)
    assert figure is not None
    count = len(axes.get_legend_handles_labels()[1])
    room = figure.get_figwidth() * figure.dpi
    for columns in range(min(count, 4), 0, -1):
        legend = axes.legend(loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=columns, **_SPACING)
        size = legend.get_window_extent()
        if size.width <= 0.98 * room:
            break
    if size.width > 0.86 * room:  # it needs the room above the numbers of the vertical axis, too
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=columns, **_SPACING)
    figure.set_figheight(figure.get_figheight() + size.height / figure.dpi)
