"""What one training step of a system costs, counted without computing anything."""

import torch

from deblurlib.networks.cost import Cost, OperationCounter
from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import Batch
from deblurlib.training.motion_patches import MotionField
from deblurlib.training.non_blind import KnownKernel
from deblurlib.training.systems import build_system


def step_cost(config: TrainingConfig) -> Cost:
    """Count the parameters of a system and the floating-point operations of one of its training steps.

    The step is the system's own, on the meta device, where tensors have shapes and no values: forward passes, gradients
    with respect to weights and to images, and every step of the judges that goes with one of the generators. Making
    the batch is not counted.

    Args:
        config: Names the system, its networks, and the batch; divide by `batch` for the cost of a sample.

    Returns:
        Parameters of all that is trained, and operations, two for a multiply-add.

    Raises:
        ValueError: an unknown system, settings that it cannot meet, or a system that is told the kernel: it costs what
            its one network does (`networks.network_cost`), and spectra, which are not counted.

    Example:
        >>> step_cost(TrainingConfig(batch=1)).parameters
        150835
    """
    meta = torch.device("meta")
    with meta:  # weights that are never drawn cost no time
        system = build_system(config, meta)
    if isinstance(system, KnownKernel | MotionField):
        raise ValueError(f"system: {config.system} is told the kernel; count its network by network_cost.")
    system.device = torch.device("cpu")  # autocast, which a step switches off in places, does not know meta
    side = config.crop
    blurred, sharp = (torch.empty(config.batch, 3, side, side, device=meta) for _ in range(2))
    kernels = torch.empty(config.batch, 1, config.kernel_size, config.kernel_size, device=meta)
    with OperationCounter() as counter:
        system.step(Batch(blurred, sharp, kernels, sum(config.noise) / 2, 0))
    parameters = sum(p.numel() for network in system.networks.values() for p in network.parameters())
    return Cost(parameters, counter.flops)
