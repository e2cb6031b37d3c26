"""What Levin's benchmark found: a row for each photograph and method, the summary, the success curve, the kernels."""

import csv
import dataclasses
import io
import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib import images
from deblurlib.files import atomic

SUCCESS = (1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0)
"""Error ratios of the success curve (the authors' figure runs from 1.5, in steps of a half)."""

COLUMNS = ("method", "photograph", "error_ratio", "squared_error", "psnr", "kernel_similarity", "seconds")

MAGNIFIED, GAP = 4, 6
"""Pixels of the picture for each pixel of a kernel, and between kernels."""


@dataclass(frozen=True)
class Row:
    """One photograph by one method."""

    method: str
    photograph: str
    error_ratio: float
    """Of sums of squares, against the true kernel: 1 is as good, at most 2 counts as a success."""
    squared_error: float
    """Sum over the cropped picture, aligned."""
    psnr: float
    """In dB, aligned."""
    kernel_similarity: float
    """Of Hu and Yang: 1 is the true kernel."""
    seconds: float
    """Of CPU, for the kernel."""
    kernel: tuple[tuple[float, ...], ...]
    """Its rows."""

    def to_json(self) -> str:
        """As an object with the names of the fields."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "Row":
        """From what `to_json` writes."""
        fields: dict[str, Any] = json.loads(text)
        fields["kernel"] = tuple(tuple(line) for line in fields["kernel"])
        return cls(**fields)


@dataclass(frozen=True)
class Summary:
    """One method over all photographs."""

    method: str
    photographs: int
    mean: float
    median: float
    worst: float
    success: float
    """Share of error ratios of at most 2."""
    curve: tuple[float, ...]
    """Shares at `SUCCESS`."""
    psnr: float
    kernel_similarity: float
    seconds: float
    """All these the mean."""


@dataclass(frozen=True)
class LevinTable:
    """Every row; it prints as the summary."""

    rows: list[Row]

    def summary(self) -> list[Summary]:
        """One line for each method, in the order of the rows."""
        lines = []
        for method in dict.fromkeys(row.method for row in self.rows):
            rows = [row for row in self.rows if row.method == method]
            ratios = [row.error_ratio for row in rows]
            curve = tuple(sum(r <= limit for r in ratios) / len(ratios) for limit in SUCCESS)
            lines.append(
                Summary(
                    method,
                    len(rows),
                    statistics.fmean(ratios),
                    statistics.median(ratios),
                    max(ratios),
                    curve[SUCCESS.index(2.0)],
                    curve,
                    statistics.fmean(row.psnr for row in rows),
                    statistics.fmean(row.kernel_similarity for row in rows),
                    statistics.fmean(row.seconds for row in rows),
                )
            )
        return lines

    def __str__(self) -> str:
        lines = [
            f"{'method':<22}{'photos':>7}{'mean':>8}{'median':>8}{'worst':>8}{'<= 2':>7}{'<= 3':>7}"
            f"{'dB':>8}{'kernel':>8}{'CPU s':>8}"
        ]
        lines += [
            f"{s.method:<22}{s.photographs:>7}{s.mean:>8.2f}{s.median:>8.2f}{s.worst:>8.2f}{s.success:>7.0%}"
            f"{s.curve[SUCCESS.index(3.0)]:>7.0%}{s.psnr:>8.2f}{s.kernel_similarity:>8.3f}{s.seconds:>8.2f}"
            for s in self.summary()
        ]
        return "\n".join(lines)

    def per_photograph(self) -> str:
        """The error ratios, a line for each photograph and a column for each method."""
        methods = list(dict.fromkeys(row.method for row in self.rows))
        found = {(row.photograph, row.method): f"{row.error_ratio:.2f}" for row in self.rows}
        widths = [max(8, len(m) + 2) for m in methods]
        lines = [f"{'photograph':<12}" + "".join(f"{m:>{w}}" for m, w in zip(methods, widths, strict=True))]
        for photograph in sorted({row.photograph for row in self.rows}):
            cells = (f"{found.get((photograph, m), ''):>{w}}" for m, w in zip(methods, widths, strict=True))
            lines.append(f"{photograph:<12}" + "".join(cells))
        return "\n".join(lines)

    def success_curve(self) -> str:
        """The share of photographs at each error ratio, a line for each method."""
        lines = [f"{'success at':<22}" + "".join(f"{limit:>7.1f}" for limit in SUCCESS)]
        lines += [f"{s.method:<22}" + "".join(f"{share:>7.0%}" for share in s.curve) for s in self.summary()]
        return "\n".join(lines)

    def to_csv(self) -> str:
        """A line for each row, without the kernels."""
        stream = io.StringIO()
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows([getattr(row, name) for name in COLUMNS] for row in self.rows)
        return stream.getvalue()

    def to_json(self) -> str:
        """Limits of the success curve, summary and rows, with the kernels."""
        return json.dumps(
            {
                "success_at": SUCCESS,
                "summary": [dataclasses.asdict(line) for line in self.summary()],
                "rows": [dataclasses.asdict(row) for row in self.rows],
            }
        )

    def kernels(self, truth: Mapping[str, Tensor]) -> Tensor:
        """A picture of every kernel: a line for each photograph, the true kernel first, then one of each method.

        Args:
            truth: (1, 1, h, w) by photograph.

        Returns:
            (1, 1, H, W), each kernel's largest value white.
        """
        methods = list(dict.fromkeys(row.method for row in self.rows))
        found = {(row.photograph, row.method): torch.tensor(row.kernel)[None, None] for row in self.rows}
        side = max(max(k.shape[-2:]) for k in [*truth.values(), *found.values()])
        lines = []
        for photograph, true in truth.items():
            line = [true, *(found.get((photograph, m), torch.zeros(1, 1, 1, 1)) for m in methods)]
            lines.append(torch.cat([_tile(k, side) for k in line], dim=-1))
        return torch.cat(lines, dim=-2)

    def save(self, folder: str | Path, truth: Mapping[str, Tensor]) -> None:
        """Write levin.csv, levin.json, and levin.png with the kernels, over older ones."""
        for name, text in (("levin.csv", self.to_csv()), ("levin.json", self.to_json())):
            with atomic(Path(folder) / name, overwrite=True) as path:
                path.write_text(text, encoding="utf-8")
        images.save(Path(folder) / "levin.png", self.kernels(truth), overwrite=True)


def _tile(kernel: Tensor, side: int) -> Tensor:
    """A kernel in the middle of a square, magnified, with a grey frame at its right and below."""
    h, w = kernel.shape[-2:]
    top, left = (side - h) // 2, (side - w) // 2
    square = F.pad(kernel / kernel.max().clamp_min(1e-12), (left, side - w - left, top, side - h - top))
    large = square.repeat_interleave(MAGNIFIED, dim=-2).repeat_interleave(MAGNIFIED, dim=-1)
    return F.pad(large, (0, GAP, 0, GAP), value=0.5)
