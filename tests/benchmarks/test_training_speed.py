"""One training step: as it is usually written, and as the loop takes it; the same networks, losses and batch.

Run: pytest tests/benchmarks/test_training_speed.py --benchmark-only

The usual step: float32, channels first, Adam as it comes, every loss read at every step. The last row is the loop's
step where the hardware has no bfloat16: it must not be slower than the usual one.
"""

import time

import pytest
import torch
from torch.nn import functional as F

from deblurlib.training import BlurredPairs, TrainingConfig
from deblurlib.training.hardware import autocast, lay_out
from deblurlib.training.systems import build_system

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
SIZES = {"width": 16, "levels": 2, "batch": 8, "crop": 64, "content": "l1", "discriminator_width": 16, "pool": 0}
SYSTEMS = ("regression", "cycle_gan")


def the_loop(system, half):
    """The step of `fit`."""
    lay_out(system.modules, DEVICE)
    precision = autocast(DEVICE, half=half)

    def step(batch):
        with precision():
            return system.step(batch)

    return step


def as_usual(system):
    """A plain port: what a tutorial's training loop does with these networks."""
    networks = {name: network.to(memory_format=torch.contiguous_format) for name, network in system.networks.items()}
    players = [[n for n in networks if "judge" not in n], [n for n in networks if "judge" in n]]
    optimizers = [
        torch.optim.Adam([p for n in names for p in networks[n].parameters()], lr=2e-4) for names in players if names
    ]

    def regression(batch):
        optimizers[0].zero_grad()
        loss = F.l1_loss(networks["blur_to_sharp"](batch.blurred), batch.sharp)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(networks["blur_to_sharp"].parameters(), 1.0)
        optimizers[0].step()
        return loss.item()

    def cycle_gan(batch):
        g, f, judge_sharp, judge_blur = (
            networks[n] for n in ("blur_to_sharp", "sharp_to_blur", "judge_sharp", "judge_blur")
        )
        blur, sharp = batch.blurred, batch.sharp
        fake_sharp, fake_blur = g(blur), f(sharp)
        for judge in (judge_sharp, judge_blur):
            judge.requires_grad_(False)
        optimizers[0].zero_grad()
        total = ((judge_sharp(fake_sharp) - 1) ** 2).mean() + ((judge_blur(fake_blur) - 1) ** 2).mean()
        total = total + 10 * (F.l1_loss(f(fake_sharp), blur) + F.l1_loss(g(fake_blur), sharp))
        total = total + 5 * (F.l1_loss(g(sharp), sharp) + F.l1_loss(f(blur), blur))
        total.backward()
        optimizers[0].step()
        for judge in (judge_sharp, judge_blur):
            judge.requires_grad_(True)
        optimizers[1].zero_grad()
        told = [
            0.5 * (((judge(real) - 1) ** 2).mean() + (judge(fake.detach()) ** 2).mean())
            for judge, real, fake in ((judge_sharp, sharp, fake_sharp), (judge_blur, blur, fake_blur))
        ]
        sum(told).backward()
        optimizers[1].step()
        return [total.item(), *(loss.item() for loss in told)]

    return regression if len(optimizers) == 1 else cycle_gan


@pytest.mark.benchmark(timer=time.process_time if DEVICE.type == "cpu" else time.perf_counter)
@pytest.mark.parametrize("name", ["the usual step", "the loop, bfloat16", "the loop, float32"])
@pytest.mark.parametrize("kind", SYSTEMS)
def test_step(kind, name, benchmark):
    config = TrainingConfig(system=kind, **SIZES)
    system, pairs = build_system(config, DEVICE), BlurredPairs(config, DEVICE)
    step = as_usual(system) if "usual" in name else the_loop(system, "bfloat16" in name)
    batch = pairs.batch(0, paired=system.paired)

    def run():
        for _ in range(4):
            step(batch)
        if DEVICE.type == "cuda":
            torch.cuda.synchronize()

    benchmark.group = f"one step of {kind}, 8 crops of 64 pixels, {DEVICE.type}"
    benchmark.extra_info["parts"] = 4
    benchmark.pedantic(run, rounds=5, warmup_rounds=1)
