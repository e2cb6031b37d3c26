"""The loop around the step: seeds, schedule, progress, scores, checkpoints, resume."""

import dataclasses
import gc
import json
import sys
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from deblurlib import contracts
from deblurlib.networks import save_weights
from deblurlib.training import hardware, record
from deblurlib.training.board import Board
from deblurlib.training.checkpoint import load_checkpoint, save_checkpoint
from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import Batch
from deblurlib.training.guard import check_weights, read_losses
from deblurlib.training.held_out import HeldOut
from deblurlib.training.one_step import Losses, System
from deblurlib.training.parallel import Processes, SharedPool
from deblurlib.training.record import TrainingRun
from deblurlib.training.run_folder import open_folder
from deblurlib.training.schedule import schedule
from deblurlib.training.shares import Shares
from deblurlib.training.stopwatch import Pace, Stopwatch
from deblurlib.training.supply import supply
from deblurlib.training.systems import build_system

if TYPE_CHECKING:
    from lightning_fabric import Fabric

REPORT_EVERY = 25
"""Steps between readings of the losses: each reading waits for the device, and nothing else does."""

Callback = Callable[[int, dict[str, float]], None]


def fit(
    config: TrainingConfig,
    run_folder: str | Path | None = None,
    *,
    start: nn.Module | Mapping[str, nn.Module] | None = None,
    examination: HeldOut | None = None,
    samples: int = 0,
    progress: bool = True,
    callback: Callback | None = None,
    fabric: "Fabric | None" = None,
    tensorboard: bool = False,
) -> TrainingRun:
    """Train, or go on training.

    With a run folder, settings, checkpoints, samples, the record and the finished generator are kept there; calling
    again with the same settings goes on where the last checkpoint was, and on the CPU ends with the same bits as an
    unbroken run.

    Where the device's memory does not hold a batch, the run says so (a UserWarning), goes back to the last checkpoint
    or to its start, and takes each batch in twice as many parts, whose mean gradient is that of the whole batch.

    Args:
        config: The settings.
        run_folder: Where the run is kept; made if it does not exist. None keeps nothing.
        start: Networks of the same settings to start from: a generator 'blur_to_sharp', or several by name.
        examination: Held-out crops, scored every `config.validate_every` steps and at the end.
        samples: How many of the held-out crops to keep restored at every score.
        progress: Whether to show a progress bar, and to say what 'auto' chose.
        callback: Called with (step, losses) whenever the losses are read, every 25 steps; in every process.
        fabric: A launched Fabric (`deblurlib.training.launch`): its processes train together, each on its share of a
            batch of `config.batch` crops a process. None trains in this process alone.
        tensorboard: Whether to write for TensorBoard, too; it must be installed, and needs a run folder.

    Returns:
        The run. Of several processes, the first one's holds the scores and samples.

    Raises:
        TypeError: no `TrainingConfig`.
        ValueError: the folder holds a run of other settings or a damaged one, or settings that cannot be met.
        FileNotFoundError: the photographs are not there.
        NotFiniteError: a loss or a weight became NaN or infinite.
        torch.OutOfMemoryError: the memory does not hold a single crop, or several processes train.
    """
    if not isinstance(config, TrainingConfig):
        raise TypeError(f"config: expected a TrainingConfig, got {type(config).__name__}.")
    if tensorboard and run_folder is None:
        raise ValueError("tensorboard: what it shows is kept in a run folder, and none was given.")
    batch = min(config.micro_batch or config.batch, config.batch)
    while True:
        session = _Session(config, run_folder, start, Processes(fabric), batch, progress=progress)
        try:
            return session.train(examination, samples, callback, tensorboard=tensorboard)
        except torch.cuda.OutOfMemoryError as error:
            if batch == 1 or fabric is not None:
                error.add_note("Make the setting micro_batch, crop or width smaller.")
                raise
        del session  # and with it, what it holds on the device
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        before, batch = batch, (batch + 1) // 2
        warnings.warn(
            f"The memory does not hold {before} crops at a time. The run goes back to its last "
            f"checkpoint, and takes its batches of {config.batch} in parts of {batch}: the gradient is their mean, as "
            f"before, and a step takes longer. Set micro_batch = {batch} to begin like this.",
            UserWarning,
            stacklevel=2,
        )


