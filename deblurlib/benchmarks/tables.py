"""The comparison of methods: any methods, any metrics, any set of pictures, with intervals."""

import functools
import json
import shlex
import sys
import time
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

from torch import Tensor
from tqdm import tqdm

from deblurlib import blind, contracts, images, metrics, networks
from deblurlib.benchmarks import restorers
from deblurlib.benchmarks.contact_sheet import contact_sheet
from deblurlib.benchmarks.picture_sets import Item, Sample, TestSet, bundled_set
from deblurlib.benchmarks.processes import as_they_come, check_jobs, one_thread
from deblurlib.benchmarks.restorers import Restorer
from deblurlib.benchmarks.results import Result, Table, Values, machine
from deblurlib.files import atomic
from deblurlib.metrics.scores import COLUMNS

SIX = ("psnr", "ssim", "ms_ssim", "ifc", "vif", "niqe")
"""The metrics of the paper's tables."""

SHOWN = 96
"""Side of the crops on a sheet, pixels."""

MAX_SHIFT, CROP = 5.0, 15
"""How far a restoration is shifted, and the rim that no score looks at, in pixels: those of Levin's protocol."""


def default_methods() -> list[str]:
    """The rows of the comparison: the input, the ladder of oracles, the paper's five methods, every other one there is.

    Those are the blind methods, and the generators that ship.
    """
    oracles = [restorers.ORACLE, *(f"{restorers.PREFIX}{n}" for n in ("wiener", "plug_and_play", "deep_deconvolution"))]
    paper = [row.name for row in restorers.PAPER]
    others = [*blind.METHODS, *networks.shipped_names()]
    return [restorers.BLURRED, *oracles, *paper, *(n for n in others if n not in paper)]


def table(
    methods: Sequence[str] | Mapping[str, Restorer] | None = None,
    *,
    images: TestSet | None = None,
    metrics: Sequence[str] = SIX,
    out: str | Path | None = None,
    jobs: int = 1,
    progress: bool = False,
) -> Table:
    """Compare methods over a set of pictures.

    Every restoration is scored twice, as it lies and shifted onto the sharp picture by at most 5 pixels, both without
    the same rim of 15 pixels. Each runs on one thread, and its CPU seconds count.

    Args:
        methods: Names as for `restore`; or functions of your own, from a `Sample` to its restoration, by their names
            (with `jobs` above 1, functions at the top of a module). None takes `default_methods()`. A system whose
            method or weights are not there, and an oracle where no kernel is known, has a row that says so.
        images: The set; None takes `bundled_set()`.
        metrics: Names of functions in `deblurlib.metrics`.
        out: A folder for results. What is in there is not computed again, so that an interrupted run goes on; delete it
            after changes to a method. The table is written there as table.json, table.csv, table.md and table.tex, the
            restorations as PNG files in restored/.
        jobs: Restorations at a time, each in a process of its own.
        progress: Whether to show a bar.

    Returns:
        The table: it prints, compares, and writes itself as Markdown, LaTeX, CSV and JSON.

    Raises:
        TypeError: `images` is no `TestSet`.
        ValueError: an unknown method or metric, none of them, or results of another set in `out`.
        FileNotFoundError: weights that are not there.

    Example:
        >>> few = bundled_set(crops=1, side=64, length=6.0)
        >>> found = table(["blurred", "oracle"], images=few, metrics=["psnr"])
        >>> found.difference("oracle", "blurred", "psnr").excludes_zero
        True
    """
    chosen = bundled_set() if images is None else images
    if not isinstance(chosen, TestSet):
        raise TypeError(f"images: expected a TestSet, such as bundled_set() makes, got {type(chosen).__name__}.")
    given = dict.fromkeys(default_methods() if methods is None else methods) if not isinstance(methods, Mapping) else {}
    restorers_of: dict[str, Restorer | None] = dict(methods) if isinstance(methods, Mapping) else dict(given)
    if not restorers_of or not metrics or not chosen.items:
        raise ValueError("methods, metrics and images: expected one at least of each.")
    for name, own in restorers_of.items():
        if own is None:
            restorers.check(name)
    for metric in metrics:
        contracts.choice(metric, "metrics", list(COLUMNS))
    check_jobs(jobs)
    absent = _absent(restorers_of, chosen)
    store = _Store(out, chosen.description)
    names = [name for name in restorers_of if name not in absent]
    results = [r for name in names for item in chosen.items if (r := store.read(name, item.name, metrics))]
    done = {(r.method, r.image) for r in results}
    tasks = [
        (name, restorers_of[name], item, tuple(metrics), store.folder)
        for item in chosen.items
        for name in names
        if (name, item.name) not in done
    ]
    with tqdm(total=len(names) * len(chosen.items), initial=len(done), unit="picture", disable=not progress) as bar:
        for result in as_they_come(_one_result, tasks, jobs):
            store.keep(result)
            results.append(result)
            bar.update()
            bar.set_postfix_str(f"{result.method} {result.image}")
    place = {item.name: i for i, item in enumerate(chosen.items)}
    order = {name: i for i, name in enumerate(restorers_of)}
    found = Table(
        description=chosen.description,
        methods=tuple(restorers_of),
        metrics=tuple(metrics),
        results=tuple(sorted(results, key=lambda r: (order[r.method], place[r.image]))),
        absent=absent,
        titles={name: restorers.title(name) for name in restorers_of},
        command=_command(),
        machine=machine(),
    )
    if out is not None:
        found.save(out)
    return found


