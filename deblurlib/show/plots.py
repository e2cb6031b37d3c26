"""Plots: loss curves with their chance lines, labelled lines, bars."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray
from torch import Tensor

from deblurlib import contracts
from deblurlib.show.style import COLOURS, INK, MUTED, PLOT, blank, legend_above, look, wrapped


def curves(
    series: Mapping[str, Sequence[float] | Tensor],
    *,
    chance: Mapping[str, float] | None = None,
    x: str = "step",
    y: str = "loss",
    smooth: int = 25,
    log: bool = False,
) -> Figure:
    """How quantities went over a run: each value faint, their running mean on top, chance as a dashed line.

    Args:
        series: Name -> one value a step.
        chance: Name -> the value that guessing would give, drawn in the colour of the curve of that name.
        x: Label of the horizontal axis.
        y: Label of the vertical axis.
        smooth: Steps in the running mean; 1 draws the values alone.
        log: Whether the vertical axis is logarithmic.

    Returns:
        The figure.

    Raises:
        ValueError: nothing to draw, or a chance level for a curve that is not there.

    Example:
        >>> figure = curves({"judge": [0.3, 0.26, 0.25]}, chance={"judge": 0.25}, smooth=1)
        >>> [line.get_label() for line in figure.axes[0].lines]
        ['judge', 'chance']
    """
    chance = chance or {}
    if not series:
        raise ValueError("curves: there is nothing to draw.")
    for name in chance:
        contracts.choice(name, "chance", list(series))
    with look():
        figure = blank(PLOT, 2.9)
        axes = figure.subplots()
        for i, (name, values) in enumerate(series.items()):
            colour, raw = COLOURS[i % len(COLOURS)], _numbers(values)
            steps = np.arange(1, len(raw) + 1)
            window = min(smooth, len(raw))
            if window > 1:
                axes.plot(steps, raw, color=colour, alpha=0.18, lw=0.6, label=f"_{name}")
                mean = np.convolve(raw, np.ones(window) / window, mode="valid")
                axes.plot(steps[window - 1 :], mean, color=colour, label=name)
            else:
                axes.plot(steps, raw, color=colour, label=name)
        # Curves of one chance level share its line.
        for i, level in enumerate(dict.fromkeys(chance.values())):
            which = [list(series).index(name) for name in chance if chance[name] == level]
            colour = COLOURS[which[0] % len(COLOURS)] if len(which) == 1 else INK
            axes.axhline(level, color=colour, ls=(0, (5, 3)), lw=1.1, label="chance" if i == 0 else "_chance")
        _finish(axes, x, y, log)
    return figure


def lines(
    series: Mapping[str, tuple[Sequence[float] | Tensor, Sequence[float] | Tensor]],
    *,
    x: str = "",
    y: str = "",
    mark: float | Mapping[str, float] | None = None,
    log: bool = False,
) -> Figure:
    """Labelled lines.

    Args:
        series: Name -> (x values, y values). Up to 30 points are marked by dots.
        x: Label of the horizontal axis.
        y: Label of the vertical axis.
        mark: Where to draw a vertical dotted line; a mapping label -> place draws several, and names them.
        log: Whether the vertical axis is logarithmic.

    Returns:
        The figure.

    Raises:
        ValueError: nothing to draw, or x and y of different lengths.

    Example:
        >>> figure = lines({"Wiener": ([0.0, 0.01], [30.0, 25.0])}, x="noise", y="PSNR (dB)")
        >>> figure.axes[0].get_ylabel()
        'PSNR (dB)'
    """
    if not series:
        raise ValueError("lines: there is nothing to draw.")
    marks = {} if mark is None else mark if isinstance(mark, Mapping) else {"": mark}
    with look():
        figure = blank(PLOT, 2.9)
        axes = figure.subplots()
        for i, (name, (across, up)) in enumerate(series.items()):
            xs, ys = _numbers(across), _numbers(up)
            if len(xs) != len(ys):
                raise ValueError(f"lines: {name!r} has {len(xs)} x values and {len(ys)} y values.")
            dots = "o" if len(xs) <= 30 else None
            axes.plot(xs, ys, color=COLOURS[i % len(COLOURS)], marker=dots, ms=3.5, label=name)
        if any(marks):  # room for the words above the lines
            axes.margins(y=0.14)
        for label, place in marks.items():
            axes.axvline(place, color=MUTED, ls=":", lw=1.2)
            if label:
                axes.annotate(
                    label, (place, 1), xycoords=("data", "axes fraction"), xytext=(3, -2), textcoords="offset points",
                    va="top", color=MUTED, fontsize=8.5,
                )  # fmt: skip
        _finish(axes, x, y, log)
    return figure


def bars(labels: Sequence[str], series: Mapping[str, Sequence[float] | Tensor], *, y: str = "") -> Figure:
    """Bars in groups, each with its value on top.

    Args:
        labels: Of the groups.
        series: Name -> one value for each group.
        y: Label of the vertical axis.

    Returns:
        The figure.

    Raises:
        ValueError: nothing to draw, or another number of values than of labels.

    Example:
        >>> figure = bars(["coffee", "camera"], {"blurred": [24.0, 23.0], "restored": [27.5, 26.0]}, y="PSNR (dB)")
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['24.0', '23.0', '27.5', '26.0']
    """
    if not series or not labels:
        raise ValueError("bars: there is nothing to draw.")
    values = {name: _numbers(column) for name, column in series.items()}
    for name, column in values.items():
        if len(column) != len(labels):
            raise ValueError(f"bars: {name!r} has {len(column)} values for {len(labels)} labels.")
    largest = max(float(np.abs(column).max()) for column in values.values())
    count = len(labels) * len(values)
    form = "{:.1f}" if largest >= 10 or (count > 12 and largest >= 1) else "{:.2f}"  # narrow bars have narrow room
    thick = 0.8 / len(values)
    with look():
        figure = blank(PLOT, 2.7)
        axes = figure.subplots()
        for i, (name, column) in enumerate(values.items()):
            places = np.arange(len(labels)) + (i - (len(values) - 1) / 2) * thick
            drawn = axes.bar(places, column, 0.92 * thick, color=COLOURS[i % len(COLOURS)], label=name)
            if count <= 24:
                axes.bar_label(drawn, fmt=form, padding=2, fontsize=8, color=INK)
        axes.set_xticks(range(len(labels)), [wrapped(label, 0.86 * PLOT / len(labels), 8.5) for label in labels])
        axes.tick_params(axis="x", length=0)
        axes.axhline(0, color=MUTED, lw=0.7)
        axes.margins(y=0.1)
        _finish(axes, "", y, log=False)
    return figure


def _finish(axes: Axes, x: str, y: str, log: bool) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    if log:
        axes.set_yscale("log")
    named = [label for label in axes.get_legend_handles_labels()[1] if label]
    if len(named) > 1:  # a legend inside the axes covers what it explains
        legend_above(axes)


def _numbers(values: Sequence[float] | Tensor) -> NDArray[np.float64]:
    flat = values.detach().cpu().double().flatten().numpy() if isinstance(values, Tensor) else np.asarray(values, float)
    if flat.size == 0:
        raise ValueError("A series without values cannot be drawn.")
    return flat
