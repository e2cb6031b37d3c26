"""The networks: generators that restore, discriminators that judge, and the weights that ship."""

from deblurlib.networks.architectures import GENERATORS, build_generator
from deblurlib.networks.cost import Cost, network_cost
from deblurlib.networks.deconvolver import Deconvolver, KernelCNN
from deblurlib.networks.denoiser import Denoiser
from deblurlib.networks.discriminators import PatchDiscriminator, receptive_field
from deblurlib.networks.generators import UNetGenerator
from deblurlib.networks.guided_unet import GuidedUNet
from deblurlib.networks.kernel_refiner import KernelRefiner
from deblurlib.networks.motion_classifier import MotionClassifier, straight_motions
from deblurlib.networks.pretrained import (
    Deblurrer,
    load_generator,
    load_known_kernel,
    load_motion_classifier,
    load_weights,
    save_weights,
    shipped_names,
)
from deblurlib.networks.residual_unet import ResidualUNet
from deblurlib.networks.resnet import ResNetGenerator
from deblurlib.networks.tiling import tiled
from deblurlib.networks.unet256 import UNet256Generator

__all__ = [
    "GENERATORS",
    "Cost",
    "Deblurrer",
    "Deconvolver",
    "Denoiser",
    "GuidedUNet",
    "KernelCNN",
    "KernelRefiner",
    "MotionClassifier",
    "PatchDiscriminator",
    "ResNetGenerator",
    "ResidualUNet",
    "UNet256Generator",
    "UNetGenerator",
    "build_generator",
    "load_generator",
    "load_known_kernel",
    "load_motion_classifier",
    "load_weights",
    "network_cost",
    "receptive_field",
    "save_weights",
    "shipped_names",
    "straight_motions",
    "tiled",
]
