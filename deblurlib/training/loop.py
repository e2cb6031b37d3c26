"""The loop around the step: seeds, precision, schedule, progress, scores, checkpoints, resume."""

import contextlib
import dataclasses
import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from deblurlib import contracts, profile
from deblurlib.files import atomic
from deblurlib.networks import Deblurrer, save_weights
from deblurlib.training.checkpoint import load_checkpoint, save_checkpoint
from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import BlurredPairs
from deblurlib.training.held_out import HeldOut
from deblurlib.training.schedule import schedule
from deblurlib.training.systems import System, build_system

REPORT_EVERY = 25
"""Steps between readings of the losses: each reading waits for the device."""


@dataclass
class TrainingRun:
    """What a training run made.

    Attributes:
        config: Its settings.
        generator: Blurred to sharp, ready for use.
        networks: All networks by name, as training left them.
        losses: Loss name -> its value at every step.
        scores: (step, mean gain in PSNR over the blurred input, dB) on the held-out crops.
        samples: (step, restored crops (N, 3, H, W)) as training went.
        chance: Loss name -> its value when a discriminator can only guess.
        seconds: Wall time of the steps, all sessions of the run together.
    """

    config: TrainingConfig
    generator: Deblurrer
    networks: dict[str, nn.Module]
    losses: dict[str, list[float]]
    scores: list[tuple[int, float]]
    samples: list[tuple[int, Tensor]] = field(default_factory=list)
    chance: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0


class NotFiniteError(RuntimeError):
    """A loss or a weight became NaN or infinite; training stopped, and the last checkpoint is untouched."""

    def __init__(self, what: str, step: int, folder: Path | None) -> None:
        kept = f"the last checkpoint is in {folder}" if folder else "no run folder was given, so nothing is kept"
        super().__init__(f"{what} became NaN or infinite by step {step}; {kept}. Lower the learning rate.")


def fit(
    config: TrainingConfig,
    run_folder: str | Path | None = None,
    *,
    start: nn.Module | Mapping[str, nn.Module] | None = None,
    examination: HeldOut | None = None,
    samples: int = 0,
    progress: bool = True,
    callback: Callable[[int, dict[str, float]], None] | None = None,
) -> TrainingRun:
    """Train, or go on training.

    With a run folder, settings, checkpoints and the finished generator are kept there; calling again with the same
    settings goes on where the last checkpoint was, and on the CPU ends with the same bits as an unbroken run.

    Args:
        config: The settings.
        run_folder: Where the run is kept; made if it does not exist. None keeps nothing.
        start: Networks of the same settings to start from: a generator 'blur_to_sharp', or several by name.
        examination: Held-out crops, scored every `config.validate_every` steps and at the end.
        samples: How many of the held-out crops to keep restored at every score.
        progress: Whether to show a progress bar.
        callback: Called with (step, losses) whenever the losses are read, every 25 steps.

    Returns:
        The run.

    Raises:
        ValueError: the folder holds a run of other settings or a damaged one, or settings that cannot be met.
        FileNotFoundError: the photographs are not there.
        NotFiniteError: a loss or a weight became NaN or infinite.
    """
    device = _device(config)
    system = build_system(config, device)
    if start is not None:
        _start_from({"blur_to_sharp": start} if isinstance(start, nn.Module) else start, system)
    pairs = BlurredPairs(config, device)
    folder = _open_folder(run_folder, config)
    averaged = _copy(system.networks["blur_to_sharp"].state_dict()) if config.average else {}
    with torch.random.fork_rng(devices=[]):  # the weights that it starts with are replaced
        restorer = system.restorer()
    run = TrainingRun(config, restorer, system.networks, {}, [])
    run.chance = system.chance
    done = 0
    state = load_checkpoint(folder, system) if folder else None
    if state:
        done, averaged, record = state
        run.losses, run.scores, run.seconds = _from_record(record)

    unread: list[dict[str, Tensor]] = []
    since = time.perf_counter()
    bar = tqdm(total=config.steps, initial=done, desc=config.system, unit="step", disable=not progress)
    with bar:
        for step in range(done, config.steps):
            system.set_rate(schedule(config.schedule, step, config.steps))
            batch = pairs.batch(step, paired=system.paired)
            with _precision(config, device):  # anew for each step: autocast keeps the weights that it has cast
                unread.append(system.step(batch))
            if config.average:
                _blend(averaged, system.networks["blur_to_sharp"], min(config.average, (step + 1) / (step + 10)))
            finished = step + 1
            last = finished == config.steps
            save_now = folder is not None and (finished % config.checkpoint_every == 0 or last)
            score_now = examination is not None and (finished % config.validate_every == 0 or last)
            if len(unread) == REPORT_EVERY or save_now or score_now or last:
                latest = _read(unread, run.losses, finished, folder)
                bar.update(finished - bar.n)
                if save_now or score_now or last:
                    _check_weights(system, finished, folder)
                if callback:
                    callback(finished, latest)
            if score_now and examination is not None:
                _load_generator_into(run.generator, system, averaged)
                _score(run, examination, finished, samples)
                bar.set_postfix_str(f"{run.scores[-1][1]:+.2f} dB")
            if save_now and folder is not None:
                run.seconds, since = run.seconds + time.perf_counter() - since, time.perf_counter()
                save_checkpoint(folder, system, finished, averaged, _to_record(run))
    run.seconds += time.perf_counter() - since
    _load_generator_into(run.generator, system, averaged)
    if folder is not None:
        save_weights(folder / "generator.safetensors", run.generator.network, notes=_notes(run), overwrite=True)
        _write_json(folder / "record.json", _to_record(run))
    return run


