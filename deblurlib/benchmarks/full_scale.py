"""Table 1 of Yuan et al. (2020) at the paper's size: two networks and two losses, for a CUDA device."""

from typing import Any

from deblurlib.training import TrainingConfig, held_out
from deblurlib.training.held_out import HeldOut

FULL: dict[str, Any] = {
    "width": 64,
    "generator_norm": True,
    "crop": 256,
    "batch": 32,
    "steps": 15625,
    "kernel_size": 19,
    "path_length": [4.0, 15.0],
    "noise": [0.01, 0.01],
    "kernels": 16384,
    "learning_rate": 8e-4,
    "betas": [0.5, 0.999],
    "schedule": "linear",
    "average": 0.999,
}
"""What the four runs share, as the recipe `paper_fitted` has it: 50 epochs of 10,000 crops of 256 pixels."""

SEEDS = 5
UNET = {**FULL, "generator": "unet256", "levels": 8}
RESNET = {**FULL, "generator": "resnet", "blocks": 9}

TABLE_1: dict[str, tuple[int, dict[str, Any]]] = {
    "unet_l1": (SEEDS, {**UNET, "content": "l1"}),
    "unet_l2": (SEEDS, {**UNET, "content": "l2"}),
    "resnet_l1": (SEEDS, {**RESNET, "content": "l1"}),
    "resnet_l2": (SEEDS, {**RESNET, "content": "l2"}),
}
"""Name -> how many seeds, and its settings: U-Net-256 and nine residual blocks, both with instance normalisation."""


def full_examination() -> HeldOut:
    """Sixteen crops of 256 pixels of the bundled photographs that no training sees, under shakes of the same kind.

    Example:
        >>> full_examination().blurred.shape
        torch.Size([16, 3, 256, 256])
    """
    shared = {name: FULL[name] for name in ("kernel_size", "path_length", "noise")}
    return held_out(config=TrainingConfig(**shared), side=FULL["crop"])
