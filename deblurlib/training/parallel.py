"""Several processes train one run: Lightning Fabric starts them and carries what they tell each other."""

import importlib.util
import os
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from deblurlib.training.pool import Pool

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Processes:
    """The processes of a run: this one alone, or one of several.

    Each holds all networks. Every process makes its share of the same batch, takes its gradient, and applies the mean
    of all gradients, so that N processes with batches of b do what one does with a batch of N b. (PyTorch's
    DistributedDataParallel averages while the backward pass still runs, but wants each network to be called once for
    every update; a cycle-GAN calls them several times, with judges frozen now and then.)

    Args:
        fabric: A launched Fabric; None is one process.
    """

    def __init__(self, fabric: "Fabric | None" = None) -> None:
        self.fabric = fabric
        self.rank = 0 if fabric is None else fabric.global_rank
        self.count = 1 if fabric is None else fabric.world_size

    @property
    def first(self) -> bool:
        """Whether this is the process that writes files and speaks."""
        return self.rank == 0

    def mean(self, x: Tensor) -> Tensor:
        """The mean of a tensor over the processes."""
        if self.fabric is None or self.count == 1:
            return x
        averaged: Tensor = self.fabric.all_reduce(x, reduce_op="mean")  # type: ignore[assignment]
        return averaged

    def gather(self, x: Tensor) -> Tensor:
        """(B, ...) of every process, one after the other: (N B, ...)."""
        if self.fabric is None or self.count == 1:
            return x
        everyone = x.new_zeros(self.count, *x.shape)
        everyone[self.rank] = x
        gathered: Tensor = self.fabric.all_reduce(everyone, reduce_op="sum")  # type: ignore[assignment]
        return gathered.flatten(0, 1)

    @torch.compiler.disable  # type: ignore[untyped-decorator]  # it talks to the others, which no compiled graph does
    def variance(self, x: Tensor) -> Tensor:
        """The variance of the values of all processes, each of which brings as many."""
        if self.count == 1:
            return x.var()
        means, variances = self.gather(torch.stack([x.mean(), x.var()])[None]).T
        within, between = (x.numel() - 1) * variances.sum(), x.numel() * (self.count - 1) * means.var()
        total: Tensor = (within + between) / (self.count * x.numel() - 1)
        return total

    def average_gradients(self, parameters: list[Tensor]) -> None:
        """Put the mean over the processes in the place of each gradient, in one message."""
        if self.count == 1:
            return
        gradients = [p.grad for p in parameters if p.grad is not None]
        together = self.mean(torch.cat([g.reshape(-1) for g in gradients]))
        for gradient, mean in zip(gradients, torch.split(together, [g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    def any(self, condition: bool) -> bool:
        """Whether it holds in any process; all must ask."""
        if self.fabric is None or self.count == 1:
            return condition
        return bool(self.mean(torch.tensor(float(condition), device=self.fabric.device)) > 0)

    def wait(self) -> None:
        """Go on when all have come here."""
        if self.fabric is not None:
            self.fabric.barrier()


class SharedPool(Pool):
    """A history of the fakes of all processes, the same in each."""

    def __init__(self, pool: Pool, processes: Processes) -> None:
        vars(self).update(vars(pool))
        self.processes = processes

    def __call__(self, fakes: Tensor) -> Tensor:
        """As many as came, of which half are older ones, perhaps another process's."""
        own = slice(self.processes.rank * len(fakes), (self.processes.rank + 1) * len(fakes))
        return super().__call__(self.processes.gather(fakes))[own]


def asked(devices: int, nodes: int) -> tuple[int, int]:
    """Devices and nodes as they were asked for; where they were not, as torchrun started this process among others."""
    if (devices, nodes) != (1, 1):
        return devices, nodes
    here, everywhere = (int(os.environ.get(name, 1)) for name in ("LOCAL_WORLD_SIZE", "WORLD_SIZE"))
    return here, max(1, everywhere // here)


def launch(devices: int, nodes: int = 1, *, device: str = "auto") -> "Fabric":
    """Start the processes of a run: this one becomes the first, the same command is run again for the others.

    Under torchrun or SLURM, which start all processes themselves, none is started and each takes its place.

    Args:
        devices: Processes on this machine, one a device.
        nodes: Machines.
        device: 'cpu', 'cuda', or 'auto': CUDA where there is one.

    Returns:
        The Fabric, launched.

    Raises:
        ModuleNotFoundError: lightning-fabric is not installed.
        ValueError: fewer CUDA devices than asked for, or numbers that are not positive.
    """
    if devices < 1 or nodes < 1:
        raise ValueError(f"devices, nodes: expected positive numbers, got {devices}, {nodes}.")
    if importlib.util.find_spec("lightning_fabric") is None:
        raise ModuleNotFoundError(
            "Several devices need lightning-fabric, which is not installed: pip install 'deblurlib[scale]'."
        )
    from lightning_fabric import Fabric

    kind = ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else torch.device(device).type
    if kind == "cuda" and torch.cuda.device_count() < devices:
        raise ValueError(
            f"devices: {devices} were asked for, but torch finds {torch.cuda.device_count()} CUDA devices."
        )
    fabric = Fabric(accelerator=kind, devices=devices, num_nodes=nodes, strategy="ddp")
    fabric.launch()
    return fabric
