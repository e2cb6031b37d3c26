"""Where the batches of a run come from, and that its networks can take them."""

import torch

from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import BlurredPairs
from deblurlib.training.one_step import System
from deblurlib.training.parallel import Processes


def supply(config: TrainingConfig, device: torch.device, system: System, processes: Processes) -> BlurredPairs:
    """The batches that a configuration names.

    Raises:
        FileNotFoundError, ValueError: no photographs, or a crop that is too large for them or too small for a network.
    """
    for name, network in system.networks.items():
        smallest = int(getattr(network, "smallest_side", 1))
        if config.crop < smallest:
            raise ValueError(f"crop: {config.crop} pixels are too few for the network {name!r}, expected {smallest}.")
    return BlurredPairs(config, device, rank=processes.rank, processes=processes.count)
