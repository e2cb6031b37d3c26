"""Everything that a run needs to go on as if it had never stopped, in one file that is never half-written."""

import json
from pathlib import Path

import safetensors
from safetensors.torch import load_file, save_file
from torch import Tensor

from deblurlib.files import atomic
from deblurlib.training.systems import System

FILE = "checkpoint.safetensors"


def save_checkpoint(
    folder: Path, system: System, step: int, averaged: dict[str, Tensor], record: dict[str, object]
) -> None:
    """Write the state after `step` updates: networks, optimisers, pools, running average, and the record so far."""
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
        save_file(tensors, temporary, {"step": str(step), "config": config, "record": json.dumps(record)})


def load_checkpoint(folder: Path, system: System) -> tuple[int, dict[str, Tensor], dict[str, object]] | None:
    """Restore the state of a run from its folder.

    Returns:
        The number of updates done, the running average and the record; None where there is no checkpoint.

    Raises:
        ValueError: the file is damaged, or belongs to another kind of run.
    """
    path = folder / FILE
    if not path.is_file():
        return None
    try:
        tensors = load_file(path)
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        config = json.dumps(system.config.to_dict())
        if metadata.get("config", config) != config:
            raise ValueError("its settings differ")
        parts: dict[str, dict[str, Tensor]] = {}
        for name, t in tensors.items():
            group, _, key = name.rpartition("/")
            parts.setdefault(group, {})[key] = t
        for name, network in system.networks.items():
            network.load_state_dict(parts[f"network/{name}"])
        for name, optimizer in system.optimizers.items():
            state = optimizer.state_dict()
            count = sum(len(group["params"]) for group in state["param_groups"])
            state["state"] = {i: parts[f"optimizer/{name}/{i}"] for i in range(count)}
            optimizer.load_state_dict(state)
        for name, pool in system.pools.items():
            pool.images = parts[f"pool/{name}"]["images"].to(system.device)
            pool.chance.set_state(parts[f"pool/{name}"]["chance"])
        averaged = {name: t.to(system.device) for name, t in parts.get("averaged", {}).items()}
        record: dict[str, object] = json.loads(metadata["record"])
        return int(metadata["step"]), averaged, record
    except (safetensors.SafetensorError, KeyError, RuntimeError, ValueError) as error:
        raise ValueError(f"{path} is not a checkpoint of this run: {error}") from error
