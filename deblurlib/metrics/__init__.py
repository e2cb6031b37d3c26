"""How good is a restoration? Numbers, each of which says which variant it is."""

from deblurlib.metrics.psnr import psnr
from deblurlib.metrics.ssim import ssim

__all__ = ["psnr", "ssim"]
