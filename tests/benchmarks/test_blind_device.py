"""Kernel estimation of 32 photographs at once on a CUDA device, against one after another on the CPU: images a second.

Run: pytest tests/benchmarks/test_blind_device.py --benchmark-only -s, or python tests/benchmarks/test_blind_device.py
"""

import time

import pytest
import torch
from torch import Tensor

from deblurlib import blind, images
from deblurlib.blur import Blur, add_noise, camera_shake
from deblurlib.profile import seed

BATCH, SIDE, SIZE = 32, 256, 23

FEWER = {"total_variation": {"iterations": 50, "report": 50}, "variational_bayes": {"iterations": 2}}
"""Of rounds that are all alike, on both sides, for the two slowest methods."""


def photographs(count: int = BATCH) -> Tensor:
    """Different parts of one photograph, each through a shake of its own: (count, 1, 256, 256)."""
    wide = images.bundled("camera")
    whole = SIDE + SIZE - 1
    x = torch.cat([wide[..., 5 * i : 5 * i + whole, 6 * i : 6 * i + whole] for i in range(count)])
    y = Blur(camera_shake(count, SIZE, generator=seed(0)), "valid")(x)
    return add_noise(y, 0.005, generator=seed(1)).clamp(0, 1)


def seconds(method: str, batch: Tensor) -> float:
    """Wall-clock seconds of one estimate of a batch, with what the device still has to do."""
    few = FEWER.get(method, {})
    start = time.perf_counter()
    blind.estimate(batch, SIZE, method=method, **few)
    if batch.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - start


def throughputs(method: str, batch: Tensor) -> tuple[float, float]:
    """Images a second: of a batch on the CUDA device after a warm-up, and of one at a time on the CPU."""
    there = batch.cuda()
    seconds(method, there)
    return len(batch) / seconds(method, there), 1 / seconds(method, batch[:1])


def line(method: str, device: float, cpu: float) -> str:
    """For people."""
    return f"{method:<20} CUDA {device:9.2f} /s   CPU {cpu:7.3f} /s   {device / cpu:7.1f}x"


@pytest.mark.parametrize("name", blind.METHODS)
def test_a_batch_on_the_device(name, benchmark):
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    batch = photographs()
    device, cpu = throughputs(name, batch)
    print(f"\n{line(name, device, cpu)}")
    benchmark.group = f"kernel estimation of {BATCH} images, {SIDE} x {SIDE}, on a CUDA device"
    benchmark.extra_info.update(parts=BATCH, times_cpu=device / cpu)
    benchmark.pedantic(seconds, args=(name, batch.cuda()), rounds=1, warmup_rounds=0)
    assert device > 20 * cpu


if __name__ == "__main__":
    torch.set_num_threads(1)
    for each in blind.METHODS:
        print(line(each, *throughputs(each, photographs())), flush=True)
