"""Train the network that corrects the kernels of guided deblurring: `deblurlib.networks.KernelRefiner`.

    python tools/train_kernel_refiner.py --photographs FOLDER --output FILE [--examples N] [--steps N]

Crops of the photographs are blurred by camera shakes, the shipped generator restores them, and the ridge regressions
between the two give three kernels each. This is what takes time; the examples themselves are tiny. The loss is what
comes of a wrong kernel: the error of a Wiener filter that believes it.
"""

import argparse
from pathlib import Path

import torch
from torch import Tensor
from tqdm import trange

from deblurlib.blind import guided
from deblurlib.blind.guided import GENERATOR
from deblurlib.blind.kernel_cleanup import normalise
from deblurlib.blind.refined_kernel import NOISE, inner_edges, three_ridges
from deblurlib.losses import wiener_error
from deblurlib.networks import KernelRefiner, load_generator, save_weights
from deblurlib.training import BlurredPairs, TrainingConfig, held_out

FRAMES = ((19, 15.0), (35, 31.0), (27, 23.0), (19, 15.0), (35, 31.0))
"""Sides of the kernels and longest paths, in pixels; two of them come twice as often."""

SHORTEST, CROP, TOGETHER = 3.0, 256, 10
"""Pixels of the shortest path and of a crop; crops that are made at once."""

BATCH, LEARNING_RATE, AVERAGE = 48, 2e-3, 0.998

Examples = tuple[Tensor, Tensor, Tensor]
"""Three ridges, (N, 3, h, w); true kernels, (N, 1, h, w); noise, (N,)."""


def make(photographs: Path, frame: int, longest: float, count: int, seed: int) -> Examples:
    """Examples of one size of kernel."""
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    generator = load_generator(GENERATOR).to(device)
    config = TrainingConfig(
        photographs=str(photographs),
        kernel_size=frame,
        path_length=(SHORTEST, longest),
        noise=NOISE,
        crop=CROP,
        batch=TOGETHER,
        seed=seed,
    )
    pairs = BlurredPairs(config, device)
    ridges, kernels, noise = [], [], []
    for step in trange(count // TOGETHER, desc=f"kernels of {frame} pixels", leave=False):
        batch = pairs.batch(step)
        blurred = (batch.blurred.clamp(0, 1) * 255).round() / 255
        ridges.append(three_ridges(inner_edges(generator(blurred)), inner_edges(blurred), frame).cpu())
        kernels.append(batch.kernels.cpu())
        noise.append(torch.full((TOGETHER,), batch.noise))
    return torch.cat(ridges), torch.cat(kernels), torch.cat(noise)


def train(groups: list[Examples], steps: int, seed: int) -> KernelRefiner:
    """A refiner from examples: Adam, a cosine, turns and mirrors, a running average of the weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = KernelRefiner()
    chance = torch.Generator().manual_seed(seed)
    average = {name: weights.detach().clone() for name, weights in network.named_parameters()}
    optimizer = torch.optim.AdamW(network.parameters(), LEARNING_RATE, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, LEARNING_RATE, total_steps=steps, pct_start=0.02)
    for step in (progress := trange(steps, desc="steps", leave=False)):
        ridges, kernels, noise = groups[int(torch.randint(len(groups), (1,), generator=chance))]
        picks = torch.randint(len(ridges), (BATCH,), generator=chance)
        turns, mirror = divmod(int(torch.randint(8, (1,), generator=chance)), 2)
        seen, true = (x[picks].rot90(turns, (-2, -1)) for x in (ridges, kernels))
        if mirror:
            seen, true = seen.flip(-1), true.flip(-1)
        loss = (wiener_error(normalise(network(seen, noise[picks])), true) - wiener_error(true, true)).mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        decay = min(AVERAGE, (step + 1) / (step + 10))
        for name, weights in network.named_parameters():
            average[name].lerp_(weights.detach(), 1 - decay)
        if step % 100 == 0:
            progress.set_postfix({"dB from the true kernel": round(float(loss.detach()), 2)})
    network.load_state_dict(average)
    return network.eval()


def main() -> None:
    """Make the examples, train, write the weights, and score them on the photographs that ship."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=Path, required=True, help="a folder of sharp photographs")
    parser.add_argument("--output", type=Path, required=True, help="the weights")
    parser.add_argument("--examples", type=int, default=2400)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    count = options.examples // len(FRAMES)
    groups = [make(options.photographs, *frame, count, options.seed + i) for i, frame in enumerate(FRAMES)]
    refiner = train(groups, options.steps, options.seed)
    notes = {"command": f"tools/train_kernel_refiner.py --examples {options.examples} --steps {options.steps}"}
    save_weights(options.output, refiner, half=True, notes=notes, overwrite=True)
    for frame, longest in FRAMES[:2]:
        world = TrainingConfig(kernel_size=frame, path_length=(4.0, longest), noise=(0.01, 0.01))
        examination = held_out(config=world, side=192, crops=1)
        gain = examination.gain(lambda y, frame=frame: guided(y, frame, refiner=refiner).image)
        print(f"up to {longest:g} pixels: {gain.mean():+.2f} dB on the photographs that ship")


if __name__ == "__main__":
    main()
