"""What training asks of a network: to fool a judge, to come back after a round trip, to resemble in feature space."""

from deblurlib.losses.adversarial import Adversarial, adversarial
from deblurlib.losses.cycle import cycle
from deblurlib.losses.perceptual import RandomFeatures

__all__ = ["Adversarial", "RandomFeatures", "adversarial", "cycle"]
