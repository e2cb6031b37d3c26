"""Record the comparisons of the book's part on learning: trains what the record lacks, and keeps each run when it ends.

    python tools/ablations.py [--most N] [--only ARM ...] [--output FILE]

The whole takes about forty minutes of one CPU core. It may be stopped at any moment and started again.
"""

import argparse
from pathlib import Path

from deblurlib.benchmarks.ablation_arms import ARMS, blurred_scores, missing, run_arm, threads
from deblurlib.benchmarks.ablation_record import FILE, Ablations, ablations
from deblurlib.profile import doctor
from deblurlib.training import held_out


def made() -> dict[str, str]:
    """By what, on what, with what."""
    found = dict(doctor().lines)
    told = {name: found[name] for name in ("device", "bfloat16", "python", "versions")}
    return {"command": "python tools/ablations.py", **told, "threads of a run": str(threads())}


def main() -> None:
    """Train what is missing."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--most", type=int, help="how many runs at most; all by default")
    parser.add_argument("--only", nargs="+", choices=list(ARMS), help="train these arms only")
    parser.add_argument("--output", type=Path, default=FILE, help="the record: what it holds is not trained again")
    options = parser.parse_args()
    examination = held_out()
    settings = {arm: own for arm, (_, own) in ARMS.items()}
    blurred = blurred_scores(examination)
    old = ablations(options.output) if options.output.exists() else Ablations([])
    runs = [run for run in old.runs if old.settings[run.arm] == settings.get(run.arm)]  # an arm that changed runs anew
    todo = [(arm, seed) for arm, seed in missing(runs) if not options.only or arm in options.only]
    for arm, seed in todo[: options.most]:
        run = run_arm(arm, seed, examination)
        runs.append(run)
        Ablations(runs, blurred, settings, made()).save(options.output)
        print(
            f"{arm} {seed}: {run.failure or f'{sum(run.gains) / len(run.gains):+.2f} dB'}, {run.seconds:.0f} s",
            flush=True,
        )


if __name__ == "__main__":
    main()
