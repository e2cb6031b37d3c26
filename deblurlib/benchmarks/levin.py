"""The benchmark of Levin et al. (2009): how much worse is a restoration than with the true kernel?"""

import json
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from torch import Tensor
from tqdm import tqdm

from deblurlib import blind, contracts, deconvolution, metrics
from deblurlib.benchmarks.levin_files import Photograph, find, read, standard_name
from deblurlib.benchmarks.levin_table import LevinTable, Row
from deblurlib.benchmarks.processes import as_they_come, check_jobs, one_thread
from deblurlib.files import atomic

KernelEstimator = Callable[[Tensor, int], Tensor]
"""From a blurred picture (1, 1, H, W) and the size of its kernel to the kernel."""

Finish = Callable[[Tensor, Tensor], Tensor]
"""From a blurred picture and its kernel to the restoration."""

CROP = 15
"""Rim that no score looks at, in pixels (authors' evaluation)."""


def official_finish(blurred: Tensor, kernel: Tensor) -> Tensor:
    """The final step of the benchmark, the same for every method: `deconvolution.sparse`, not clipped."""
    return deconvolution.sparse(blurred, kernel, clip=False)


def levin(
    folder: str | Path,
    methods: Sequence[str] | Mapping[str, KernelEstimator] = ("dark_channel",),
    *,
    out: str | Path | None = None,
    jobs: int = 1,
    finish: Finish = official_finish,
    skip: bool = False,
    progress: bool = False,
) -> LevinTable:
    """Run the benchmark of Levin et al. (2009) by its official chain.

    For every photograph and method: the kernel, of the true kernel's size; the final step, sparse deconvolution
    (exponent 0.8, weight 0.0068), for the true kernel as well; the best shift within 5 pixels, in quarter pixels; sums
    of squares without a rim of 15 pixels; their ratio. Each estimate runs on one thread, and its CPU seconds count.

    Args:
        folder: With the .mat files, all 32 or some; those missing are named in a warning.
        methods: Names in `blind.METHODS`; or functions of your own by their names (with `jobs` above 1, functions at
            the top of a module).
        out: A folder for results. What is in there is not computed again, so that an interrupted run goes on; delete it
            after changes to a method. The table is written there as levin.csv, levin.json, and levin.png, the kernels.
        jobs: Photographs at a time, each in a process of its own.
        finish: Another final step; ratios compare within one final step alone.
        skip: Whether to leave out files that do not belong, or cannot be read, with a warning that names them.
        progress: Whether to show a bar.

    Returns:
        The table: rows, summary, success curve; it prints, and writes CSV and JSON.

    Raises:
        FileNotFoundError: no folder, or none of the files in it.
        ValueError: foreign or damaged files unless `skip`, an unknown method, results of another run in `out`.
    """
    estimators = methods if isinstance(methods, Mapping) else dict.fromkeys(methods)
    for name, given in estimators.items():
        if given is None:
            contracts.choice(name, "methods", list(blind.METHODS))
    if not estimators:
        raise ValueError("methods: expected one at least, got none.")
    check_jobs(jobs)
    store = _Store(out, getattr(finish, "__qualname__", repr(finish)))
    work = []
    for path in find(folder, skip=skip):
        try:
            read(path)
        except ValueError as error:
            if not skip:
                raise
            warnings.warn(f"Skipped {error}", stacklevel=2)
            continue
        work.append(path)
    if not work:
        raise FileNotFoundError(f"{folder}: none of the files can be read.")
    rows = [row for path in work for row in store.rows(standard_name(path), list(estimators))]
    done = {(row.photograph, row.method) for row in rows}
    tasks = {path: {n: e for n, e in estimators.items() if (standard_name(path), n) not in done} for path in work}
    tasks = {path: todo for path, todo in tasks.items() if todo}
    with tqdm(total=len(work) * len(estimators), initial=len(rows), unit="kernel", disable=not progress) as bar:
        for row in _computed(tasks, finish, jobs):
            store.keep(row)
            rows.append(row)
            bar.update()
            bar.set_postfix_str(f"{row.method} {row.photograph}: {row.error_ratio:.2f}")
    order = {name: i for i, name in enumerate(estimators)}
    table = LevinTable(sorted(rows, key=lambda r: (order[r.method], r.photograph)))
    if out is not None:
        table.save(out, {standard_name(path): read(path).kernel for path in work})
    return table


