"""The networks: generators that restore, discriminators that judge, and the weights that ship."""

from deblurlib.networks.deconvolver import Deconvolver, KernelCNN
from deblurlib.networks.denoiser import Denoiser
from deblurlib.networks.discriminators import PatchDiscriminator, receptive_field
from deblurlib.networks.generators import UNetGenerator
from deblurlib.networks.pretrained import (
    Deblurrer,
    load_generator,
    load_known_kernel,
    load_weights,
    save_weights,
    shipped_names,
)
from deblurlib.networks.tiling import tiled

__all__ = [
    "Deblurrer",
    "Deconvolver",
    "Denoiser",
    "KernelCNN",
    "PatchDiscriminator",
    "UNetGenerator",
    "load_generator",
    "load_known_kernel",
    "load_weights",
    "receptive_field",
    "save_weights",
    "shipped_names",
    "tiled",
]
