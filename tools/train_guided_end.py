"""Train what follows the first U-Net of a `deblurlib.networks.GuidedUNet`, on a CPU.

    python tools/train_guided_end.py --start WEIGHTS --photographs FOLDER --output FILE

The first U-Net has had its training (`deblurlib train --config strong_guided`). What it makes of some thousand crops is
kept, with the ridges between that and the crops: this takes most of the time. Then the refiner learns from the ridges,
and after it the network that deconvolves, with the kernels that the refiner finds. The losses are those of
`deblurlib.training.kernel_guided`. More than a quarter of the crops have two kernels, one fading into the other: no one
kernel is right for them, and the network learns when not to believe in one.
"""

import argparse
import copy
import dataclasses
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from tqdm import tqdm, trange

from deblurlib.blur import delta
from deblurlib.losses import wiener_error
from deblurlib.networks import GuidedUNet, load_weights, save_weights
from deblurlib.networks.guided_unet import FRAME, candidates, noise_level, unit_light, wiener_filters
from deblurlib.training import BlurredPairs, TrainingConfig, held_out
from deblurlib.training.data import Batch

CROP, TOGETHER, NOISE = 224, 6, (0.002, 0.013)
"""Pixels of a crop; crops that are made at once; standard deviations of their noise."""

KERNELS, PICTURES, PART = 48, 8, 144
"""Of a step: kernels for the refiner; crops for what deconvolves, and pixels of the part of each that it sees."""

RATES = {"refiner": 5e-4, "second": 7e-4}
WARM_UP, AVERAGE = 0.03, 0.997
"""Part of the time in which the rate rises; decay of the running average of the weights."""

DECEIT = 0.5
"""Of the steps in which one crop has its neighbour's kernel."""

TWO, STILL, WIDTHS = 0.286, 0.4, (4.5, 67.0)
"""Of the crops, those with two kernels; of these, those whose second one is a point; how wide one fades, in pixels."""


class Examples(NamedTuple):
    """N crops, (N, 3, CROP, CROP), two of them as bytes, and what is known of each."""

    blurred: Tensor
    sharp: Tensor
    first: Tensor
    ridges: Tensor
    kernels: Tensor
    noise: Tensor

    def pick(self, chance: torch.Generator, count: int) -> "Examples":
        """Some of them, all turned and mirrored alike."""
        picks = torch.randint(len(self.noise), (count,), generator=chance)
        turns, mirror = divmod(int(torch.randint(8, (1,), generator=chance)), 2)
        picked = [x[picks] for x in self]
        for i, x in enumerate(picked[:-1]):
            turned = x.rot90(turns, (-2, -1))
            picked[i] = turned.flip(-1) if mirror else turned
        return Examples(*picked)


def faded(pairs: BlurredPairs, step: int, chance: torch.Generator) -> Batch:
    """A batch whose kernels change from one side of each crop to the other."""
    other = copy.copy(pairs)
    other.kernels = pairs.kernels.flip(0).clone()  # other kernels on the same crops, under the same noise
    still = torch.rand(len(other.kernels), generator=chance) < STILL
    other.kernels[still] = delta(FRAME)
    batch, again = pairs.batch(step), other.batch(step)
    angle, place, wide = torch.rand(3, TOGETHER, 1, 1, 1, generator=chance)
    low, high = (math.log(width) for width in WIDTHS)
    down = torch.arange(CROP)[:, None] - CROP / 2
    along = (2 * math.pi * angle).sin() * down + (2 * math.pi * angle).cos() * down.T
    mask = torch.sigmoid((along - 120 * (place - 0.5)) / torch.exp(low + (high - low) * wide))
    return dataclasses.replace(batch, blurred=torch.lerp(batch.blurred, again.blurred, mask))