def score(restored: Tensor, sample: Sample, names: Sequence[str]) -> tuple[Values, Values]:
    """Metrics of a restoration as it lies and aligned, both without the rim."""
    inner = (..., slice(CROP, -CROP), slice(CROP, -CROP))
    lying = metrics.score(restored[inner], sample.sharp[inner]).to_dict()
    aligned = metrics.score(restored, sample.sharp, max_shift=MAX_SHIFT).to_dict()
    return {name: lying[name][0] for name in names}, {name: aligned[name][0] for name in names}


def sheet(folder: str | Path, images_of: TestSet, methods: Sequence[str], *, count: int = 4) -> Tensor:
    """A contact sheet of the restorations that `table` left in a folder.

    Args:
        folder: The `out` of a table.
        images_of: Its set.
        methods: Those to show, whose restorations are there.
        count: Pictures to show, at even distances through the set.

    Returns:
        (1, 3, height, width), as `contact_sheet`; the sharp picture is the first column.

    Raises:
        FileNotFoundError: a restoration that is not there.
    """
    step = max(1, len(images_of.items) // count)
    rows = [
        [item.make().sharp, *(images.load(Path(folder) / "restored" / f"{_file(m)}-{item.name}.png") for m in methods)]
        for item in images_of.items[::step][:count]
    ]
    side = min(SHOWN, *(min(row[0].shape[-2:]) for row in rows))
    return contact_sheet(rows, ["sharp", *(restorers.title(m) for m in methods)], side=side)


def _absent(methods: Mapping[str, Restorer | None], chosen: TestSet) -> dict[str, str]:
    absent = {}
    for name, own in methods.items():
        reason = None if own is not None else restorers.why_absent(name)
        if own is None and restorers.needs_kernel(name) and chosen.name == "gopro":
            reason = "no single kernel describes these pictures"
        if reason:
            absent[name] = reason
    return absent


@functools.lru_cache(maxsize=2)
def _sample(item: Item) -> Sample:
    return item.make()


def _one_result(name: str, own: Restorer | None, item: Item, names: tuple[str, ...], folder: Path | None) -> Result:
    sample = _sample(item)
    with one_thread(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="kernel: its centroid")  # the alignment sees to it
        warnings.filterwarnings("ignore", message="blurred: .* saturated")  # every method meets the same picture
        start = time.process_time()
        try:
            restored = own(sample).clamp(0, 1) if own is not None else restorers.restore(name, sample)
        except (ValueError, FloatingPointError) as error:
            raise ValueError(f"{name} on {sample.name}: {error}") from error
        seconds = time.process_time() - start
        lying, aligned = score(restored, sample, names)
    if folder is not None:
        images.save(folder / "restored" / f"{_file(name)}-{item.name}.png", restored, overwrite=True)
    return Result(name, item.name, item.scene, lying, aligned, seconds)


def _file(method: str) -> str:
    return method.replace(":", "-").replace("/", "-").replace("\\", "-")


def _command() -> str:
    """The command, without the folders of whoever ran it."""
    program = Path(sys.argv[0]).name
    return shlex.join([program, *(Path(a).name if "/" in a else a for a in sys.argv[1:])]) if program else ""


class _Store:
    """One small file for each result in a folder; nowhere for None."""

    def __init__(self, out: str | Path | None, description: str) -> None:
        self.folder = None if out is None else Path(out)
        if self.folder is None:
            return
        for part in ("results", "restored"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        note = self.folder / "results" / "set.json"
        if note.is_file() and (other := json.loads(note.read_text(encoding="utf-8"))) != description:
            raise ValueError(f"{out} holds results over another set, {other}; choose another folder.")
        with atomic(note, overwrite=True) as path:
            path.write_text(json.dumps(description), encoding="utf-8")

    def read(self, method: str, image: str, names: Sequence[str]) -> Result | None:
        """A result that is there with all these metrics."""
        file = self._path(method, image)
        if file is None or not file.is_file():
            return None
        result = Result.from_json(file.read_text(encoding="utf-8"))
        return result if all(name in result.lying for name in names) else None

    def keep(self, result: Result) -> None:
        if (file := self._path(result.method, result.image)) is not None:
            with atomic(file, overwrite=True) as path:
                path.write_text(result.to_json(), encoding="utf-8")

    def _path(self, method: str, image: str) -> Path | None:
        return None if self.folder is None else self.folder / "results" / f"{_file(method)}-{image}.json"
