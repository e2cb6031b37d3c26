"""Points and intervals are drawn where they belong, and what cannot be drawn is refused."""

import pytest
import torch

from deblurlib.benchmarks import Interval
from deblurlib.show import intervals, points
from deblurlib.show.style import MUTED


def test_points_lie_where_they_should():
    figure = points({"a": (torch.tensor([1.0, 2.0]), [3.0, 4.0]), "b": ([5.0], [6.0])}, diagonal=True)
    drawn = [c.get_offsets().tolist() for c in figure.axes[0].collections]
    assert drawn == [[[1.0, 3.0], [2.0, 4.0]], [[5.0, 6.0]]]
    assert [t.get_text() for t in figure.axes[0].get_legend().get_texts()] == ["a", "b"]
    assert len(figure.axes[0].lines) == 1


def test_names_stand_beside_the_points():
    axes = points({"a": ([1.0], [2.0]), "b": ([3.0], [4.0])}, names=True, log=True).axes[0]
    assert [t.get_text() for t in axes.texts] == ["a", "b"]
    assert axes.get_legend() is None and axes.get_xscale() == "log"


def test_an_interval_that_holds_zero_is_pale():
    axes = intervals({"sure": Interval(2, 1, 3, 9), "unsure": Interval(1, -1, 3, 9)}, zero="input").axes[0]
    bars = [line for line in axes.lines if len(line.get_xdata()) == 2 and list(line.get_ydata()) != [0, 1]]
    assert [list(bar.get_xdata()) for bar in bars[:2]] == [[1, 3], [-1, 3]]
    assert bars[1].get_color() == MUTED != bars[0].get_color()


def test_nothing_to_draw_is_refused():
    with pytest.raises(ValueError, match="nothing to draw"):
        points({})
    with pytest.raises(ValueError, match="nothing to draw"):
        intervals({})
    with pytest.raises(ValueError, match="'a' has 2 x values and 1 y values"):
        points({"a": ([1.0, 2.0], [3.0])})
