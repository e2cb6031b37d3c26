"""The look of every figure: colours, sizes, and a figure that shows itself once."""

import io
from contextlib import AbstractContextManager
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
"""Okabe and Ito's palette, the colours that stand out best on white first; yellow does not, and is left out."""

INK, MUTED, RULE = "#1f2933", "#52606d", "#dfe3e8"

STYLE: dict[Any, Any] = {
    "figure.dpi": 150,
    "savefig.dpi": 150,
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

WIDTH = 7.5
"""Inches across: the text of a page."""


class Plate(Figure):
    """A figure that shows itself in a notebook, whichever backend matplotlib has."""

    def _repr_png_(self) -> bytes:
        file = io.BytesIO()
        with look():
            self.savefig(file, format="png", bbox_inches="tight", pad_inches=0.06)
        return file.getvalue()


def blank(width: float, height: float) -> Figure:
    """An empty figure of this size in inches, which pyplot does not know. Draw on it inside `look()`."""
    figure = Plate(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def look() -> AbstractContextManager[None]:
    """The style of the book's figures, for the length of a `with` block."""
    return matplotlib.rc_context(STYLE)
