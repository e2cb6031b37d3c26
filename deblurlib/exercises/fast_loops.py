"""The exercises of the chapter 'Training on a CUDA machine'."""

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor

from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

WEIGHT = 4
"""Bytes of a number in float32."""


class QueuedDevice:
    """A device that works through a queue, as a CUDA device does, with a clock that a test can trust.

    Whoever launches a step goes on after `LAUNCH`; the device needs `STEP` for it, and comes to it when it is done with
    what was launched before. The first step waits for the compiler. When it is handed over, it is still busy.

    Example:
        >>> device = QueuedDevice()
        >>> device.step(), device.wait()
        (None, None)
        >>> begun = device.clock()
        >>> device.step()
        >>> round(device.clock() - begun, 3)
        0.05
        >>> device.wait()
        >>> round(device.clock() - begun, 3)
        12.05
    """

    LAUNCH, STEP, COMPILER, BUSY = 0.05, 12.0, 800.0, 40.0

    def __init__(self) -> None:
        self._now, self._free = 0.0, self.BUSY
        self._fresh = True

    def clock(self) -> float:
        """Milliseconds, by the clock of whoever launches."""
        return self._now

    def step(self) -> None:
        """Launch a training step."""
        self._now += self.LAUNCH + (self.COMPILER if self._fresh else 0.0)
        self._fresh = False
        self._free = max(self._free, self._now) + self.STEP

    def wait(self) -> None:
        """Wait until the device has nothing left to do."""
        self._now = max(self._now, self._free)


def _number(given: object) -> str | None:
    """What is wrong with the form of an answer that should be a number."""
    if given is None:
        return "your answer is None: does the function return its result?"
    single = isinstance(given, Tensor) and given.numel() == 1
    if not single and (isinstance(given, bool) or not isinstance(given, int | float)):
        return f"your answer is of type {type(given).__name__}, expected a number."
    return None


def _close(given: float, expected: float, tolerance: float = 1e-4) -> bool:
    return math.isclose(given, expected, rel_tol=tolerance)


def _judge(
    given: Sequence[Any], expected: Sequence[float], mistakes: Iterable[tuple[Sequence[float], str]]
) -> str | None:
    """None where all answers are right; else the first mistake that explains all of them, with the first wrong one."""
    for each in given:
        if complaint := _number(each):
            return complaint
    numbers = [float(each) for each in given]
    wrong = [(a, b) for a, b in zip(numbers, expected, strict=True) if not _close(a, b)]
    if not wrong:
        return None
    start = f"your answer is {wrong[0][0]:.6g}, expected {wrong[0][1]:.6g}"
    for values, why in mistakes:
        if all(_close(a, b) for a, b in zip(numbers, values, strict=True)):
            return f"{start}: {why}."
    return f"{start}."


@exercise("roofline_time")
def _roofline_time(answer: Any) -> str | None:
    cases = ((6e12, 4e9, 5e14, 2e12), (3e9, 8e9, 5e14, 2e12))  # one bound by products, one by copying
    times = [(f / p, b / c) for f, b, p, c in cases]
    mistakes = (
        ([a + b for a, b in times], "you added the two; a device multiplies and copies at the same time"),
        ([min(t) for t in times], "this is the shorter of the two; the step is not over before the longer one is"),
        ([a for a, _ in times], "you looked at the operations alone; the second case waits for its bytes"),
        ([b for _, b in times], "you looked at the bytes alone; the first case waits for its products"),
        ([f / b for f, b, _, _ in cases], "these are operations a byte, the intensity; a time needs both ceilings"),
        ([max(f * p, b * c) for f, b, p, c in cases], "you multiplied; work divided by speed is time"),
        ([1 / min(t) for t in times], "this is upside down, and work divided by speed is time"),
        ([1 / max(t) for t in times], "this is upside down: steps a second"),
        ([1e3 * max(t) for t in times], "these are milliseconds"),
    )
    return _judge([answer(*case) for case in cases], [max(t) for t in times], mistakes)


