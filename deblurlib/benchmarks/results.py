"""What a table holds: one result for each method and picture, and where, with what and how it was computed."""

import dataclasses
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from deblurlib import contracts, profile
from deblurlib.benchmarks import table_formats
from deblurlib.benchmarks.bootstrap import Interval, bootstrap
from deblurlib.files import atomic

Values = dict[str, float | None]
"""By the name of the metric; None where it is infinite or cannot be computed."""


@dataclass(frozen=True)
class Result:
    """One picture by one method."""

    method: str
    image: str
    scene: str
    """Pictures of one scene are resampled together."""
    lying: Values
    """The restoration as it lies, without a rim."""
    aligned: Values
    """Shifted onto the sharp picture first, without the same rim."""
    seconds: float
    """Of CPU, on one thread; nothing but the restoration."""

    def to_json(self) -> str:
        """As an object with the names of the fields."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Result":
        """From what `to_json` writes."""
        return cls(**json.loads(text))


@dataclass(frozen=True)
class Table:
    """Every result; it prints as means with intervals."""

    description: str
    """Of the set."""
    methods: tuple[str, ...]
    """In the order of the rows."""
    metrics: tuple[str, ...]
    results: tuple[Result, ...]
    absent: Mapping[str, str] = field(default_factory=dict)
    """Methods that could not be run, and why."""
    titles: Mapping[str, str] = field(default_factory=dict)
    """What to call each method."""
    command: str = ""
    machine: Mapping[str, str] = field(default_factory=dict)
    """Versions and hardware."""

    def values(self, method: str, metric: str, *, aligned: bool = True) -> dict[str, float]:
        """The values of a method by picture, as far as there are any.

        Raises:
            ValueError: an unknown method or metric.
        """
        contracts.choice(method, "method", self.methods)
        contracts.choice(metric, "metric", (*self.metrics, "seconds"))
        found = {}
        for result in self.results:
            if result.method == method:
                kept: Values = result.aligned if aligned else result.lying
                value = result.seconds if metric == "seconds" else kept[metric]
                if value is not None:
                    found[result.image] = value
        return found

    def mean(self, method: str, metric: str, *, aligned: bool = True) -> Interval | None:
        """The mean over the pictures with its interval; None for a method without results.

        Raises:
            ValueError: as `values`.
        """
        found = self.values(method, metric, aligned=aligned)
        return bootstrap(list(found.values()), self._scenes(found)) if found else None

    def difference(self, method: str, other: str, metric: str, *, aligned: bool = True) -> Interval | None:
        """The mean of `method` less `other`, picture by picture, with its interval; None where no picture has both.

        Where the interval excludes zero, and only there, an order of the two may be stated.

        Raises:
            ValueError: as `values`.
        """
        a, b = (self.values(m, metric, aligned=aligned) for m in (method, other))
        both = {image: a[image] - b[image] for image in a if image in b}
        return bootstrap(list(both.values()), self._scenes(both)) if both else None

    def _scenes(self, found: Mapping[str, float]) -> list[str]:
        scene = {result.image: result.scene for result in self.results}
        return [scene[image] for image in found]

    def __str__(self) -> str:
        return table_formats.text(self)

    def to_text(self, *, aligned: bool = True) -> str:
        """A line of means for each method, and under it their intervals."""
        return table_formats.text(self, aligned=aligned)

    def to_markdown(self, *, aligned: bool = True) -> str:
        """Means with intervals, as a Markdown table."""
        return table_formats.markdown(self, aligned=aligned)

    def to_latex(self, *, aligned: bool = True) -> str:
        """Means with intervals, as a LaTeX tabular for booktabs."""
        return table_formats.latex(self, aligned=aligned)

    def to_csv(self) -> str:
        """A line for each result, with the values as it lies and aligned."""
        return table_formats.csv_lines(self)

    def _repr_html_(self) -> str:
        return table_formats.html_table(self)

    def to_json(self) -> str:
        """Everything."""
        return json.dumps(dataclasses.asdict(self), indent=1)

    @classmethod
    def from_json(cls, text: str) -> "Table":
        """From what `to_json` writes."""
        content: dict[str, Any] = json.loads(text)
        content["results"] = tuple(Result(**result) for result in content["results"])
        for name in ("methods", "metrics"):
            content[name] = tuple(content[name])
        return cls(**content)

    def save(self, folder: str | Path) -> None:
        """Write table.json, table.csv, table.md and table.tex, over older ones."""
        forms = {"json": self.to_json(), "csv": self.to_csv(), "md": self.to_markdown(), "tex": self.to_latex()}
        for suffix, content in forms.items():
            with atomic(Path(folder) / f"table.{suffix}", overwrite=True) as path:
                path.write_text(content, encoding="utf-8")


def machine() -> dict[str, str]:
    """The versions and the hardware that results are computed with."""
    lines = dict(profile.doctor().lines)
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "device": "CPU" if not torch.cuda.is_available() else lines["device"],
        "python": lines["python"],
        "versions": lines["versions"],
    }


def _processor() -> str:
    listed = Path("/proc/cpuinfo")
    if listed.is_file():
        for line in listed.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
