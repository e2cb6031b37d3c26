"""The comparisons that papers on learning to deblur make, each repeated over seeds at the book's pocket scale."""

import dataclasses
import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

from deblurlib.benchmarks.ablation_record import AblationRun
from deblurlib.contracts import choice
from deblurlib.metrics import ifc, ms_ssim, niqe, psnr, ssim, vif
from deblurlib.training import HeldOut, NotFiniteError, TrainingConfig, fit, held_out, recipe
from deblurlib.training.hardware import choose_device

STEPS = 300
"""Of the generator: a quarter of the pocket run, in which it makes most of its way."""

PIX2PIX = {"system": "pix2pix", "adversarial": "least_squares"}
PAPER_UNET = {"generator": "unet256", "width": 16, "levels": 3}

Arms = Mapping[str, tuple[int, dict[str, Any]]]

ARMS: Arms = {
    # Table 1 of Yuan et al., as regression: at about equal time a step, both without normalisation and residual
    "unet_l1": (5, {"content": "l1"}),
    "unet_l2": (5, {"content": "l2"}),
    "resnet_l1": (5, {"content": "l1", "generator": "resnet", "blocks": 4}),
    "resnet_l2": (5, {"content": "l2", "generator": "resnet", "blocks": 4}),
    "unet_perceptual": (3, {"content": "perceptual"}),
    # with these the race of the chapter on architectures: resnet_l1 has the operations of unet_l1, this its parameters;
    # and, as a control, a learning rate that was not chosen for the U-Net
    "resnet_l1_parameters": (3, {"content": "l1", "generator": "resnet", "width": 12, "blocks": 3}),
    "resnet_l1_slow": (3, {"content": "l1", "generator": "resnet", "blocks": 4, "learning_rate": 1e-3}),
    # the form of the game
    "least_squares": (3, PIX2PIX),
    "cross_entropy": (3, {**PIX2PIX, "adversarial": "cross_entropy"}),
    "hinge": (3, {**PIX2PIX, "adversarial": "hinge"}),
    "wasserstein": (3, {**PIX2PIX, "adversarial": "wasserstein"}),
    # ten steps of the judge for each of the generator; this run costs as much as "least_squares", 1:1, and takes as
    # many steps of the generator as the second one
    "judge_10": (3, {**PIX2PIX, "judge_steps": 10, "steps": 107}),
    "judge_1_few": (3, {**PIX2PIX, "steps": 107}),
    # one learning rate for both players, as the papers have it
    "rate_2e-3": (3, {**PIX2PIX, "learning_rate": 2e-3, "discriminator_learning_rate": 2e-3}),
    "rate_2e-4": (3, {**PIX2PIX, "learning_rate": 2e-4, "discriminator_learning_rate": 2e-4}),
    # instance normalisation in the paper's U-Net, without and with the residual output
    "norm_none": (3, {**PAPER_UNET, "content": "l1", "residual": False}),
    "norm_instance": (3, {**PAPER_UNET, "content": "l1", "residual": False, "generator_norm": True}),
    "norm_none_residual": (3, {**PAPER_UNET, "content": "l1"}),
    "norm_instance_residual": (3, {**PAPER_UNET, "content": "l1", "generator_norm": True}),
    # the systems, each for about as much time as "least_squares"
    "deblur_gan": (3, {"system": "deblur_gan", "blocks": 4, "steps": 90}),
    "physics_gan": (3, {"system": "physics_gan", "steps": 250}),
    "cycle_gan": (3, {"system": "cycle_gan", "learning_rate": 1e-3, "steps": 75}),
    "paired_cycle_gan": (
        3,
        {
            "system": "paired_cycle_gan",
            "learning_rate": 1e-3,
            "content": "l1",
            "content_weight": 30.0,
            "steps": 100,
        },
    ),
    "yuan": (3, {"system": "yuan", "steps": 50}),
    "yuan_printed": (3, {"system": "yuan_printed", "steps": 80}),
}
"""Name -> how many seeds, and the settings that differ from the pocket run and from the recipe of the system."""

