"""The recorded comparisons: what each run gave, means over seeds with intervals, and the file that ships."""

import dataclasses
import json
import math
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deblurlib.benchmarks.bootstrap import Interval
from deblurlib.contracts import choice
from deblurlib.files import atomic

FILE = Path(__file__).parent / "ablations.json"
FULL_FILE = Path(__file__).parent / "table_1_full.json"

STUDENT = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262}
"""Degrees of freedom -> the 97.5 % quantile of Student's t."""


@dataclass(frozen=True)
class AblationRun:
    """One training run.

    Attributes:
        arm: What was trained: a name from `ARMS`.
        seed: Of weights, kernels and batches.
        seconds: For the training: of CPU, or on the clock where it ran on another device.
        scores: Metric -> mean over the held-out crops.
        losses: Name -> mean over the last tenth of the steps.
        gains: PSNR over the blurred crop, dB, for each held-out crop.
        failure: What stopped the run; '' where nothing did.
    """

    arm: str
    seed: int
    seconds: float
    scores: dict[str, float]
    losses: dict[str, float]
    gains: list[float]
    failure: str = ""


@dataclass(frozen=True)
class Ablations:
    """Every run of the comparisons, and how they came about; it prints as a table.

    Attributes:
        runs: One for each arm and seed.
        blurred: Metric -> mean over the blurred crops, to compare with.
        settings: Arm -> its settings that differ from those of the pocket run.
        made: By what command, on what machine, with which versions.
    """

    runs: list[AblationRun]
    blurred: dict[str, float] = field(default_factory=dict)
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)

    def arms(self) -> list[str]:
        """The names of what was trained."""
        return list(dict.fromkeys(run.arm for run in self.runs))

    def of(self, arm: str) -> list[AblationRun]:
        """The runs of an arm, by seed.

        Raises:
            ValueError: no such arm; the message lists them.
        """
        choice(arm, "arm", self.arms())
        return sorted((run for run in self.runs if run.arm == arm), key=lambda run: run.seed)

    def values(self, arm: str, metric: str = "gain") -> list[float]:
        """One number for each seed whose run ended well.

        Args:
            arm: Its name.
            metric: 'gain', the mean gain in PSNR over the blurred crops, dB; 'seconds'; a metric; or a loss.

        Raises:
            ValueError: no such arm, or a metric that its runs do not have.
        """
        return list(self._by_seed(arm, metric).values())

    def _by_seed(self, arm: str, metric: str) -> dict[int, float]:
        found = {}
        for run in self.of(arm):
            if not run.failure:
                known = {"gain": statistics.fmean(run.gains), "seconds": run.seconds, **run.losses, **run.scores}
                found[run.seed] = known[choice(metric, "metric", list(known))]
        return found

    def mean(self, arm: str, metric: str = "gain") -> Interval:
        """The mean over seeds and its 95 % interval by Student's t.

        Raises:
            ValueError: as `values`, or fewer than two runs ended well.
        """
        return student(self.values(arm, metric))

    def difference(self, arm: str, other: str, metric: str = "gain") -> Interval:
        """By how much an arm exceeds another, seed by seed: runs of one seed see the same batches.

        Raises:
            ValueError: as `mean`.
        """
        mine, theirs = self._by_seed(arm, metric), self._by_seed(other, metric)
        return student([mine[seed] - theirs[seed] for seed in sorted(mine.keys() & theirs.keys())])

    def __str__(self) -> str:
        lines = [f"{'':<24}{'seeds':>6}{'gain, dB':>18}{'SSIM':>8}{'VIF':>7}{'NIQE':>7}{'sharp':>7}{'s':>7}"]
        for arm in self.arms():
            well = [run for run in self.of(arm) if not run.failure]
            if len(well) < 2:
                why = self.of(arm)[0].failure or "too few for an interval"
                lines.append(f"{arm:<24}{len(well):>6}  {why}")
                continue
            gain = self.mean(arm)
            shown = f"{gain.mean:+.2f} ± {gain.high - gain.mean:.2f}"
            means = [statistics.fmean(self.values(arm, m)) for m in ("ssim", "vif", "niqe", "sharpness", "seconds")]
            lines.append(
                f"{arm:<24}{len(well):>6}{shown:>18}{means[0]:>8.4f}{means[1]:>7.3f}{means[2]:>7.2f}{means[3]:>7.3f}"
                f"{means[4]:>7.0f}"
            )
        return "\n".join(lines)

    def save(self, path: str | Path) -> None:
        """Write it as JSON, over an older one."""
        runs = ",\n".join(f"  {json.dumps(dataclasses.asdict(run))}" for run in self.runs)
        head = {"made": self.made, "blurred": self.blurred, "settings": self.settings}
        text = "".join(f" {json.dumps(name)}: {json.dumps(value)},\n" for name, value in head.items())
        with atomic(path, overwrite=True) as temporary:
            temporary.write_text(f'{{\n{text} "runs": [\n{runs}\n ]\n}}\n', encoding="utf-8")


def ablations(path: str | Path = FILE) -> Ablations:
    """The comparisons that ship with the library, recorded by `python tools/ablations.py`.

    Args:
        path: Another record.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is not a record of comparisons.

    Example:
        >>> [run.seed for run in ablations().of("unet_l1")][:2]
        [0, 1]
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such record.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        runs = [AblationRun(**run) for run in content["runs"]]
        return Ablations(runs, content["blurred"], content["settings"], content["made"])
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{path} is not a record of comparisons: {error!r}") from error


def student(values: list[float]) -> Interval:
    """The mean of a few values and its 95 % interval by Student's t.

    Raises:
        ValueError: fewer than two values, or more than ten.

    Example:
        >>> interval = student([1.0, 2.0, 3.0])
        >>> interval.mean, round(interval.high, 2)
        (2.0, 4.48)
    """
    if len(values) - 1 not in STUDENT:
        raise ValueError(f"An interval needs from 2 to {max(STUDENT) + 1} values, got {len(values)}.")
    mean = statistics.fmean(values)
    half = STUDENT[len(values) - 1] * statistics.stdev(values) / math.sqrt(len(values))
    return Interval(mean, mean - half, mean + half, len(values))
