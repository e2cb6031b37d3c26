"""Record where the time of a training step goes on a CUDA device, and what each change to it brings.

    python tools/step_ladder.py --photographs FOLDER --features FILE --output FILE

It takes about a minute and a half of one large GPU, most of it for compiling. The record holds the two ceilings of the
device (bfloat16 products, bytes copied), for each rung of `deblurlib.training.ladder` the time of a step, for the top
rung where its time goes kernel by kernel, and how closely two runs of one seed agree.
"""

import argparse
import statistics
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from deblurlib.training import BlurredPairs, TrainingConfig, fit, read_config, step_cost
from deblurlib.training.hardware import describe
from deblurlib.training.ladder import RUNGS, prepare, seconds
from deblurlib.training.record import write_json

KINDS = (
    ("element by element, compiled", ("triton",)),
    ("convolutions", ("conv", "xmma", "gemm", "cudnn", "cutlass", "wgrad", "dgrad", "fprop", "nhwc", "nchw")),
    ("optimiser", ("adam", "multi_tensor", "foreach", "lpnorm")),
    ("blur and noise", ("fft", "distribution", "index", "gather")),
)
"""Kind of work -> what the names of its kernels contain; the first that fits. All else is 'other'."""


def timed(work: Any, repeat: int) -> float:
    """Median seconds of a piece of work on the device."""
    times = []
    for _ in range(3 + repeat):
        torch.cuda.synchronize()
        begun = time.perf_counter()
        work()
        torch.cuda.synchronize()
        times.append(time.perf_counter() - begun)
    return statistics.median(times[3:])


def ceilings(device: torch.device) -> dict[str, float]:
    """Operations and bytes a second that the device reaches where nothing stands in the way."""
    side = 8192
    a, b = (torch.randn(side, side, device=device, dtype=torch.bfloat16) for _ in range(2))
    product = 2 * side**3 / timed(lambda: a @ b, 10)
    x = torch.empty(2**32, dtype=torch.uint8, device=device)
    y = torch.empty_like(x)
    return {"products": product, "copy": 2 * x.numel() / timed(lambda: y.copy_(x), 10)}


def kind(kernel: str) -> str:
    """What a kernel does, by its name."""
    name = kernel.lower()
    return next((kind for kind, parts in KINDS if any(part in name for part in parts)), "other")


def where_time_goes(config: TrainingConfig, pairs: BlurredPairs, steps: int) -> dict[str, Any]:
    """Of the top rung, batch and all: milliseconds a step of each kind of kernel, and of the longest kernels."""
    system, step = prepare(config, RUNGS[-1], pairs.device)
    for number in range(4):
        step(pairs.batch(number, paired=system.paired))
    torch.cuda.synchronize()
    begun = time.perf_counter()
    for number in range(steps):
        step(pairs.batch(number, paired=system.paired))
    torch.cuda.synchronize()
    wall = (time.perf_counter() - begun) / steps
    with profile(activities=[ProfilerActivity.CUDA, ProfilerActivity.CPU]) as watched:
        for number in range(steps):
            step(pairs.batch(number, paired=system.paired))
        torch.cuda.synchronize()
    kinds: Counter[str] = Counter()
    kernels: Counter[str] = Counter()
    for event in watched.events():
        if event.device_type == DeviceType.CUDA and "#" not in event.name:  # that is a bracket round kernels
            spent = event.device_time_total / 1000 / steps
            kinds[kind(event.name)] += spent
            kernels[event.name[:100]] += spent
    data = timed(lambda: pairs.batch(1, paired=system.paired), 20)
    return {
        "step": 1000 * wall,
        "batch": 1000 * data,
        "kinds": dict(kinds.most_common()),
        "kernels": dict(kernels.most_common(25)),
    }


def apart(config: TrainingConfig) -> dict[str, float]:
    """Largest difference of any loss in 50 steps: of two runs of a seed, in each precision, and of the precisions."""
    runs = {}
    for precision in ("float32", "bfloat16"):
        small = replace(config, steps=50, batch=min(config.batch, 8), precision=precision, compile=False, pool=0)
        runs[precision] = [fit(small, progress=False).losses for _ in range(2)]

    def largest(a: dict[str, list[float]], b: dict[str, list[float]]) -> float:
        return max(abs(x - y) / max(1.0, abs(y)) for name in a for x, y in zip(a[name], b[name], strict=True))

    (once, again), (half, half_again) = runs["float32"], runs["bfloat16"]
    return {"float32": largest(once, again), "bfloat16": largest(half, half_again), "between": largest(once, half)}


def main() -> None:
    """Measure, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--config", default="paper_fitted", help="a recipe, or a file of settings")
    parser.add_argument("--photographs", default="bundled", help="a folder of sharp photographs")
    parser.add_argument("--features", default="random", help="a file of VGG-19's weights")
    parser.add_argument("--steps", type=int, default=10, help="that are timed, at each rung")
    parser.add_argument("--output", type=Path, required=True, help="the record")
    options = parser.parse_args()
    config = replace(read_config(options.config), photographs=options.photographs, features=options.features)
    device = torch.device("cuda")
    record: dict[str, Any] = {"machine": describe(device), "ceilings": ceilings(device)}
    pairs = BlurredPairs(config, device)
    batch = pairs.batch(0)
    cost = step_cost(config)
    record |= {"recipe": options.config, "batch": config.batch, "operations": cost.flops, "rungs": []}
    host = BlurredPairs(config, torch.device("cpu"))
    begun = time.perf_counter()
    host.batch(1)
    record["batch_on_the_host"] = 1000 * (time.perf_counter() - begun)
    for rung in RUNGS:
        torch.cuda.reset_peak_memory_stats()
        spent = seconds(config, rung, batch, steps=options.steps)
        row = {"name": rung.name, "milliseconds": 1000 * spent, "memory": torch.cuda.max_memory_allocated()}
        record["rungs"].append(row)
        print(f"{rung.name:28} {1000 * spent:8.1f} ms {config.batch / spent:8.0f} images/s", flush=True)
        write_json(options.output, record, indent=1)
        torch.cuda.empty_cache()
    record["profile"] = where_time_goes(config, pairs, options.steps)
    write_json(options.output, record, indent=1)
    print(record["profile"]["step"], record["profile"]["batch"], record["profile"]["kinds"], flush=True)
    record["apart"] = {options.config: apart(config), "strong_l1": apart(_same_world("strong_l1", config))}
    print(record["apart"])
    write_json(options.output, record, indent=1)


def _same_world(name: str, config: TrainingConfig) -> TrainingConfig:
    return replace(read_config(name), photographs=config.photographs)


if __name__ == "__main__":
    main()
