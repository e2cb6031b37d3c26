"""Record where the time of a training step goes on a CUDA device, and what each change to it brings.

    python tools/step_ladder.py --photographs FOLDER --features FILE --output FILE

It takes about two minutes of one large GPU, half of it for compiling. The record holds the two ceilings of the device
(bfloat16 products, bytes copied), for each rung of `deblurlib.training.ladder` the time of a step, how closely two runs
of one seed agree, for the top rung where its time goes kernel by kernel, and what CUDA graphs would add to it. It is
written after each of these, so that a run which is cut short leaves what it has measured.
"""

import argparse
import json
import statistics
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from deblurlib.training import BlurredPairs, TrainingConfig, read_config, step_cost
from deblurlib.training.data import Batch, photographs
from deblurlib.training.hardware import describe, lay_out
from deblurlib.training.ladder import RUNGS, clock, prepare
from deblurlib.training.record import write_json
from deblurlib.training.schedule import schedule
from deblurlib.training.systems import System, build_system

Step = Callable[[Batch], None]

FIRST = 50
"""Steps in which runs of one seed are compared."""

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


def where_time_goes(system: System, step: Step, pairs: BlurredPairs, steps: int) -> dict[str, Any]:
    """Of the top rung, batch and all: milliseconds a step of each kind of kernel, and of the longest kernels."""
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


def first_losses(config: TrainingConfig, pairs: BlurredPairs, *, half: bool, exact: bool) -> dict[str, Tensor]:
    """Each loss in the first steps of a run, as the loop takes them: `exact` with algorithms that repeat their bits."""
    device = pairs.device
    system = build_system(config, device)
    lay_out(system.modules, device)
    seen = []
    with torch.backends.cudnn.flags(enabled=True, benchmark=not exact, deterministic=exact, allow_tf32=True):
        for number in range(FIRST):
            system.set_rate(schedule(config.schedule, number, config.steps))
            batch = pairs.batch(number, paired=system.paired)
            with torch.autocast(device.type, dtype=torch.bfloat16, enabled=half):
                seen.append(system.step(batch))
    return {name: torch.stack([losses[name] for losses in seen]).double().cpu() for name in seen[0]}


def apart(config: TrainingConfig, source: list[Tensor], device: torch.device) -> dict[str, dict[str, float]]:
    """How far apart the losses of two runs of a seed are: in each precision, and between the two.

    Returns:
        For each comparison the largest difference of any loss in all of the steps, absolute below 1 and relative above,
        and how many steps go by before one is beyond a thousandth.
    """
    small = replace(config, batch=min(config.batch, 8), kernels=2048)
    pairs = BlurredPairs(small, device, source)

    def compare(a: dict[str, Tensor], b: dict[str, Tensor]) -> dict[str, float]:
        by_step = torch.stack([(a[name] - b[name]).abs() / b[name].abs().clamp_min(1) for name in a]).amax(dim=0)
        beyond = (~(by_step <= 1e-3)).nonzero()
        return {"largest": float(by_step.max()), "steps": int(beyond[0]) if len(beyond) else FIRST}

    whole, again, half, half_again, fastest = (
        first_losses(small, pairs, half=half, exact=exact)
        for half, exact in ((False, True), (False, True), (True, True), (True, True), (True, False))
    )
    return {
        "float32, twice": compare(whole, again),
        "bfloat16, twice": compare(half, half_again),
        "bfloat16 and float32": compare(half, whole),
        "bfloat16, by the fastest algorithms": compare(fastest, half),
    }


def as_graphs(config: TrainingConfig, batch: Batch, steps: int) -> float:
    """Milliseconds of the top rung's step where each compiled network is replayed as one CUDA graph."""
    system, plain = prepare(config, replace(RUNGS[-1], compiled=False), batch.blurred.device)
    for module in system.modules:
        module.compile(mode="reduce-overhead")

    def step(batch: Batch) -> None:
        torch.compiler.cudagraph_mark_step_begin()
        plain(batch)

    return 1000 * clock(step, batch, warm=6, steps=steps)


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

    def keep(**measured: Any) -> None:
        record.update(measured)
        write_json(options.output, record, indent=1)

    source, _ = photographs(config.photographs)
    pairs = BlurredPairs(config, device, source)
    batch = pairs.batch(0)
    keep(recipe=options.config, batch=config.batch, operations=step_cost(config).flops, rungs=[])
    host = BlurredPairs(replace(config, kernels=64), torch.device("cpu"), source)
    begun = time.perf_counter()
    host.batch(1)
    keep(batch_on_the_host=1000 * (time.perf_counter() - begun))
    del host
    for rung in RUNGS:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        system, step = prepare(config, rung, device)
        spent = clock(step, batch, steps=options.steps)
        row = {"name": rung.name, "milliseconds": 1000 * spent, "memory": torch.cuda.max_memory_allocated()}
        keep(rungs=[*record["rungs"], row])
        print(f"{rung.name:28} {1000 * spent:8.1f} ms {config.batch / spent:8.0f} images/s", flush=True)
        if rung != RUNGS[-1]:
            del system, step  # the top rung stays, compiled, for the profile
    readings: dict[str, Any] = {}
    slow = {name: getattr(config, name) / 100 for name in ("learning_rate", "discriminator_learning_rate")}
    compared = {
        options.config: config,
        f"{options.config}, at a hundredth of its rates": replace(config, **slow),
        "strong_l1": replace(read_config("strong_l1"), photographs=config.photographs),
    }
    for name, other in compared.items():
        readings[name] = apart(other, source, device)
        keep(apart=readings)
        print(name, json.dumps(readings[name]), flush=True)
    keep(profile=where_time_goes(system, step, pairs, options.steps))
    print(record["profile"]["step"], record["profile"]["batch"], record["profile"]["kinds"], flush=True)
    del system, step
    torch.cuda.empty_cache()
    torch.compiler.reset()  # what it has compiled counts towards a limit
    try:  # last, for a graph that cannot be captured may take the device with it
        keep(as_graphs=as_graphs(config, batch, options.steps))
        print(f"as CUDA graphs {record['as_graphs']:8.1f} ms", flush=True)
    except RuntimeError as error:
        print(f"as CUDA graphs: not possible here, {error}", flush=True)


if __name__ == "__main__":
    main()
