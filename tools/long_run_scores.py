"""Score generators on photographs that no training saw, for the record of the long runs.

    python tools/long_run_scores.py --photographs FOLDER --output FILE NAME=WEIGHTS ...

Of each photograph one crop of 256 pixels, noise 0.01, rounded to 8 bits: `deblurlib.training.held_out`. From the first
photograph to the last, the paths of the shakes grow from 4 to 15 pixels, and in the other world to 31. The record
holds, for each generator and world, the means over crops, and the gains in decibels one by one.
"""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from deblurlib import images
from deblurlib.datasets import pictures
from deblurlib.metrics import psnr, ssim, vif
from deblurlib.networks import load_generator
from deblurlib.training import HeldOut, TrainingConfig, held_out
from deblurlib.training.record import write_json

WORLDS = {
    "15 pixels": TrainingConfig(kernel_size=19, path_length=(4.0, 15.0), noise=(0.01, 0.01)),
    "31 pixels": TrainingConfig(kernel_size=35, path_length=(4.0, 31.0), noise=(0.01, 0.01)),
}


def sharpness(x: Tensor, reference: Tensor) -> Tensor:
    """Mean absolute gradient over that of the reference."""

    def slope(y: Tensor) -> Tensor:
        return sum((y.diff(dim=d).abs().mean(dim=(1, 2, 3)) for d in (-2, -1)), torch.zeros(len(y)))

    return slope(x) / slope(reference)


def score(restore: Callable[[Tensor], Tensor], name: str, examination: HeldOut) -> dict[str, Any]:
    """What a restorer reaches on an examination."""
    crops = tqdm(examination.blurred.split(1), desc=name, leave=False)
    restored = torch.cat([restore(y) for y in crops]).clamp(0, 1)
    sharp, blurred = examination.sharp, examination.blurred
    gains = psnr(restored, sharp) - psnr(blurred, sharp)
    return {
        "gain": round(float(gains.mean()), 3),
        "deviation": round(float(gains.std()), 3),
        "ssim": round(float((ssim(restored, sharp) - ssim(blurred, sharp)).mean()), 4),
        "vif": round(float((vif(restored, sharp) - vif(blurred, sharp)).mean()), 4),
        "sharpness": round(float(sharpness(restored, sharp).mean()), 4),
        "gains": [round(value, 2) for value in gains.tolist()],
    }


def main() -> None:
    """Score, and write the record."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("generators", nargs="+", help="NAME=WEIGHTS, or a name that ships")
    parser.add_argument("--photographs", type=Path, required=True, help="a folder that training did not see")
    parser.add_argument("--every", type=int, default=1, help="take every n-th photograph only")
    parser.add_argument("--output", type=Path, required=True, help="the record")
    options = parser.parse_args()
    paths = pictures(options.photographs)[:: options.every]
    photographs = [(path.stem, images.load(path)) for path in paths]
    worlds: dict[str, Any] = {}
    for world, config in WORLDS.items():
        examination = held_out(photographs, config=config, side=256, crops=1)
        blurred = psnr(examination.blurred, examination.sharp)
        worlds[world] = {"blurred": round(float(blurred.mean()), 3), "generators": {}}
        for entry in options.generators:
            name, _, weights = entry.partition("=")
            worlds[world]["generators"][name] = found = score(load_generator(weights or name), name, examination)
            print(world, name, {key: value for key, value in found.items() if key != "gains"}, flush=True)
            write_json(options.output, {"photographs": len(paths), "worlds": worlds}, indent=1)


if __name__ == "__main__":
    main()
