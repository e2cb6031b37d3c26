"""The folder of a run: whose settings it holds, and that it is no other's."""

import json
from pathlib import Path

from deblurlib.training.config import TrainingConfig
from deblurlib.training.record import write_json

FILE = "config.json"


def open_folder(run_folder: str | Path | None, config: TrainingConfig, *, write: bool = True) -> Path | None:
    """Make the folder of a run, or check that it holds the same run; what its settings leave out has its default.

    Args:
        run_folder: Made if it does not exist; None is none.
        config: The run's settings.
        write: Whether this process makes what is missing.

    Raises:
        ValueError: a file, or the folder of a run of other settings (named).
    """
    if run_folder is None:
        return None
    folder = Path(run_folder)
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is a file, expected a folder for the run.")
    file = folder / FILE
    settings = json.loads(json.dumps(config.to_dict()))
    if not file.exists():
        if write:
            folder.mkdir(parents=True, exist_ok=True)
            write_json(file, settings, indent=1)
        return folder
    try:
        kept = dict(json.loads(file.read_text(encoding="utf-8")))
    except (TypeError, ValueError) as error:
        raise ValueError(f"{file} does not hold the settings of a run: {error}") from error
    defaults = json.loads(json.dumps(type(config)().to_dict()))
    kept = defaults | kept
    changed = [name for name in kept if name not in settings or settings[name] != kept[name]]
    if changed:
        there = ", ".join(f"{name} {json.dumps(kept[name])}, here {json.dumps(settings.get(name))}" for name in changed)
        raise ValueError(f"{folder} holds a run of other settings ({there}); choose another folder.")
    return folder
