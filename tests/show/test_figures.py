"""Figures show themselves once, leave pyplot and the global style alone, and say what they were given wrongly."""

import io
import itertools
import subprocess
import sys
from collections.abc import Callable

import matplotlib
import numpy as np
import pytest
import torch
from matplotlib.figure import Figure
from PIL import Image

from deblurlib import blur, show

GREY, COLOUR = torch.rand(1, 1, 20, 30), torch.rand(2, 3, 20, 30)
KERNEL = blur.disk(3.0)

FIGURES: dict[str, Callable[[], Figure]] = {
    "side_by_side": lambda: show.side_by_side(GREY, COLOUR, titles=("a", "b", "c"), zoom=(2, 3, 9)),
    "film_strip": lambda: show.film_strip(COLOUR, ["step 1", "step 2"]),
    "kernels": lambda: show.kernels([KERNEL, blur.gaussian(5, 1.0)], titles=("disk", "Gaussian")),
    "spectrum": lambda: show.spectrum(KERNEL, mark_below=0.01),
    "workbench": lambda: show.workbench(GREY, KERNEL),
    "curves": lambda: show.curves({"judge": torch.rand(80), "cycle": [1.0, 0.5]}, chance={"judge": 0.25}),
    "lines": lambda: show.lines({"a": ([0, 1], [2, 3]), "b": (range(40), torch.rand(40))}, mark={"here": 0.5}),
    "bars": lambda: show.bars(["x", "y"], {"before": [1, 2], "after": torch.tensor([3.0, 4.0])}, y="PSNR (dB)"),
}


def settings() -> dict[str, object]:
    """The global style; without the backend, which matplotlib chooses when it is first asked."""
    return {name: value for name, value in dict.items(matplotlib.rcParams) if name != "backend"}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_shows_itself_and_leaves_the_rest_alone(name: str) -> None:
    before = settings()
    figure = FIGURES[name]()
    data, shown = figure._repr_png_()
    png = Image.open(io.BytesIO(data))
    assert settings() == before
    assert png.getpixel((0, 0))[:3] == (255, 255, 255)  # readable on a dark page, too
    assert 150 < png.width < 1400
    assert shown == {"width": round(png.width * 120 / 180)}


@pytest.mark.parametrize("name", ["curves", "lines", "bars"])
def test_a_phone_can_show_the_numbers_of_a_plot(name: str) -> None:
    figure = FIGURES[name]()
    png = Image.open(io.BytesIO(figure._repr_png_()[0]))
    letters = {label.get_fontsize() for label in figure.axes[0].get_xticklabels()}
    assert min(letters) / 72 * 180 / png.width * 380 > 8  # pixels, on a page of 380


def test_a_legend_stands_above_the_axes_in_lines_that_fit() -> None:
    names = [f"{letter}, a method with a long name" for letter in "abcde"]
    figure = show.lines({name: ([0, 1], [i, i + 1]) for i, name in enumerate(names)}, y="PSNR (dB)")
    figure.draw_without_rendering()
    axes = figure.axes[0]
    legend, area = axes.get_legend().get_window_extent(), axes.get_window_extent()
    assert legend.y0 >= area.y1
    assert legend.x1 <= figure.bbox.x1
    assert area.height > 2.0 * figure.dpi  # the figure has grown, the axes have not shrunk


def test_long_titles_are_broken_into_lines() -> None:
    figure = show.side_by_side(
        *[GREY] * 4, titles=("blurred", "a title that is far too long for it\n32.4 dB", "c", "d")
    )
    figure.draw_without_rendering()
    extents = [axes.title.get_window_extent() for axes in figure.axes]
    assert all(left.x1 <= right.x0 for left, right in itertools.pairwise(extents))
    assert figure.axes[1].get_title().endswith("\n32.4 dB")


def test_pyplot_knows_no_figure() -> None:
    code = (
        "import matplotlib, torch; matplotlib.use('agg')\n"
        "import matplotlib.pyplot as plt\n"
        "from deblurlib import show\n"
        "show.side_by_side(torch.zeros(1, 1, 4, 4))\n"
        "assert not plt.get_fignums()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_pixels_are_not_smoothed_when_enlarged() -> None:
    checks = (torch.arange(64).reshape(1, 1, 8, 8) % 2).float()
    png = np.asarray(Image.open(io.BytesIO(show.side_by_side(checks)._repr_png_()[0])).convert("L"))
    middle = png[20:-20, 20:-20]
    assert ((middle < 30) | (middle > 225)).mean() > 0.97


def test_overshoot_is_clipped_however_far() -> None:
    picture = show.side_by_side(torch.full((1, 1, 4, 4), 900.0)).axes[0].images[0].get_array()
    assert float(picture.max()) == 1.0


def test_the_whole_plane_of_a_spectrum() -> None:
    k = blur.camera_shake(1, 9, generator=torch.Generator().manual_seed(3))
    for shape in ((16, 16), (15, 17), (16, 17)):
        drawn = show.spectrum(k, shape).axes[0].images[0].get_array()
        padded = torch.zeros(shape)
        padded[:9, :9] = k[0, 0]
        true = torch.fft.fftshift(torch.fft.fft2(padded)).abs().numpy()
        assert np.abs(drawn - true.clip(1e-3, 1)).max() < 1e-6


def test_the_share_of_lost_frequencies_is_told() -> None:
    title = show.spectrum(blur.delta(3), mark_below=0.5).axes[0].get_title()
    assert title == "|K| < 0.5 for 0 % of frequencies"


def test_curves_of_one_chance_share_its_line() -> None:
    axes = show.curves({"a": [1, 2], "b": [2, 1]}, chance={"a": 0.25, "b": 0.25}).axes[0]
    assert [line.get_label() for line in axes.lines].count("chance") == 1
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["a", "b", "chance"]


@pytest.mark.parametrize(
    ("draw", "message"),
    [
        (lambda: show.side_by_side(), "nothing to draw"),
        (lambda: show.side_by_side(GREY, titles=("a", "b")), "titles: expected 1"),
        (lambda: show.side_by_side(GREY, GREY, titles="ab"), "sequence of strings"),
        (lambda: show.side_by_side(GREY[0]), "Add the batch"),
        (lambda: show.side_by_side((GREY * 255).byte()), "Divide 8-bit values by 255"),
        (lambda: show.side_by_side(GREY, zoom=(15, 0, 20)), "do not lie inside"),
        (lambda: show.side_by_side(GREY, columns=0), "columns"),
        (lambda: show.kernels(torch.ones(1, 1, 4, 4) / 16), "even"),
        (lambda: show.spectrum(KERNEL, (4, 4)), "larger than the image"),
        (lambda: show.curves({}), "nothing to draw"),
        (lambda: show.curves({"a": [1.0]}, chance={"b": 0.25}), "unknown 'b'"),
        (lambda: show.curves({"a": []}), "without values"),
        (lambda: show.lines({"a": ([1, 2], [1])}), "2 x values and 1 y values"),
        (lambda: show.bars(["x"], {"a": [1, 2]}), "2 values for 1 labels"),
    ],
)
def test_a_wrong_argument_is_named(draw: Callable[[], Figure], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        draw()


@pytest.mark.parametrize(("groups", "top", "written"), [(4, 8.34, "8.3"), (3, 8.34, "8.34"), (4, 0.834, "0.83")])
def test_the_values_on_many_bars_have_fewer_digits(groups: int, top: float, written: str) -> None:
    drawn = show.bars(list("abcd"[:groups]), {name: [top] * groups for name in "wxyz"})
    assert {text.get_text() for text in drawn.axes[0].texts} == {written}
