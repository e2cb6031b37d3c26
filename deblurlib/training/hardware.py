"""What a run computes on, and how: device, precision, compilation. `auto` decides here, and says why."""

import contextlib
import importlib.util
import platform
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

import torch
from torch import nn

from deblurlib import profile
from deblurlib.training.config import TrainingConfig

COMPILES_FROM = 500
"""Steps from which on compiling pays on a CUDA device: it takes a minute or two (our choice)."""

TRITON_NEEDS = (7, 0)
"""The compute capability from which on Triton, which torch.compile writes its kernels in, works."""


class Decision(NamedTuple):
    """A choice and its reason."""

    choice: bool
    words: str


def choose_device(config: TrainingConfig) -> torch.device:
    """The device that a configuration names.

    Raises:
        ValueError: there is none of that name, or it is not here.
    """
    if config.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(config.device)
    except RuntimeError as error:
        raise ValueError(f"device: unknown {config.device!r}, expected auto, cpu, cuda or cuda:1, ...") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError("device: 'cuda' was asked for, but torch finds no CUDA device here.")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"device: {config.device!r} was asked for, but torch finds {torch.cuda.device_count()} of them."
        )
    return device


def half_precision(config: TrainingConfig, device: torch.device) -> Decision:
    """Whether layers compute in bfloat16: as asked for, else where the hardware multiplies it."""
    if config.precision != "auto":
        return Decision(config.precision == "bfloat16", f"precision: {config.precision}, as asked for")
    if profile.fast_bfloat16(device):
        return Decision(True, "precision: bfloat16, which this hardware multiplies")
    return Decision(False, "precision: float32, because bfloat16 is slow on this hardware")


def compiles(config: TrainingConfig, device: torch.device, steps: int) -> Decision:
    """Whether networks are compiled: as asked for, else on a CUDA device with Triton, for a run that is long enough.

    Args:
        config: Says `compile`: True, False or 'auto'.
        device: Of the run.
        steps: That are left to do.
    """
    if isinstance(config.compile, bool):
        return Decision(config.compile, f"compile: {'yes' if config.compile else 'no'}, as asked for")
    if device.type != "cuda":
        return Decision(False, "compile: no, it takes minutes on a CPU and gains nothing there")
    if importlib.util.find_spec("triton") is None or torch.cuda.get_device_capability(device) < TRITON_NEEDS:
        return Decision(False, "compile: no, Triton is not installed or does not support this device")
    if steps < COMPILES_FROM:
        return Decision(False, f"compile: no, {steps} steps are over before it pays")
    return Decision(True, "compile: yes, the first step waits for it")


def lay_out(modules: Iterable[nn.Module], device: torch.device) -> None:
    """Put the channels last where tensor cores want them; before a checkpoint is loaded, for Adam's averages follow."""
    if device.type == "cuda":
        for module in modules:
            module.to(memory_format=torch.channels_last)


def autocast(device: torch.device, *, half: bool) -> Callable[[], contextlib.AbstractContextManager[Any]]:
    """What makes the context of one step; anew for each, since autocast keeps the weights that it has cast."""
    return lambda: torch.autocast(device.type, dtype=torch.bfloat16) if half else contextlib.nullcontext()


@contextlib.contextmanager
def fast_convolutions(device: torch.device) -> Iterator[None]:
    """On CUDA: cuDNN looks for the fastest algorithm of each shape, and float32 convolutions may use TF32."""
    if device.type != "cuda":
        yield
        return
    with torch.backends.cudnn.flags(enabled=True, benchmark=True, deterministic=False, allow_tf32=True):
        yield


def describe(device: torch.device) -> dict[str, str]:
    """The machine and the versions that a run used, for its record."""
    report = dict(profile.doctor().lines)
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else f"CPU, {platform.machine()}"
    return {
        "device": f"{name}, {report['device']}" if device.type == "cpu" else name,
        "memory": report["memory"],
        "threads": report["threads"],
        "python": report["python"],
        "versions": report["versions"],
    }


def peak_memory(device: torch.device) -> int:
    """Bytes: on CUDA the most that tensors took, elsewhere the most that this process held; 0 where nobody knows."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if importlib.util.find_spec("resource") is None:  # Windows
        return 0
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
