"""What a run leaves behind: losses, scores, samples, settings, speed and machine, as files that a page can show."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from deblurlib import images
from deblurlib.files import atomic
from deblurlib.networks import Deblurrer
from deblurlib.training.config import TrainingConfig
from deblurlib.training.stopwatch import Pace

FILE, SAMPLES = "record.json", "samples"

SHIPPED = Path(__file__).parent / "records"
"""Runs that were made for the book: their records, with small pictures, and without their networks."""

AS_THEY_ARE = (
    *("chance", "seconds", "images_per_second", "data_share", "decisions", "machine", "memory", "processes"),
)
"""What a record holds as a run has it."""

QUALITY = 90
"""Of the samples' WebP files (our choice): a strip of four crops of 192 pixels takes about 50 kB."""


@dataclass
class TrainingRun:
    """What a training run made.

    Attributes:
        config: Its settings.
        generator: Blurred to sharp, ready for use.
        networks: All networks by name, as training left them.
        losses: Loss name -> its value at every step, to seven digits.
        scores: (step, mean gain in PSNR over the blurred input, dB) on the held-out crops.
        samples: (step, restored crops (N, 3, H, W)) as training went; with a run folder, as its files hold them.
        chance: Loss name -> its value when a discriminator can only guess.
        seconds: Wall time of the steps, all sessions of the run together.
        pace: Images, seconds and waiting for data; left out are scores, checkpoints and the first steps of compiled
            networks.
        decisions: What was chosen where the settings say 'auto', and why.
        machine: Hardware and versions of the last session.
        memory: Bytes, the most that it took.
        processes: That trained together.
    """

    config: TrainingConfig
    generator: Deblurrer
    networks: dict[str, nn.Module]
    losses: dict[str, list[float]]
    scores: list[tuple[int, float]]
    samples: list[tuple[int, Tensor]] = field(default_factory=list)
    chance: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    pace: Pace = field(default_factory=Pace)
    decisions: list[str] = field(default_factory=list)
    machine: dict[str, str] = field(default_factory=dict)
    memory: int = 0
    processes: int = 1


@dataclass(frozen=True)
class Record:
    """What a run's folder tells of it, without its networks. The attributes are those of `TrainingRun`.

    Attributes:
        images_per_second: Crops that were trained on, by the clock.
        data_share: Of the time, that went into making batches.
    """

    config: dict[str, Any]
    losses: dict[str, list[float]]
    scores: list[tuple[int, float]]
    samples: list[tuple[int, Tensor]]
    chance: dict[str, float]
    seconds: float
    images_per_second: float
    data_share: float
    decisions: list[str]
    machine: dict[str, str]
    memory: int
    processes: int


def keep_sample(folder: Path | None, step: int, restored: Tensor) -> tuple[int, Tensor]:
    """Write crops side by side into a small file, and hand back what it holds; without a folder, the crops."""
    if folder is None:
        return step, restored
    (folder / SAMPLES).mkdir(exist_ok=True)
    strip = torch.cat(list(restored.detach().cpu().float()), dim=-1).clamp(0, 1)
    pixels = (strip * 255).round().to(torch.uint8).permute(1, 2, 0).numpy()
    path = folder / SAMPLES / _name(step, len(restored))
    with atomic(path, overwrite=True) as temporary:
        Image.fromarray(np.ascontiguousarray(pixels)).save(temporary, quality=QUALITY)
    return step, _crops(path, len(restored))


def to_dict(run: TrainingRun) -> dict[str, Any]:
    """The record as plain values; of the samples, only which there are."""
    return {
        "config": run.config.to_dict(),
        "losses": run.losses,
        "scores": run.scores,
        "samples": [(step, len(crops)) for step, crops in run.samples],
        "chance": run.chance,
        "seconds": run.seconds,
        "images_per_second": run.pace.rate,
        "data_share": 1 - run.pace.utilisation,
        "pace": [run.pace.images, run.pace.seconds, run.pace.data],
        "decisions": run.decisions,
        "machine": run.machine,
        "memory": run.memory,
        "processes": run.processes,
    }


def restore(run: TrainingRun, record: dict[str, Any], folder: Path) -> None:
    """Put what was recorded before into a run that goes on."""
    run.losses = record["losses"]
    run.scores = [(int(step), float(gain)) for step, gain in record["scores"]]
    run.samples = _samples(record, folder)
    run.seconds = float(record["seconds"])
    run.memory = int(record.get("memory", 0))
    images_seen, seconds, data = record.get("pace", (0, 0.0, 0.0))
    run.pace = Pace(int(images_seen), float(seconds), float(data))


def write_json(path: Path, content: object, *, indent: int | None = None) -> None:
    """Write plain values, whole or not at all."""
    with atomic(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(content, indent=indent), encoding="utf-8")


def shipped_runs() -> list[str]:
    """The names of the runs whose records ship inside the package."""
    return sorted(path.parent.name for path in SHIPPED.glob(f"*/{FILE}"))


def load_record(folder: str | Path) -> Record:
    """Read what a finished run recorded.

    Args:
        folder: The run's folder; 'record.json' and the pictures in 'samples' are enough of it. Or a name from
            `shipped_runs()`.

    Raises:
        FileNotFoundError: it has no record; the message lists the names.
        ValueError: the record is damaged.

    Example:
        >>> load_record("strong_l1").machine["device"]
        'NVIDIA H100 80GB HBM3'
    """
    folder = SHIPPED / folder if str(folder) in shipped_runs() else Path(folder)
    path = folder / FILE
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} holds no record of a run: there is no {FILE}; a run writes it when it ends. "
            f"Records that ship: {', '.join(shipped_runs())}."
        )
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Record(
            config=kept["config"],
            losses=kept["losses"],
            scores=[(int(step), float(gain)) for step, gain in kept["scores"]],
            samples=_samples(kept, folder),
            **{name: kept[name] for name in AS_THEY_ARE},
        )
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} is not the record of a run: {error}") from error


def _samples(record: dict[str, Any], folder: Path) -> list[tuple[int, Tensor]]:
    """The samples whose files are there: a picture that somebody took away does not stop a run."""
    found = [(int(step), int(count)) for step, count in record.get("samples", [])]
    paths = [(step, count, folder / SAMPLES / _name(step, count)) for step, count in found]
    return [(step, _crops(path, count)) for step, count, path in paths if path.is_file()]


def _name(step: int, count: int) -> str:
    return f"step-{step:08}-of-{count}.webp"


def _crops(path: Path, count: int) -> Tensor:
    strip = images.load(path).expand(-1, 3, -1, -1)
    return torch.cat(strip.chunk(count, dim=-1))
