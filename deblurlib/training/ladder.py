"""From the step as it is usually written to the loop's own, one change at a time, each timed on the same batch."""

import contextlib
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch

from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import Batch
from deblurlib.training.hardware import lay_out
from deblurlib.training.one_step import System
from deblurlib.training.systems import build_system


@dataclass(frozen=True)
class Rung:
    """One way to take a training step; each differs from the one below it by a single change.

    Attributes:
        name: The change.
        tf32: Whether products of float32 may round their factors to ten bits (on CUDA).
        half: Whether layers compute in bfloat16.
        last: Whether the channels come last in memory.
        quiet: Whether losses stay on the device and Adam updates all weights in one kernel, so that nothing waits.
        compiled: Whether networks are compiled.
    """

    name: str
    tf32: bool = True
    half: bool = True
    last: bool = True
    quiet: bool = True
    compiled: bool = True


RUNGS = (
    Rung("float32 in full", tf32=False, half=False, last=False, quiet=False, compiled=False),
    Rung("float32 as PyTorch has it", half=False, last=False, quiet=False, compiled=False),
    Rung("bfloat16", last=False, quiet=False, compiled=False),
    Rung("channels last", quiet=False, compiled=False),
    Rung("nothing waits", compiled=False),
    Rung("compiled"),
)
"""From the bottom. PyTorch's own default lets convolutions use TF32, and matrix products not; the first rung forbids
both. Only on CUDA do the first two differ."""


def prepare(config: TrainingConfig, rung: Rung, device: torch.device) -> tuple[System, Callable[[Batch], None]]:
    """A fresh system, and its step as a rung has it."""
    system = build_system(config, device)
    if not rung.quiet:
        for name, fused in system.optimizers.items():
            (group,) = fused.param_groups
            system.optimizers[name] = torch.optim.Adam(group["params"], lr=group["lr"], betas=group["betas"])
    layout = torch.channels_last if rung.last else torch.contiguous_format
    for network in system.networks.values():
        network.to(memory_format=layout)
    if rung.last:
        lay_out(system.modules, device)
    if rung.compiled:
        for module in system.modules:
            module.compile()

    def step(batch: Batch) -> None:
        with _numbers(device, rung):
            losses = system.step(batch)
        if not rung.quiet:
            for loss in losses.values():
                loss.item()

    return system, step


def seconds(config: TrainingConfig, rung: Rung, batch: Batch, *, warm: int = 3, steps: int = 10) -> float:
    """Seconds of a step, the median of several.

    Args:
        config: System, networks and losses.
        rung: How the step is taken.
        batch: For every step, on the device that is timed.
        warm: Steps before the clock starts.
        steps: That are timed, each by itself.

    Example:
        >>> from deblurlib.training import BlurredPairs
        >>> config = TrainingConfig(batch=2, width=4, content="l1")
        >>> batch = BlurredPairs(config, torch.device("cpu")).batch(0)
        >>> seconds(config, RUNGS[0], batch, warm=1, steps=2) > 0
        True
    """
    return clock(prepare(config, rung, batch.blurred.device)[1], batch, warm=warm, steps=steps)


def clock(step: Callable[[Batch], None], batch: Batch, *, warm: int = 3, steps: int = 10) -> float:
    """Seconds of a step that is at hand already; else as `seconds`.

    Example:
        >>> from deblurlib.training import BlurredPairs
        >>> batch = BlurredPairs(TrainingConfig(batch=2), torch.device("cpu")).batch(0)
        >>> 0.01 < clock(lambda batch: time.sleep(0.01), batch, warm=0, steps=3) < 1
        True
    """
    device = batch.blurred.device
    times = []
    for number in range(warm + steps):
        _wait(device)
        begun = time.perf_counter()
        step(batch)
        _wait(device)
        if number >= warm:
            times.append(time.perf_counter() - begun)
    return float(torch.tensor(times, dtype=torch.float64).median())


@contextlib.contextmanager
def _numbers(device: torch.device, rung: Rung) -> Iterator[None]:
    """Precision of a rung; cuDNN looks for the fastest algorithm once the step is meant to be fast."""
    with contextlib.ExitStack() as stack:
        if device.type == "cuda":
            flags = torch.backends.cudnn.flags(
                enabled=True, benchmark=rung.quiet, deterministic=False, allow_tf32=rung.tf32
            )
            stack.enter_context(flags)
        if rung.half:
            stack.enter_context(torch.autocast(device.type, dtype=torch.bfloat16))
        yield


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
