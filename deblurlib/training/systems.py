"""The systems by name: each is the few lines that its paper states."""

import torch

from deblurlib.contracts import choice
from deblurlib.training.conditional import DeblurGAN, PhysicsGAN, Pix2Pix
from deblurlib.training.config import TrainingConfig
from deblurlib.training.cycles import CycleGAN, PairedCycleGAN
from deblurlib.training.kernel_guided import KernelGuided
from deblurlib.training.one_step import Losses, System
from deblurlib.training.regression import Regression
from deblurlib.training.yuan_systems import Yuan, YuanPrinted

__all__ = ["SYSTEMS", "Losses", "System", "build_system"]

SYSTEMS: dict[str, type[System]] = {
    "regression": Regression,
    "kernel_guided": KernelGuided,
    "pix2pix": Pix2Pix,
    "deblur_gan": DeblurGAN,
    "physics_gan": PhysicsGAN,
    "cycle_gan": CycleGAN,
    "paired_cycle_gan": PairedCycleGAN,
    "yuan": Yuan,
    "yuan_printed": YuanPrinted,
}
"""Name -> system."""


def build_system(config: TrainingConfig, device: torch.device) -> System:
    """The system that a configuration names.

    Raises:
        ValueError: an unknown name.
    """
    return SYSTEMS[choice(config.system, "system", list(SYSTEMS))](config, device)
