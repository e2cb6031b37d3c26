"""How long steps take, and how much of that is waiting for data, without making the device wait."""

import time
from dataclasses import dataclass

import torch


@dataclass
class Pace:
    """Of the steps between two readings.

    Attributes:
        images: Crops that were trained on, in all processes.
        seconds: Wall time.
        data: Of these, spent on making batches.
    """

    images: int = 0
    seconds: float = 0.0
    data: float = 0.0

    @property
    def rate(self) -> float:
        """Images a second."""
        return self.images / self.seconds if self.seconds else 0.0

    @property
    def utilisation(self) -> float:
        """The share of the time in which the device does not wait for data."""
        return 1 - self.data / self.seconds if self.seconds else 0.0

    def __add__(self, other: "Pace") -> "Pace":
        return Pace(self.images + other.images, self.seconds + other.seconds, self.data + other.data)

    def __str__(self) -> str:
        wait = self.data / self.seconds if self.seconds else 0.0
        return f"{self.rate:.3g} images/s, data wait {wait:.0%}, utilisation {self.utilisation:.0%}"


class Stopwatch:
    """Times steps: on the CPU by the clock; on CUDA by events in the device's queue, read when all waits anyway.

    Args:
        device: Whose time.
        images: That a step trains on.
    """

    def __init__(self, device: torch.device, images: int) -> None:
        self.device, self.images = device, images
        self.marks: list[float | torch.cuda.Event] = []
        self.steps = 0
        self.since = time.perf_counter()

    def mark(self) -> None:
        """Called before and after a batch is made."""
        if self.device.type != "cuda":
            self.marks.append(time.perf_counter())
            return
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        self.marks.append(event)

    def read(self) -> Pace:
        """The pace since the last reading; the device must have been waited for."""
        now = time.perf_counter()
        pairs = zip(self.marks[::2], self.marks[1::2], strict=True)
        pace = Pace(self.images * (len(self.marks) // 2), now - self.since, sum(_between(a, b) for a, b in pairs))
        self.marks.clear()
        self.since = now
        return pace

    def skip(self) -> None:
        """Leave out what has passed since the last reading: scores, checkpoints."""
        self.since = time.perf_counter()


def _between(a: "float | torch.cuda.Event", b: "float | torch.cuda.Event") -> float:
    if isinstance(a, float) and isinstance(b, float):
        return b - a
    return float(a.elapsed_time(b)) / 1000  # type: ignore[union-attr, arg-type]
