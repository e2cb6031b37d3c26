"""Training: what to train (config), on what (data), how one step goes (systems), and the loop around it."""

from deblurlib.networks.pretrained import load_generator
from deblurlib.training.config import TrainingConfig, read_config
from deblurlib.training.data import Batch, BlurredPairs
from deblurlib.training.held_out import HeldOut, held_out
from deblurlib.training.loop import NotFiniteError, TrainingRun, fit
from deblurlib.training.non_blind import KnownKernelRestorer
from deblurlib.training.schedule import schedule
from deblurlib.training.systems import SYSTEMS

__all__ = [
    "SYSTEMS",
    "Batch",
    "BlurredPairs",
    "HeldOut",
    "KnownKernelRestorer",
    "NotFiniteError",
    "TrainingConfig",
    "TrainingRun",
    "fit",
    "held_out",
    "load_generator",
    "read_config",
    "schedule",
]
