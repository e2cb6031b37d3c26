"""Record the comparisons of the book's part on learning: trains what the record lacks, and keeps each run when it ends.

    python tools/ablations.py [--most N] [--only ARM ...] [--seeds N] [--set NAME=VALUE ...] [--output FILE]

The whole takes about forty minutes of one CPU core. It may be stopped at any moment and started again.

At the scale of the paper it trains the four runs of its Table 1, on a CUDA device where there is one:

    python tools/ablations.py --scale full --set photographs=FOLDER --output FILE

Fewer steps, smaller batches or fewer seeds make a shorter comparison, and the record says so:

    python tools/ablations.py --scale full --set steps=300 --set batch=16 --seeds 2 --output FILE
"""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from deblurlib.benchmarks.ablation_arms import ARMS, Arms, blurred_scores, missing, run_arm, threads
from deblurlib.benchmarks.ablation_record import FILE, FULL_FILE, Ablations, ablations
from deblurlib.benchmarks.full_scale import TABLE_1, full_examination
from deblurlib.profile import doctor
from deblurlib.training import held_out, read_setting


def made() -> dict[str, str]:
    """By what, on what, with what."""
    found = dict(doctor().lines)
    told = {name: found[name] for name in ("device", "bfloat16", "python", "versions")}
    command = shlex.join(["python", "tools/ablations.py", *(without_folders(a) for a in sys.argv[1:])])
    return {"command": command, **told, "threads of a run": str(threads())}


def without_folders(argument: str) -> str:
    """A path, or a setting NAME=PATH, without the folders of whoever ran it."""
    name, equals, value = argument.rpartition("=")
    return f"{name}{equals}{Path(value).name}" if "/" in value else argument


def main() -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--scale", choices=["pocket", "full"], default="pocket", help="full: Table 1 at the paper's size"
    )
    parser.add_argument("--most", type=int, help="how many runs at most; all by default")
    parser.add_argument("--only", nargs="+", choices=[*ARMS], help="train these arms only")
    parser.add_argument("--seeds", type=int, help="seeds of an arm at most")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="change a setting of every run"
    )
    parser.add_argument("--output", type=Path, help="the record: what it holds is not trained again")
    options = parser.parse_args()
    full = options.scale == "full"
    arms: Arms = TABLE_1 if full else ARMS
    output = options.output or (FULL_FILE if full else FILE)
    changes: dict[str, Any] = {name: value for text in options.set for name, value in read_setting(text).items()}
    told = {name: Path(value).name if name == "photographs" else value for name, value in changes.items()}
    examination = full_examination() if full else held_out()
    settings = {arm: {**own, **told} for arm, (_, own) in arms.items()}
    blurred = blurred_scores(examination)
    old = ablations(output) if output.exists() else Ablations([])
    runs = [run for run in old.runs if old.settings[run.arm] == settings.get(run.arm)]  # an arm that changed runs anew
    todo = [(arm, seed) for arm, seed in missing(runs, arms) if not options.only or arm in options.only]
    for arm, seed in [run for run in todo if options.seeds is None or run[1] < options.seeds][: options.most]:
        run = run_arm(arm, seed, examination, arms=arms, **changes)
        runs.append(run)
        Ablations(runs, blurred, settings, made()).save(output)
        print(
            f"{arm} {seed}: {run.failure or f'{sum(run.gains) / len(run.gains):+.2f} dB'}, {run.seconds:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