METRICS: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
    "psnr": psnr,
    "ssim": ssim,
    "vif": vif,
    "ms_ssim": ms_ssim,
    "ifc": ifc,
    "niqe": lambda restored, truth: niqe(restored),
    "sharpness": lambda restored, truth: _slope(restored) / _slope(truth),
}
"""Name -> of restorations and truths, (N,). 'sharpness' is the mean slope over the truth's: 1 is as sharp."""


def ablation_config(arm: str, seed: int, arms: Arms | None = None) -> TrainingConfig:
    """The settings of one run.

    Args:
        arm: A name.
        seed: Of the run.
        arms: Those to choose from; None takes `ARMS`.

    Raises:
        ValueError: no such arm.

    Example:
        >>> ablation_config("judge_10", 2).judge_steps
        10
    """
    arms = ARMS if arms is None else arms
    choice(arm, "arm", list(arms))
    settings = {"system": "regression", "steps": STEPS, "seed": seed, **arms[arm][1]}
    return recipe(**settings)


def missing(done: list[AblationRun], arms: Arms | None = None) -> Iterator[tuple[str, int]]:
    """The runs of `arms`, or of `ARMS`, that a record lacks, first seeds first: (arm, seed)."""
    arms = ARMS if arms is None else arms
    have = {(run.arm, run.seed) for run in done}
    most = max(seeds for seeds, _ in arms.values())
    for seed in range(most):
        for arm, (seeds, _) in arms.items():
            if seed < seeds and (arm, seed) not in have:
                yield arm, seed


def examine(restored: Tensor, examination: HeldOut) -> dict[str, float]:
    """The mean of each metric over the held-out crops, five digits."""
    x = restored.clamp(0, 1)
    return {name: _digits(float(metric(x, examination.sharp).mean())) for name, metric in METRICS.items()}


def run_arm(
    arm: str, seed: int, examination: HeldOut | None = None, *, arms: Arms | None = None, **changes: Any
) -> AblationRun:
    """Train one arm with one seed, and examine it.

    A run whose losses or weights stop being numbers is recorded as such: that is a finding.

    Args:
        arm: A name.
        seed: Of the run.
        examination: Crops to be judged on; None takes those of the pocket run.
        arms: Those to choose from; None takes `ARMS`.
        changes: Settings to change, by name.

    Raises:
        ValueError: no such arm, or a setting out of its range.
    """
    config = dataclasses.replace(ablation_config(arm, seed, arms), **changes)
    examination = examination or held_out()
    clock = time.process_time if choose_device(config).type == "cpu" else time.perf_counter
    since = clock()
    try:
        run = fit(config, progress=False)
    except NotFiniteError as error:
        return AblationRun(arm, seed, clock() - since, {}, {}, [], str(error).partition(";")[0])
    seconds = clock() - since
    restored = examination.restored(run.generator)
    gain = psnr(restored.clamp(0, 1), examination.sharp) - psnr(examination.blurred, examination.sharp)
    last = max(1, config.steps // 10)
    losses = {name: _digits(math.fsum(values[-last:]) / last) for name, values in run.losses.items()}
    return AblationRun(
        arm, seed, round(seconds, 1), examine(restored, examination), losses, [round(g, 3) for g in gain.tolist()]
    )


def _digits(value: float) -> float:
    return float(f"{value:.5g}")


def _slope(x: Tensor) -> Tensor:
    return x.diff(dim=-1).abs().mean(dim=(1, 2, 3)) + x.diff(dim=-2).abs().mean(dim=(1, 2, 3))


def blurred_scores(examination: HeldOut | None = None) -> dict[str, float]:
    """What the metrics say of the blurred crops themselves."""
    examination = examination or held_out()
    return examine(examination.blurred, examination)


def threads() -> int:
    """How many threads a run takes: a record says it, for it decides the last digits."""
    return torch.get_num_threads()