def _start_from(start: Mapping[str, nn.Module], system: System) -> None:
    for name, network in start.items():
        contracts.choice(name, "start", list(system.networks))
        try:
            system.networks[name].load_state_dict(network.state_dict())
        except RuntimeError as error:
            raise ValueError(f"start: is not a network {name!r} of the run's settings: {error}") from error


def _device(config: TrainingConfig) -> torch.device:
    if config.device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(config.device)
    except RuntimeError as error:
        raise ValueError(f"device: unknown {config.device!r}, expected auto, cpu, cuda or cuda:1, ...") from error
    if device.type == "cuda" and not torch.cuda.is_available():
        raise ValueError("device: 'cuda' was asked for, but torch finds no CUDA device here.")
    return device


def _precision(config: TrainingConfig, device: torch.device) -> contextlib.AbstractContextManager[Any]:
    half = config.precision == "bfloat16" or (config.precision == "auto" and profile.fast_bfloat16(device))
    return torch.autocast(device.type, dtype=torch.bfloat16) if half else contextlib.nullcontext()


def _open_folder(run_folder: str | Path | None, config: TrainingConfig) -> Path | None:
    if run_folder is None:
        return None
    folder = Path(run_folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file, expected a folder for the run.")
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "config.json"
    settings = json.loads(json.dumps(config.to_dict()))
    if not file.exists():
        _write_json(file, settings)
        return folder
    try:
        kept = dict(json.loads(file.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{file} does not hold the settings of a run: {error}") from error
    changed = sorted(name for name in settings.keys() | kept.keys() if settings.get(name) != kept.get(name))
    if changed:
        raise ValueError(
            f"{folder} holds a run of other settings ({', '.join(changed)} differ); choose another folder."
        )
    return folder


def _write_json(path: Path, content: object) -> None:
    with atomic(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(content, indent=1), encoding="utf-8")


def _read(
    unread: list[dict[str, Tensor]], losses: dict[str, list[float]], step: int, folder: Path | None
) -> dict[str, float]:
    names = list(unread[0])
    values = torch.stack([torch.stack([losses[name].float() for name in names]) for losses in unread]).tolist()
    unread.clear()
    for name, column in zip(names, zip(*values, strict=True), strict=True):
        losses.setdefault(name, []).extend(column)
    latest = {name: column[-1] for name, column in losses.items()}
    if not all(math.isfinite(value) for row in values for value in row):
        raise NotFiniteError("A loss", step, folder)
    return latest


def _check_weights(system: System, step: int, folder: Path | None) -> None:
    """A last update can ruin the weights after finite losses; such weights must not reach a checkpoint."""
    for network in system.networks.values():
        if not all(bool(t.isfinite().all()) for t in network.state_dict().values()):
            raise NotFiniteError("A weight", step, folder)


def _score(run: TrainingRun, examination: HeldOut, step: int, samples: int) -> None:
    gain = examination.gain(run.generator)
    run.scores.append((step, float(gain.mean())))
    if samples:
        run.samples.append((step, examination.restored(run.generator, samples)))


def _copy(state: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: t.detach().clone() for name, t in state.items()}


@torch.no_grad()
def _blend(averaged: dict[str, Tensor], network: nn.Module, decay: float) -> None:
    for name, t in network.state_dict().items():
        averaged[name].lerp_(t, 1 - decay)


def _load_generator_into(deblurrer: Deblurrer, system: System, averaged: dict[str, Tensor]) -> None:
    deblurrer.network.load_state_dict(averaged or system.networks["blur_to_sharp"].state_dict())


def _to_record(run: TrainingRun) -> dict[str, object]:
    return {"losses": run.losses, "scores": run.scores, "seconds": run.seconds}


def _from_record(record: dict[str, Any]) -> tuple[dict[str, list[float]], list[tuple[int, float]], float]:
    return record["losses"], [(int(step), float(gain)) for step, gain in record["scores"]], float(record["seconds"])


def _notes(run: TrainingRun) -> dict[str, str]:
    config = dataclasses.replace(run.config, photographs=Path(run.config.photographs).name)  # paths do not travel
    return {"config": json.dumps(config.to_dict()), "seconds": f"{run.seconds:.0f}"}
