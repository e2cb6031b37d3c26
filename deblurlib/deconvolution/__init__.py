"""Undoing a blur whose kernel is known."""

from deblurlib.deconvolution.boundary import edge_taper, smooth_extension
from deblurlib.deconvolution.direct import inverse_filter, tikhonov, wiener
from deblurlib.deconvolution.richardson_lucy import richardson_lucy

__all__ = ["edge_taper", "inverse_filter", "richardson_lucy", "smooth_extension", "tikhonov", "wiener"]
