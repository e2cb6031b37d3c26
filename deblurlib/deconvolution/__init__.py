"""Undoing a blur whose kernel is known."""

from deblurlib.deconvolution.boundary import edge_taper, smooth_extension
from deblurlib.deconvolution.direct import inverse_filter, signal_power, tikhonov, wiener
from deblurlib.deconvolution.frame import explained_extension
from deblurlib.deconvolution.hand_made import hyper_laplacian, l0_gradient, total_variation
from deblurlib.deconvolution.learned import deconvolution_cnn, deep_deconvolution, plug_and_play, shipped_denoiser
from deblurlib.deconvolution.priors import HyperLaplacian, L0Gradient, TotalVariation
from deblurlib.deconvolution.richardson_lucy import richardson_lucy
from deblurlib.deconvolution.ringing import remove_ringing
from deblurlib.deconvolution.sparse import sparse
from deblurlib.deconvolution.splitting import Prior, Step, half_quadratic_splitting
from deblurlib.deconvolution.tiles import in_tiles
from deblurlib.deconvolution.varying import sparse_varying

__all__ = [
    "HyperLaplacian",
    "L0Gradient",
    "Prior",
    "Step",
    "TotalVariation",
    "deconvolution_cnn",
    "deep_deconvolution",
    "edge_taper",
    "explained_extension",
    "half_quadratic_splitting",
    "hyper_laplacian",
    "in_tiles",
    "inverse_filter",
    "l0_gradient",
    "plug_and_play",
    "remove_ringing",
    "richardson_lucy",
    "shipped_denoiser",
    "signal_power",
    "smooth_extension",
    "sparse",
    "sparse_varying",
    "tikhonov",
    "total_variation",
    "wiener",
]
