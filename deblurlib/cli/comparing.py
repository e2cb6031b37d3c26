"""What `deblurlib benchmark table` runs and prints."""

import warnings
from pathlib import Path

import typer

from deblurlib import benchmarks, contracts, images
from deblurlib.benchmarks import TestSet
from deblurlib.metrics.scores import COLUMNS

FORMS = ("text", "markdown", "latex", "csv", "json")


def pictures(
    photographs: Path | None,
    gopro: Path | None,
    levin: Path | None,
    *,
    count: int | None,
    crops: int | None,
    side: int,
    length: float,
    noise: float,
    seed: int,
    skip: bool,
) -> TestSet:
    """The set that the options name; the bundled photographs where they name none.

    Raises:
        ValueError: two sets, or an option that does not go with the set.
        FileNotFoundError, ValueError: as the sets themselves.
    """
    named = {"--photographs": photographs, "--gopro": gopro, "--levin": levin}
    chosen = [name for name, folder in named.items() if folder is not None]
    if len(chosen) > 1:
        raise ValueError(f"{' and '.join(chosen)}: choose one set.")
    if count is not None and photographs is None:
        raise ValueError("--count goes with --photographs.")
    if crops is not None and (gopro is not None or levin is not None):
        raise ValueError(f"--crops goes with photographs that are blurred here, not with {chosen[0]}.")
    if gopro is not None:
        return benchmarks.gopro_set(gopro)
    if levin is not None:
        return benchmarks.levin_set(levin, skip=skip)
    if photographs is not None:
        return benchmarks.shaken_set(
            photographs, count=count, crops=crops or 1, side=side, length=length, noise=noise, seed=seed
        )
    return benchmarks.bundled_set(crops=crops or 1, side=side, length=length, noise=noise, seed=seed)


def compare(
    chosen: TestSet, methods: str | None, metrics: str, *, out: Path | None, jobs: int, aligned: bool, form: str
) -> str:
    """Run the comparison, write what belongs into `out`, and hand back the text to print.

    Raises:
        ValueError, FileNotFoundError: as `benchmarks.table`; an unknown form; or a file in the place of `out`.
    """
    contracts.choice(form, "format", FORMS)
    if out is not None and out.exists() and not out.is_dir():
        raise ValueError(f"{out} is a file, expected a folder for the results.")
    names = None if methods is None else [name.strip() for name in methods.split(",")]
    columns = list(COLUMNS) if metrics == "all" else [name.strip() for name in metrics.split(",")]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = benchmarks.table(names, images=chosen, metrics=columns, out=out, jobs=jobs, progress=True)
    for text in dict.fromkeys(str(warning.message) for warning in said):
        typer.echo(text, err=True)
    if out is not None:
        there = [name for name in found.methods if name not in found.absent]
        images.save(out / "sheet.png", benchmarks.sheet(out, chosen, there), overwrite=True)
    return {
        "text": lambda: found.to_text(aligned=aligned),
        "markdown": lambda: found.to_markdown(aligned=aligned),
        "latex": lambda: found.to_latex(aligned=aligned),
        "csv": found.to_csv,
        "json": found.to_json,
    }[form]().rstrip("\n")
