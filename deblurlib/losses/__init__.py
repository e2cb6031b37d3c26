"""What training asks of a network: to be right, to fool a judge, to come back after a round trip."""

from deblurlib.losses.adversarial import Adversarial, adversarial, gradient_penalty
from deblurlib.losses.content import log_error
from deblurlib.losses.cycle import cycle, identity
from deblurlib.losses.perceptual import FeatureDistance, Perceptual, RandomFeatures
from deblurlib.losses.vgg import vgg_index, vgg_layers
from deblurlib.losses.wiener import wiener_error
from deblurlib.losses.yuan import (
    intended_8,
    intended_9,
    intended_10,
    intended_11,
    intended_12,
    printed_8,
    printed_9,
    printed_10,
    printed_11,
    printed_12,
)

__all__ = [
    "Adversarial",
    "FeatureDistance",
    "Perceptual",
    "RandomFeatures",
    "adversarial",
    "cycle",
    "gradient_penalty",
    "identity",
    "intended_8",
    "intended_9",
    "intended_10",
    "intended_11",
    "intended_12",
    "log_error",
    "printed_8",
    "printed_9",
    "printed_10",
    "printed_11",
    "printed_12",
    "vgg_index",
    "vgg_layers",
    "wiener_error",
]
