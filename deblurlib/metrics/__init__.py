"""How good is a restoration? Numbers, each of which says which variant it is."""

from deblurlib.metrics.alignment import align, find_shift, shift
from deblurlib.metrics.kernel_scores import error_ratio, kernel_similarity
from deblurlib.metrics.luma import rgb2gray
from deblurlib.metrics.ms_ssim import ms_ssim
from deblurlib.metrics.niqe import NiqeModel, fit_niqe, load_niqe_model, niqe
from deblurlib.metrics.psnr import psnr
from deblurlib.metrics.scores import Scores, score
from deblurlib.metrics.ssim import ssim
from deblurlib.metrics.steerable_pyramid import Pyramid, steerable_pyramid
from deblurlib.metrics.vif import ifc, vif, vif_pixel

__all__ = [
    "NiqeModel",
    "Pyramid",
    "Scores",
    "align",
    "error_ratio",
    "find_shift",
    "fit_niqe",
    "ifc",
    "kernel_similarity",
    "load_niqe_model",
    "ms_ssim",
    "niqe",
    "psnr",
    "rgb2gray",
    "score",
    "shift",
    "ssim",
    "steerable_pyramid",
    "vif",
    "vif_pixel",
]
