"""What training asks of a network: to be right, to fool a judge, to come back after a round trip."""

from deblurlib.losses.adversarial import Adversarial, adversarial
from deblurlib.losses.content import log_error
from deblurlib.losses.cycle import cycle
from deblurlib.losses.perceptual import RandomFeatures

__all__ = ["Adversarial", "RandomFeatures", "adversarial", "cycle", "log_error"]