@exercise("standing_memory")
def _standing_memory(answer: Any) -> str | None:
    cases = ((3_000_000, 500_000), (70_000, 0))

    def bytes_of(trained: float, frozen: float) -> list[float]:
        return [trained * t + frozen * f for t, f in cases]

    whole = 4 * WEIGHT
    mistakes = (
        (bytes_of(whole, whole), "frozen weights have neither gradients nor averages"),
        (bytes_of(whole, 0), "frozen weights learn nothing, and have to be there all the same"),
        (
            bytes_of(3 * WEIGHT, WEIGHT),
            "three numbers a weight: of the weight, its gradient and two averages one is missing",
        ),
        (bytes_of(2 * WEIGHT, WEIGHT), "Adam's two averages are missing"),
        (bytes_of(WEIGHT, WEIGHT), "these are the weights alone; what trains them has gradients and two averages"),
        (
            bytes_of(whole / 2, WEIGHT / 2),
            "two bytes are enough for activations; weights and averages need float32's four",
        ),
        (bytes_of(whole / WEIGHT, 1), "these are numbers, not bytes; float32 takes four"),
        (bytes_of(8 * whole, 8 * WEIGHT), "these are bits"),
        ([n / 1e9 for n in bytes_of(whole, WEIGHT)], "these are gigabytes; bytes were asked for"),
    )
    return _judge([answer(*case) for case in cases], bytes_of(whole, WEIGHT), mistakes)


@exercise("gradient_in_parts")
def _gradient_in_parts(answer: Any) -> str | None:
    size = 3
    batch = torch.randn(7, 4, generator=seed(51)).double()
    weights = torch.tensor([0.5, -1.0, 2.0, 0.25]).double()
    seen: list[int] = []

    def gradient(part: Tensor) -> Tensor:
        return 2 / len(part) * part.T @ (part @ weights - 1)

    def watched(part: Tensor) -> Tensor:
        seen.append(len(part))
        return gradient(part)

    given = answer(watched, batch.clone(), size)
    if not isinstance(given, Tensor):
        return f"your answer is of type {type(given).__name__}, expected a tensor."
    whole = gradient(batch)
    if given.shape != whole.shape:
        return f"your answer has shape {tuple(given.shape)}, expected {tuple(whole.shape)}."
    if seen and max(seen) > size:
        return f"you computed {max(seen)} crops at a time; the memory holds {size}."
    if torch.allclose(given.double(), whole):
        return None
    parts = [batch[i : i + size] for i in range(0, len(batch), size)]
    plain = torch.stack([gradient(part) for part in parts])
    counts = torch.tensor([len(part) for part in parts]).double()
    weighted = counts[:, None] * plain
    mistakes = (
        (plain.sum(dim=0), "you added the parts; each is a mean already, so the sum is too long a step"),
        (plain.mean(dim=0), "the last part has one crop, and in your mean it counts as much as three"),
        (weighted.sum(dim=0), "you weighted by the number of crops, and did not divide by all of them"),
        (weighted.sum(dim=0) / size, "you divided by the size of a part; divide by the number of all crops"),
        (plain[:-1].mean(dim=0), "the last crop is lost: seven is no multiple of three"),
        (weighted[:-1].sum(dim=0) / len(batch), "the last crop is lost, and counted all the same"),
        (plain[-1], "only the last part is left: add to what there is"),
        (plain[0], "only the first part is there"),
    )
    start = f"the first number of your gradient is {float(given[0]):.4f}, expected {float(whole[0]):.4f}"
    for wrong, why in mistakes:
        if torch.allclose(given.double(), wrong):
            return f"{start}: {why}."
    return f"{start}."


BUGS = (
    "the first step is timed, and waits for the compiler",
    "the clock starts while the device is still busy with what was launched before",
    "the clock stops when the steps are launched, not when they are done",
    "the time of all steps is handed back, not that of one",
)


def _stopped(count: int, bugs: Sequence[bool]) -> float:
    """What a stopwatch with some of the four bugs shows."""
    cold, early, hasty, whole = bugs
    device = QueuedDevice()
    if not cold:
        device.step()
    if not early:
        device.wait()
    begun = device.clock()
    for _ in range(count):
        device.step()
    if not hasty:
        device.wait()
    spent = device.clock() - begun
    return spent if whole else spent / count


@exercise("mended_stopwatch")
def _mended_stopwatch(answer: Any) -> str | None:
    count = 20
    given = answer(QueuedDevice(), count)
    if complaint := _number(given):
        return complaint
    expected = _stopped(count, (False,) * 4)
    if _close(float(given), expected, 0.01):  # a wait after every step is no mistake
        return None
    start = f"your stopwatch shows {float(given):.2f} ms, expected {expected:.2f}"
    fewest_first = sorted(itertools.product((False, True), repeat=len(BUGS)), key=sum)
    for bugs in fewest_first:
        if _close(float(given), _stopped(count, bugs)):
            return f"{start}: {'; '.join(bug for bug, there in zip(BUGS, bugs, strict=True) if there)}."
    return f"{start}."
