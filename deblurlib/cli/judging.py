"""What `deblurlib score` prints: of two photographs, or of two folders, photograph by photograph."""

import csv
import io
import json
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tqdm import tqdm

from deblurlib import images, metrics
from deblurlib.metrics.scores import COLUMNS

Row = dict[str, float | None]
"""Values of one photograph by the name of the metric; None where there is none."""


def judge(restored: Path, reference: Path, *, max_shift: float | None, form: str) -> str:
    """Score a photograph, or all of a folder, in parallel.

    Args:
        restored: A photograph, or a folder.
        reference: The sharp one, or a folder that has one of the same name (the suffix may differ) for each.
        max_shift: As for `metrics.score`.
        form: 'table', 'json' or 'csv'.

    Returns:
        The text to print.

    Raises:
        FileNotFoundError, ValueError: as `images.load` and `metrics.score`; or a folder against a file, an empty
            folder, or a photograph without its reference.
    """
    if not restored.is_dir() and not reference.is_dir():
        scores = _score(restored, reference, max_shift)
        show: dict[str, Callable[[], str]] = {"table": scores.__str__, "json": scores.to_json, "csv": scores.to_csv}
        return show[form]().rstrip("\n")
    pairs = _pairs(restored, reference)

    def row(pair: tuple[Path, Path]) -> Row:
        try:
            return {name: values[0] for name, values in _score(*pair, max_shift).to_dict().items()}
        except ValueError as error:
            raise ValueError(f"{pair[0]}: {error}") from error

    with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:  # PyTorch computes without holding Python's lock
        found = list(tqdm(pool.map(row, pairs), total=len(pairs), unit="photo", disable=None))
    rows = {path.name: values for (path, _), values in zip(pairs, found, strict=True)}
    show_all: dict[str, Callable[[dict[str, Row]], str]] = {"table": _table, "json": json.dumps, "csv": _csv}
    return show_all[form](rows)


def _score(restored: Path, reference: Path, max_shift: float | None) -> metrics.Scores:
    return metrics.score(images.load(restored), images.load(reference), max_shift=max_shift)


def _pairs(restored: Path, reference: Path) -> list[tuple[Path, Path]]:
    for folder in (restored, reference):
        if not folder.is_dir():
            raise ValueError(f"{folder} is no folder: score two photographs, or two folders.")
    found = [[p for p in sorted(d.iterdir()) if p.suffix.lower() in images.SUFFIXES] for d in (restored, reference)]
    if not found[0]:
        raise ValueError(f"{restored} holds no photographs ({', '.join(images.SUFFIXES)}).")
    sharp = {path.stem: path for path in found[1]} | {path.name: path for path in found[1]}
    missing = [path.name for path in found[0] if path.name not in sharp and path.stem not in sharp]
    if missing:
        more = f" and of {len(missing) - 1} more" if len(missing) > 1 else ""
        raise FileNotFoundError(f"{reference} has no reference of {missing[0]}{more}.")
    return [(path, sharp.get(path.name) or sharp[path.stem]) for path in found[0]]


def _table(rows: dict[str, Row]) -> str:
    columns = [(name, column) for name, column in COLUMNS.items() if any(name in row for row in rows.values())]
    lines = [["", *(column.title for _, column in columns)]]
    for title, row in (rows | {"mean": _means(rows)}).items():
        values = ((row.get(name), column.digits) for name, column in columns)
        lines.append([title, *("-" if value is None else f"{value:.{digits}f}" for value, digits in values)])
    widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
    text = [
        "  ".join([title.ljust(widths[0]), *(c.rjust(w) for c, w in zip(cells, widths[1:], strict=True))])
        for title, *cells in lines
    ]
    return "\n".join(text)


def _means(rows: dict[str, Row]) -> Row:
    """Mean of each metric over all photographs; None unless all of them have it."""
    means: Row = {}
    for name in COLUMNS:
        values = [row.get(name) for row in rows.values()]
        known = [value for value in values if value is not None]
        means[name] = sum(known) / len(known) if len(known) == len(values) else None
    return means


def _csv(rows: dict[str, Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["photograph", *COLUMNS])
    writer.writerows([title, *(row.get(name) for name in COLUMNS)] for title, row in rows.items())
    return text.getvalue().rstrip("\n")