class _Session:
    """A run from where it stands to its end."""

    def __init__(
        self,
        config: TrainingConfig,
        run_folder: str | Path | None,
        start: nn.Module | Mapping[str, nn.Module] | None,
        processes: Processes,
        micro_batch: int,
        *,
        progress: bool,
    ) -> None:
        self.config, self.processes = config, processes
        self.device = hardware.choose_device(config) if processes.fabric is None else processes.fabric.device
        self.system = system = build_system(config, self.device)
        if start is not None:
            _start_from({"blur_to_sharp": start} if isinstance(start, nn.Module) else start, system)
        hardware.lay_out(system.modules, self.device)
        self.data = supply(config, self.device, system, processes)
        self.folder = open_folder(run_folder, config, write=processes.first)
        self.averaged = _copy(system.networks["blur_to_sharp"].state_dict()) if config.average else {}
        if processes.count > 1:
            system.pools = {name: SharedPool(pool, processes) for name, pool in system.pools.items()}
            if hasattr(system, "features"):
                system.features.variance = processes.variance
        with torch.random.fork_rng(devices=[]):  # the weights that it starts with are replaced
            restorer = system.restorer()
        if not getattr(restorer, "needs_kernel", False):  # it brings photographs to its device by itself
            restorer.to(self.device)
        self.run = TrainingRun(config, restorer, system.networks, {}, [], chance=system.chance)
        self.run.processes = processes.count
        state = load_checkpoint(self.folder, system, processes.count) if self.folder else None
        self.done = 0
        if state and self.folder:
            self.done, self.averaged, kept = state
            record.restore(self.run, kept, self.folder)
        half = hardware.half_precision(config, self.device)
        compiled = hardware.compiles(config, self.device, config.steps - self.done)
        if compiled.choice:
            for module in system.modules:
                module.compile()
        self.warm = not compiled.choice  # the first steps of compiled networks wait for the compiler
        self.precision = hardware.autocast(self.device, half=half.choice)
        parts = -(-config.batch // micro_batch)
        self.shares = Shares(system, processes, parts, self.precision) if parts > 1 or processes.count > 1 else None
        self.run.decisions = [half.words, compiled.words]
        self.run.machine = hardware.describe(self.device)
        self.progress = progress and processes.first

    def train(
        self, examination: HeldOut | None, samples: int, callback: Callback | None, *, tensorboard: bool
    ) -> TrainingRun:
        """Every step that is left."""
        config, system, run, first = self.config, self.system, self.run, self.processes.first
        unread: list[Losses] = []
        watch = Stopwatch(self.device, config.batch * self.processes.count)
        board = Board(self.folder, self.done) if tensorboard and self.folder and first else None
        self.since = time.perf_counter()
        bar = tqdm(total=config.steps, initial=self.done, desc=config.system, unit="step", disable=not self.progress)
        if self.progress and self.done < config.steps:
            tqdm.write("\n".join(run.decisions), file=sys.stderr)
        with bar, hardware.fast_convolutions(self.device):
            for step in range(self.done, config.steps):
                system.set_rate(schedule(config.schedule, step, config.steps))
                watch.mark()
                batch = self.data.batch(step, paired=system.paired)
                watch.mark()
                unread.append(self._step(batch))
                if config.average:
                    decay = min(config.average, (step + 1) / (step + 10))
                    _blend(self.averaged, system.networks["blur_to_sharp"], decay)
                finished = step + 1
                last = finished == config.steps
                save_now = self.folder is not None and (finished % config.checkpoint_every == 0 or last)
                score_now = examination is not None and (finished % config.validate_every == 0 or last)
                if not (len(unread) == REPORT_EVERY or save_now or score_now or last):
                    continue
                latest = read_losses(unread, run.losses, finished, self.folder, self.processes)
                self._show(bar, board, finished, latest, watch.read())
                if save_now or score_now or last:
                    check_weights(system.networks, finished, self.folder)
                if callback:
                    callback(finished, latest)
                if score_now and examination is not None and first:
                    self._score(examination, finished, samples, board)
                if save_now and self.folder is not None and first:
                    self._take_time()
                    record_so_far = record.to_dict(run)
                    save_checkpoint(self.folder, system, finished, self.averaged, record_so_far, self.processes.count)
                watch.skip()
        self._finish()
        if board:
            board.close()
        self.processes.wait()
        return run

    def _step(self, batch: Batch) -> Losses:
        if self.shares:
            return self.shares.step(batch)
        with self.precision():
            return self.system.step(batch)

    def _show(self, bar: "tqdm[int]", board: Board | None, step: int, losses: dict[str, float], pace: Pace) -> None:
        if self.warm:
            self.run.pace += pace
        self.warm = True
        bar.update(step - bar.n)
        scores = self.run.scores
        bar.set_postfix_str(f"{pace}, {scores[-1][1]:+.2f} dB" if scores else str(pace))
        if board:
            board.scalars("loss", losses, step)
            board.scalars("pace", {"images/s": pace.rate, "utilisation": pace.utilisation}, step)

    def _score(self, examination: HeldOut, step: int, samples: int, board: Board | None) -> None:
        self._load_generator()
        gain = float(examination.gain(self.run.generator).mean())
        self.run.scores.append((step, gain))
        if samples:
            restored = examination.restored(self.run.generator, samples)
            self.run.samples.append(record.keep_sample(self.folder, step, restored))
        if board:
            board.scalars("score", {"gain in dB": gain}, step)
            if samples:
                board.sample(self.run.samples[-1][1], step)

    def _take_time(self) -> None:
        now = time.perf_counter()
        self.run.seconds, self.since = self.run.seconds + now - self.since, now
        self.run.memory = max(self.run.memory, hardware.peak_memory(self.device))

    def _load_generator(self) -> None:
        weights = self.averaged or self.system.networks["blur_to_sharp"].state_dict()
        self.run.generator.network.load_state_dict(weights)

    def _finish(self) -> None:
        self._take_time()
        self._load_generator()
        if self.folder is not None and self.processes.first:
            path, network = self.folder / "generator.safetensors", self.run.generator.network
            save_weights(path, network, notes=_notes(self.run), overwrite=True)
            record.write_json(self.folder / record.FILE, record.to_dict(self.run))


def _start_from(start: Mapping[str, nn.Module], system: System) -> None:
    for name, network in start.items():
        contracts.choice(name, "start", list(system.networks))
        try:
            system.networks[name].load_state_dict(network.state_dict())
        except RuntimeError as error:
            raise ValueError(f"start: is not a network {name!r} of the run's settings: {error}") from error


def _copy(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: t.detach().clone() for name, t in state.items()}


@torch.no_grad()
def _blend(averaged: dict[str, Tensor], network: nn.Module, decay: float) -> None:
    state = network.state_dict()
    torch._foreach_lerp_(list(averaged.values()), [state[name] for name in averaged], 1 - decay)


def _notes(run: TrainingRun) -> dict[str, str]:
    config = dataclasses.replace(run.config, photographs=Path(run.config.photographs).name)  # paths do not travel
    return {"config": json.dumps(config.to_dict()), "seconds": f"{run.seconds:.0f}"}