def make(network: GuidedUNet, photographs: Path, count: int, seed: int, *, two: bool) -> Examples:
    """Crops, and what the first U-Net makes of them."""
    config = TrainingConfig(
        photographs=str(photographs),
        kernel_size=FRAME,
        path_length=(2.0, 31.0),
        noise=NOISE,
        kernels=8192,
        crop=CROP,
        batch=TOGETHER,
        seed=seed,
    )
    pairs, made = BlurredPairs(config, torch.device("cpu")), []
    chance = torch.Generator().manual_seed(seed)
    for step in trange(max(1, count // TOGETHER), desc="examples", leave=False):
        batch = faded(pairs, step, chance) if two else pairs.batch(step)
        seen, sharp = ((x.clamp(0, 1) * 255).round().to(torch.uint8) for x in (batch.blurred, batch.sharp))
        blurred = seen.float() / 255
        with torch.inference_mode():
            first = network.first(blurred)
            ridges, noise = candidates(first, blurred), noise_level(blurred)
        made.append((seen, sharp, first.half(), ridges, batch.kernels, noise))
    return Examples(*(torch.cat(parts).clone() for parts in zip(*made, strict=True)))


def train(part: nn.Module, loss: Callable[[], Tensor], rate: float, seconds: float, name: str) -> None:
    """Adam for so long: a linear rise, half a cosine, and at the end the running average of the weights."""
    optimizer = torch.optim.Adam(part.parameters(), rate)
    average = {key: weights.detach().clone() for key, weights in part.named_parameters()}
    begun, step = time.monotonic(), 0
    with tqdm(total=round(seconds), desc=name, unit="s", leave=False) as bar:
        while (gone := (time.monotonic() - begun) / seconds) < 1:
            fall = 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * (gone - WARM_UP) / (1 - WARM_UP)))
            optimizer.param_groups[0]["lr"] = rate * (gone / WARM_UP if gone < WARM_UP else fall)
            optimizer.zero_grad(set_to_none=True)
            found = loss()
            found.backward()
            nn.utils.clip_grad_norm_(part.parameters(), 1.0)
            optimizer.step()
            decay, step = min(AVERAGE, (step + 1) / (step + 10)), step + 1
            for key, weights in part.named_parameters():
                average[key].lerp_(weights.detach(), 1 - decay)
            bar.update(int(gone * seconds) - bar.n)
            bar.set_postfix(steps=step, loss=f"{float(found.detach()):.4f}")
    part.load_state_dict(average)


def train_refiner(network: GuidedUNet, examples: Examples, seconds: float, chance: torch.Generator) -> None:
    """By what a wrong kernel costs a Wiener filter."""

    def loss() -> Tensor:
        some = examples.pick(chance, KERNELS)
        kernel = unit_light(network.refiner(some.ridges, some.noise))
        return (wiener_error(kernel, some.kernels) - wiener_error(some.kernels, some.kernels)).mean()

    train(network.refiner, loss, RATES["refiner"], seconds, "refiner")


def train_second(network: GuidedUNet, examples: Examples, seconds: float, chance: torch.Generator) -> None:
    """By the mean absolute error of the restoration, on parts of the crops: the filters see the whole ones."""
    with torch.no_grad():
        starts = range(0, len(examples.noise), 32)
        kernels = torch.cat([network.refined(examples.ridges[i : i + 32], examples.noise[i : i + 32]) for i in starts])
    examples = examples._replace(kernels=kernels)

    def loss() -> Tensor:
        some = examples.pick(chance, PICTURES)
        blurred, sharp, first = some.blurred.float() / 255, some.sharp.float() / 255, some.first.float()
        kernel = some.kernels
        if float(torch.rand(1, generator=chance)) < DECEIT:
            kernel = torch.cat([kernel[1:2], kernel[1:]])
        top, left = torch.randint(CROP - PART + 1, (2,), generator=chance).tolist()
        pictures = (wiener_filters(blurred, kernel, some.noise), blurred, first, sharp)
        filters, blurred, first, sharp = (x[..., top : top + PART, left : left + PART] for x in pictures)
        corrected, trust = network.judge(filters, blurred, first, some.noise)
        return (torch.lerp(first, corrected, trust) - sharp).abs().mean()

    train(network.second, loss, RATES["second"], seconds, "deconvolution")


def main() -> None:
    """Make the examples, train both, write the weights, and score them on the photographs that ship."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=Path, required=True, help="weights of a GuidedUNet")
    parser.add_argument("--photographs", type=Path, required=True, help="a folder of sharp photographs")
    parser.add_argument("--output", type=Path, required=True, help="the weights")
    parser.add_argument("--examples", type=int, default=2520)
    parser.add_argument("--refiner", type=float, default=200, help="seconds for the refiner")
    parser.add_argument("--second", type=float, default=1500, help="seconds for the network that deconvolves")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    network = load_weights(options.start)
    if not isinstance(network, GuidedUNet):
        raise SystemExit(f"{options.start} holds a {type(network).__name__}, expected a GuidedUNet.")
    chance = torch.Generator().manual_seed(options.seed)
    count = round(TWO * options.examples)
    examples = make(network, options.photographs, options.examples - count, options.seed, two=False)
    train_refiner(network, examples, options.refiner, chance)
    varying = make(network, options.photographs, count, options.seed + 1, two=True)
    together = Examples(*(torch.cat(parts) for parts in zip(examples, varying, strict=True)))
    train_second(network, together, options.second, chance)
    command = f"tools/train_guided_end.py --examples {options.examples} --refiner {options.refiner:g}"
    notes = {"command": f"{command} --second {options.second:g} --seed {options.seed}"}
    save_weights(options.output, network.eval(), half=True, notes=notes, overwrite=True)
    for frame, longest in ((19, 15.0), (FRAME, 31.0)):
        world = TrainingConfig(kernel_size=frame, path_length=(4.0, longest), noise=(0.01, 0.01))
        with torch.inference_mode():
            gain = held_out(config=world, side=256, crops=2).gain(network)
        print(f"up to {longest:g} pixels: {gain.mean():+.2f} dB on the photographs that ship")


if __name__ == "__main__":
    main()
