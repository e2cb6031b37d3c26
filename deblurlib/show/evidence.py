"""Pictures of evidence: points, and means with their confidence intervals."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from deblurlib.benchmarks import Interval
from deblurlib.show.style import COLOURS, INK, MUTED, PLOT, blank, legend_above, look

MARKS = ("o", "s", "D", "^", "v", "P", "X")


def points(
    series: Mapping[str, tuple[Sequence[float] | Tensor, Sequence[float] | Tensor]],
    *,
    x: str = "",
    y: str = "",
    names: bool = False,
    diagonal: bool = False,
    log: bool = False,
) -> Figure:
    """Points in a plane, each series in its own colour and shape.

    Args:
        series: Name -> (x values, y values).
        x: Label of the horizontal axis.
        y: Label of the vertical axis.
        names: Write each name beside its first point, in place of a legend.
        diagonal: Draw the line on which both are equal.
        log: Whether the horizontal axis is logarithmic.

    Returns:
        The figure.

    Raises:
        ValueError: nothing to draw, or x and y of different lengths.

    Example:
        >>> figure = points({"a": ([1.0, 2.0], [3.0, 4.0])}, x="SSIM", y="MS-SSIM")
        >>> len(figure.axes[0].collections)
        1
    """
    if not series:
        raise ValueError("points: there is nothing to draw.")
    with look():
        figure = blank(PLOT, 3.3)
        axes = figure.subplots()
        for i, (name, (across, up)) in enumerate(series.items()):
            xs, ys = (np.asarray(v, dtype=float).ravel() for v in (across, up))
            if len(xs) != len(ys):
                raise ValueError(f"points: {name!r} has {len(xs)} x values and {len(ys)} y values.")
            again = i // len(COLOURS)  # each round through the colours has other shapes beside them
            colour, mark = COLOURS[i % len(COLOURS)], MARKS[(i + again) % len(MARKS)]
            axes.scatter(xs, ys, s=16 if len(xs) > 30 else 34, color=colour, marker=mark, label=name, alpha=0.85)
            if names:
                axes.annotate(
                    name, (xs[0], ys[0]), xytext=(5, 4), textcoords="offset points", color=INK, fontsize=8.5
                )  # fmt: skip
        if diagonal:
            low, high = max(axes.get_xlim()[0], axes.get_ylim()[0]), min(axes.get_xlim()[1], axes.get_ylim()[1])
            axes.plot([low, high], [low, high], color=MUTED, ls=":", lw=1.0)
        axes.set_xlabel(x)
        axes.set_ylabel(y)
        if log:
            axes.set_xscale("log")
        if names:
            axes.margins(x=0.12, y=0.1)
        elif len(series) > 1:
            legend_above(axes)
    return figure


def intervals(found: Mapping[str, Interval], *, x: str = "", zero: str = "") -> Figure:
    """Means with their confidence intervals, one line for each, from the top down.

    Args:
        found: Label -> its interval.
        x: Label of the axis.
        zero: What the vertical line at zero stands for; '' draws none.

    Returns:
        The figure.

    Raises:
        ValueError: nothing to draw.

    Example:
        >>> figure = intervals({"Wiener": Interval(2.0, 1.5, 2.5, 30)}, x="gain (dB)", zero="blurred")
        >>> [label.get_text() for label in figure.axes[0].get_yticklabels()]
        ['Wiener']
    """
    if not found:
        raise ValueError("intervals: there is nothing to draw.")
    with look():
        figure = blank(PLOT, 0.6 + 0.24 * len(found))
        axes = figure.subplots()
        for i, interval in enumerate(found.values()):
            colour = COLOURS[0] if not zero or interval.excludes_zero else MUTED
            axes.plot([interval.low, interval.high], [i, i], color=colour, lw=2.2)
            axes.plot([interval.mean], [i], color=colour, marker="o", ms=5)
        if zero:
            axes.axvline(0, color=INK, lw=0.9)
            axes.annotate(
                zero, (0, 1), xycoords=("data", "axes fraction"), xytext=(3, 2), textcoords="offset points",
                color=MUTED, fontsize=8.5,
            )  # fmt: skip
        axes.set_yticks(range(len(found)), list(found))
        axes.set_ylim(len(found) - 0.4, -0.6)
        axes.grid(True, axis="x")
        axes.grid(False, axis="y")
        axes.set_xlabel(x)
    return figure
