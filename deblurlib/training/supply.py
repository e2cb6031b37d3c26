"""Where the batches of a run come from, and that its system can take them."""

from typing import Protocol

import torch

from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import Batch, BlurredPairs
from deblurlib.training.one_step import System
from deblurlib.training.parallel import Processes
from deblurlib.training.real_pairs import RealPairs


class Supply(Protocol):
    """Makes the batch of any step."""

    def batch(self, step: int, *, paired: bool = True) -> Batch:
        """Of a step, from 0."""
        ...


def supply(config: TrainingConfig, device: torch.device, system: System, processes: Processes) -> Supply:
    """The batches that a configuration names.

    Raises:
        FileNotFoundError, ValueError: no photographs; a system that needs pairs or kernels which the data do not have;
            or a crop that is too large for the photographs or too small for a network.
    """
    for name, network in system.networks.items():
        smallest = int(getattr(network, "smallest_side", 1))
        if config.crop < smallest:
            raise ValueError(f"crop: {config.crop} pixels are too few for the network {name!r}, expected {smallest}.")
    if config.data == "camera_shake":
        return BlurredPairs(config, device, rank=processes.rank, processes=processes.count)
    if config.photographs == "bundled":
        raise ValueError(f"photographs: data = {config.data!r} needs a folder with blur/ and sharp/ in it.")
    if config.data == "unpaired" and system.paired:
        raise ValueError(f"data: {config.system} learns from pairs, and 'unpaired' has none; cycle_gan does without.")
    if system.needs_kernels:
        raise ValueError(f"data: {config.system} must know the kernels, and nobody knows those of {config.data!r}.")
    return RealPairs(config, device, rank=processes.rank, processes=processes.count)
