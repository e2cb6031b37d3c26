"""The pictures of the book: still figures, sliders that work without a kernel, and widgets where a kernel runs."""

from deblurlib.show import live
from deblurlib.show.figures import film_strip, kernels, side_by_side, spectrum, workbench
from deblurlib.show.interactive import before_after, scrub
from deblurlib.show.plots import bars, curves, lines
from deblurlib.show.shell import Html

__all__ = [
    "Html",
    "bars",
    "before_after",
    "curves",
    "film_strip",
    "kernels",
    "lines",
    "live",
    "scrub",
    "side_by_side",
    "spectrum",
    "workbench",
]
