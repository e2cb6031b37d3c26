"""A batch in shares, and one gradient: parts of it one after the other, and processes side by side."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor

from deblurlib.training.data import Batch
from deblurlib.training.one_step import Losses, System
from deblurlib.training.parallel import Processes


class Shares:
    """Takes the steps of a system on a batch that does not come in one piece.

    A step may update several players, and a later update may depend on an earlier one: a judge that has just learnt
    judges. So the parts go through the step together. Each runs up to its next update, adds its gradient, and pauses;
    when all have, the mean over all parts and processes is applied once, and all go on. The result is the step on the
    whole batch for every loss that is a mean over crops. (The network for known kernels makes the first quarter of
    what it is given grey: there the parts see other crops in grey than the whole batch would. And a distance of
    features is divided by their variance: that of all processes, but of each part. What a step draws for itself, such
    as the places of a gradient penalty, each share draws anew.)

    Args:
        system: Whose step.
        processes: All of them.
        parts: In how many parts this process takes its batch; at most one a crop.
        precision: Makes the context that a step runs in; threads have one each.
    """

    def __init__(
        self, system: System, processes: Processes, parts: int, precision: Callable[[], AbstractContextManager[Any]]
    ) -> None:
        self.system, self.processes, self.parts, self.precision = system, processes, parts, precision
        self.player, self.weight = "", 1.0
        self.pause: Callable[[], None] = lambda: None

    def step(self, batch: Batch) -> Losses:
        """One step: the losses are means over this process's crops."""
        count = len(batch.sharp)
        bounds = [count * i // self.parts for i in range(self.parts + 1)]
        parts = [batch.part(a, b) for a, b in pairwise(bounds)]
        weights = [len(part.sharp) / count for part in parts]
        self.system.update = self._add_gradient  # type: ignore[method-assign]
        paused = [_Paused(lambda part=part: self._part(part)) for part in parts]  # type: ignore[misc]
        try:
            while True:
                going_on = []
                for each, self.weight in zip(paused, weights, strict=True):
                    self.pause = each.pause
                    going_on.append(each.resume())
                if not all(going_on):
                    break
                optimizer = self.system.optimizers[self.player]
                self.processes.average_gradients([p for group in optimizer.param_groups for p in group["params"]])
                self.system.apply(self.player)
                self.player = ""
        finally:
            del self.system.update
            for each in paused:
                each.abandon()
        losses = [each.result for each in paused]
        return {
            name: sum((w * x[name] for w, x in zip(weights, losses, strict=True)), start=0.0 * losses[0][name])
            for name in losses[0]
        }

    def _part(self, part: Batch) -> Losses:
        with self.precision():
            return self.system.step(part)

    def _add_gradient(self, name: str, loss: Tensor) -> None:
        """What takes the place of an update while a part runs."""
        if not self.player:
            self.player = name
            self.system.optimizers[name].zero_grad(set_to_none=True)
        (self.weight * loss).backward()  # type: ignore[no-untyped-call]
        torch.clear_autocast_cache()  # all threads share it: the next part casts the weights for itself
        self.pause()


class _Abandoned(BaseException):
    """Raised in a paused part that will never go on."""


class _Paused:
    """Work that can pause in the middle: it has a thread of its own, which runs only while `resume` waits for it."""

    def __init__(self, work: Callable[[], Losses]) -> None:
        self.work, self.result = work, dict[str, Tensor]()
        self.go, self.rest = threading.Semaphore(0), threading.Semaphore(0)
        self.ended = self.abandoned = False
        self.error: BaseException | None = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def resume(self) -> bool:
        """Run on to the next pause: True; or to the end: False. What the work raises is raised here."""
        self.go.release()
        self.rest.acquire()
        if self.error is not None:
            raise self.error
        return not self.ended

    def pause(self) -> None:
        """Called by the work."""
        self.rest.release()
        self.go.acquire()
        if self.abandoned:
            raise _Abandoned

    def abandon(self) -> None:
        """End it wherever it is."""
        self.abandoned = True
        self.go.release()
        self.thread.join()

    def _run(self) -> None:
        self.go.acquire()
        try:
            if not self.abandoned:
                self.result = self.work()
        except BaseException as error:
            self.error = error
        self.ended = True
        self.rest.release()