def score_photograph(
    photograph: Photograph, estimators: Mapping[str, KernelEstimator | None], finish: Finish = official_finish
) -> Iterator[Row]:
    """The rows of one photograph, one for each method, by the official chain.

    Args:
        photograph: From `levin_files.read`.
        estimators: By name; None stands for the method of this name in `blind.METHODS`.
        finish: The final step.
    """
    y, x, k = photograph.blurred, photograph.sharp, photograph.kernel
    best = None
    for name, given in estimators.items():
        with one_thread():
            start = time.process_time()
            kernel = _estimate(name, y, max(k.shape[-2:])) if given is None else given(y, max(k.shape[-2:]))
            seconds = time.process_time() - start
            best = _finished(finish, y, k) if best is None else best
            restored = _finished(finish, y, kernel)
        aligned = metrics.align(restored, x, crop=CROP)[..., CROP:-CROP, CROP:-CROP]
        error = (aligned - x[..., CROP:-CROP, CROP:-CROP]).square()
        yield Row(
            method=name,
            photograph=photograph.name,
            error_ratio=float(metrics.error_ratio(restored, best, x, crop=CROP)),
            squared_error=float(error.sum()),
            psnr=float(-10 * error.mean().log10()),
            kernel_similarity=float(metrics.kernel_similarity(kernel, k)),
            seconds=seconds,
            kernel=tuple(tuple(line) for line in kernel[0, 0].tolist()),
        )


def _estimate(name: str, blurred: Tensor, size: int) -> Tensor:
    return blind.estimate(blurred.clamp(0, 1), size, method=name).kernel


def _finished(finish: Finish, blurred: Tensor, kernel: Tensor) -> Tensor:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="kernel: its centroid")  # the alignment sees to it
        restored = finish(blurred, kernel)
    return restored.clamp(-contracts.OVERSHOOT, 1 + contracts.OVERSHOOT)  # a hopeless kernel rings beyond every limit


def _computed(tasks: Mapping[Path, Mapping[str, KernelEstimator | None]], finish: Finish, jobs: int) -> Iterator[Row]:
    """The rows of every task as they come."""
    if jobs == 1 or len(tasks) < 2:
        for path, estimators in tasks.items():
            yield from score_photograph(read(path), estimators, finish)
        return
    every = [(path, name, given, finish) for path, estimators in tasks.items() for name, given in estimators.items()]
    yield from as_they_come(_one_row, every, jobs)


def _one_row(path: Path, name: str, given: KernelEstimator | None, finish: Finish) -> Row:
    return next(score_photograph(read(path), {name: given}, finish))


class _Store:
    """One small file for each row in a folder; nowhere for None."""

    def __init__(self, out: str | Path | None, finish: str) -> None:
        self.folder = None if out is None else Path(out) / "rows"
        if self.folder is None:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        note = self.folder / "finish.json"
        if note.is_file() and json.loads(note.read_text(encoding="utf-8")) != finish:
            raise ValueError(f"{out} holds results of another final step; choose another folder.")
        with atomic(note, overwrite=True) as path:
            path.write_text(json.dumps(finish), encoding="utf-8")

    def rows(self, photograph: str, methods: Sequence[str]) -> list[Row]:
        if self.folder is None:
            return []
        files = [self.folder / f"{method}-{photograph}.json" for method in methods]
        return [Row.from_json(f.read_text(encoding="utf-8")) for f in files if f.is_file()]

    def keep(self, row: Row) -> None:
        if self.folder is not None:
            with atomic(self.folder / f"{row.method}-{row.photograph}.json", overwrite=True) as path:
                path.write_text(row.to_json(), encoding="utf-8")
