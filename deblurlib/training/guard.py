"""Stop when numbers stop being numbers, say which and when, and keep what was good."""

import math
from pathlib import Path

import torch
from torch import Tensor, nn

from deblurlib.training.parallel import Processes


class NotFiniteError(RuntimeError):
    """A loss or a weight became NaN or infinite; training stopped, and the last checkpoint is untouched.

    Attributes:
        name: Of the loss, or of the network.
        step: The first in which it was seen, from 1.
    """

    def __init__(self, what: str, name: str, step: int, folder: Path | None) -> None:
        self.name, self.step = name, step
        kept = f"the last checkpoint is in {folder}" if folder else "no run folder was given, so nothing is kept"
        super().__init__(f"{what} {name!r} became NaN or infinite in step {step}; {kept}. Lower the learning rate.")


def read_losses(
    unread: list[dict[str, Tensor]],
    losses: dict[str, list[float]],
    step: int,
    folder: Path | None,
    processes: Processes,
) -> dict[str, float]:
    """Bring the losses of the last steps from the device in one go, and append them to the history.

    Args:
        unread: Of each step since the last reading; empty afterwards.
        losses: The history.
        step: How many are done.
        folder: Of the run, for the error.
        processes: The losses are means over all of them.

    Returns:
        The latest value of each.

    Raises:
        NotFiniteError: one of them is not finite; nothing is appended.
    """
    names = list(unread[0])
    stacked = torch.stack([torch.stack([losses[name].float() for name in names]) for losses in unread])
    rows = [[float(f"{value:.7g}") for value in row] for row in processes.mean(stacked).tolist()]
    first = step - len(unread) + 1
    unread.clear()
    for number, row in enumerate(rows):
        for name, value in zip(names, row, strict=True):
            if not math.isfinite(value):
                raise NotFiniteError("The loss", name, first + number, folder)
    for name, column in zip(names, zip(*rows, strict=True), strict=True):
        losses.setdefault(name, []).extend(column)
    return dict(zip(names, rows[-1], strict=True))


def check_weights(networks: dict[str, nn.Module], step: int, folder: Path | None) -> None:
    """A last update can ruin the weights after finite losses; such weights must not reach a checkpoint.

    Raises:
        NotFiniteError: a network holds a number that is not finite.
    """
    for name, network in networks.items():
        if not all(bool(t.isfinite().all()) for t in network.state_dict().values()):
            raise NotFiniteError("A weight of", name, step, folder)
