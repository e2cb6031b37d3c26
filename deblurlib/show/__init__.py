"""The pictures of the book: still figures, sliders that work without a kernel, and widgets where a kernel runs."""

from deblurlib.show import live
from deblurlib.show.claims import Claim, claim
from deblurlib.show.evidence import intervals, points
from deblurlib.show.figures import film_strip, kernels, side_by_side, spectrum, workbench
from deblurlib.show.interactive import before_after, scrub
from deblurlib.show.plots import bars, curves, lines
from deblurlib.show.shell import Html

__all__ = [
    "Claim",
    "Html",
    "bars",
    "before_after",
    "claim",
    "curves",
    "film_strip",
    "intervals",
    "kernels",
    "lines",
    "live",
    "points",
    "scrub",
    "side_by_side",
    "spectrum",
    "workbench",
]
