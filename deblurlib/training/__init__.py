"""Training: what to train (config), on what (data), how one step goes (systems), and the loop around it."""

from deblurlib.networks.pretrained import load_generator
from deblurlib.training.config import TrainingConfig, read_config, read_setting, recipe, shipped_recipes
from deblurlib.training.data import Batch, BlurredPairs
from deblurlib.training.guard import NotFiniteError
from deblurlib.training.held_out import HeldOut, held_out
from deblurlib.training.loop import fit
from deblurlib.training.motion_patches import OneMotionRestorer
from deblurlib.training.non_blind import KnownKernelRestorer
from deblurlib.training.parallel import Processes, launch
from deblurlib.training.record import Record, TrainingRun, load_record, shipped_runs
from deblurlib.training.schedule import schedule
from deblurlib.training.step_cost import step_cost
from deblurlib.training.stopwatch import Pace
from deblurlib.training.systems import SYSTEMS

__all__ = [
    "SYSTEMS",
    "Batch",
    "BlurredPairs",
    "HeldOut",
    "KnownKernelRestorer",
    "NotFiniteError",
    "OneMotionRestorer",
    "Pace",
    "Processes",
    "Record",
    "TrainingConfig",
    "TrainingRun",
    "fit",
    "held_out",
    "launch",
    "load_generator",
    "load_record",
    "read_config",
    "read_setting",
    "recipe",
    "schedule",
    "shipped_recipes",
    "shipped_runs",
    "step_cost",
]
