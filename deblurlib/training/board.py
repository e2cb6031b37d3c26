"""TensorBoard, for those who have it."""

from pathlib import Path
from typing import Any

from torch import Tensor

FOLDER = "tensorboard"


class Board:
    """Writes losses, scores, speed and samples where TensorBoard finds them: `tensorboard --logdir RUN`.

    Args:
        folder: Of the run.
        done: Steps that are done: what an interrupted session logged beyond them is dropped.

    Raises:
        ModuleNotFoundError: TensorBoard is not installed.
    """

    def __init__(self, folder: Path, done: int) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ModuleNotFoundError(
                "tensorboard was asked for and is not installed: pip install tensorboard, or do without; "
                "losses, scores and samples are in the run's folder anyway."
            ) from error
        self.writer: Any = SummaryWriter(str(folder / FOLDER), purge_step=done + 1)

    def scalars(self, group: str, values: dict[str, float], step: int) -> None:
        """Some numbers of one step."""
        for name, value in values.items():
            self.writer.add_scalar(f"{group}/{name}", value, step)

    def sample(self, crops: Tensor, step: int) -> None:
        """Restored crops, (N, 3, H, W) in [0, 1]."""
        self.writer.add_images("samples", crops.clamp(0, 1), step)

    def close(self) -> None:
        """Write out what is still held."""
        self.writer.close()
