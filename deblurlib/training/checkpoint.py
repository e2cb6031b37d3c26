"""Everything that a run needs to go on as if it had never stopped, in one file that is never half-written."""

import json
from pathlib import Path
from typing import Any

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from deblurlib.files import atomic
from deblurlib.training.one_step import System

FILE = "checkpoint.safetensors"


def save_checkpoint(
    folder: Path, system: System, step: int, averaged: dict[str, Tensor], record: dict[str, Any], processes: int = 1
) -> None:
    """Write the state after `step` updates: networks, optimisers, pools, running average, and the record so far.

    What depends on the process is a function of the seed, the step and the process's number, so that one file serves
    all `processes` of a run.
    """
    tensors = {f"averaged/{name}": t for name, t in averaged.items()}
    for name, network in system.networks.items():
        tensors |= {f"network/{name}/{key}": t for key, t in network.state_dict().items()}
    for name, optimizer in system.optimizers.items():
        for index, state in optimizer.state_dict()["state"].items():
            tensors |= {f"optimizer/{name}/{index}/{key}": t for key, t in state.items()}
    for name, pool in system.pools.items():
        tensors |= {f"pool/{name}/images": pool.images, f"pool/{name}/chance": pool.chance.get_state()}
    # safetensors takes neither shared nor channels-last storage
    tensors = {name: t.detach().clone().contiguous().cpu() for name, t in tensors.items()}
    with atomic(folder / FILE, overwrite=True) as temporary:
        config = json.dumps(system.config.to_dict())
        notes = {"step": str(step), "processes": str(processes), "config": config, "record": json.dumps(record)}
        save_file(tensors, temporary, notes)


def load_checkpoint(
    folder: Path, system: System, processes: int = 1
) -> tuple[int, dict[str, Tensor], dict[str, Any]] | None:
    """Restore the state of a run from its folder.

    Returns:
        The number of updates done, the running average and the record; None where there is no checkpoint.

    Raises:
        ValueError: the file is damaged, pickled, has foreign keys, or belongs to another kind of run.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        tensors = load_file(path)
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        if metadata.get("config") != json.dumps(system.config.to_dict()):
            raise ValueError("its settings differ")
        if (before := int(metadata.get("processes", "1"))) != processes:
            raise ValueError(
                f"{before} processes made it, here are {processes}; with another number the batches would be others. "
                f"Go on with as many devices as before"
            )
        parts: dict[str, dict[str, Tensor]] = {}
        for name, t in tensors.items():
            group, _, key = name.rpartition("/")
            parts.setdefault(group, {})[key] = t
        for name, network in system.networks.items():
            network.load_state_dict(parts.pop(f"network/{name}"))
        for name, optimizer in system.optimizers.items():
            weights = [p for group in optimizer.param_groups for p in group["params"]]
            state = {i: _averages(parts.pop(f"optimizer/{name}/{i}"), p) for i, p in enumerate(weights)}
            optimizer.load_state_dict(optimizer.state_dict() | {"state": state})
        for name, pool in system.pools.items():
            kept = parts.pop(f"pool/{name}")
            pool.images = kept["images"].to(system.device)
            pool.chance.set_state(kept["chance"])
        kept = parts.pop("averaged") if system.config.average else {}
        averaged = {name: t.to(system.device) for name, t in kept.items()}
        if parts:
            foreign = [f"{group}/{key}" for group, part in parts.items() for key in part]
            raise ValueError(f"it holds what no part of this run is called: {', '.join(foreign[:5])}")
        record: dict[str, Any] = json.loads(metadata["record"])
        return int(metadata["step"]), averaged, record
    except safetensors.SafetensorError as error:
        raise ValueError(
            f"{path} is not a checkpoint of this run: it is not a readable safetensors file ({error}). "
            "Pickled checkpoints are refused: loading them runs code."
        ) from error
    except (KeyError, RuntimeError, ValueError) as error:
        raise ValueError(f"{path} is not a checkpoint of this run: {error}") from error


def _averages(state: dict[str, Tensor], weight: Tensor) -> dict[str, Tensor]:
    """Adam's state of one weight, in the weight's memory layout: the fused step walks through both side by side."""
    layout = {key: torch.empty_like(weight).copy_(state[key]) for key in ("exp_avg", "exp_avg_sq")}
    return {"step": state["step"], **layout}
