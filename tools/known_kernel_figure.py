"""What a learned prior is worth: PSNR of plug-and-play against the hand-made priors, each with its best weight.

    python tools/known_kernel_figure.py FOLDER [--every N] [--all-kernels]

Every photograph of the folder is blurred by one of twelve camera-shake kernels in turn (or by all), with noise of 0.01,
and cut so that no border is invented. The hand-made priors may choose their weight on these very photographs.
"""

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from deblurlib import deconvolution as D
from deblurlib import images
from deblurlib.blur import Blur, add_noise, camera_shake
from deblurlib.metrics import psnr

NOISE = 0.01
WEIGHTS = {"total_variation": (1.5e-3, 2e-3, 2.5e-3, 3e-3), "hyper_laplacian": (5e-4, 2 / 3000, 8e-4, 1e-3, 1.2e-3)}


def twelve_kernels(seed: int = 12) -> Tensor:
    """(12, 1, 31, 31)."""
    return camera_shake(12, 31, generator=torch.Generator().manual_seed(seed))


def methods() -> dict[str, Callable[[Tensor, Tensor], Tensor]]:
    """Name -> function of the photograph and the kernel."""
    found: dict[str, Callable[[Tensor, Tensor], Tensor]] = {
        "blurred": lambda y, k: y,
        "wiener": lambda y, k: D.wiener(y, k, noise=NOISE),
        "plug_and_play": lambda y, k: D.plug_and_play(y, k, noise=NOISE),
        "deep_deconvolution": lambda y, k: D.deep_deconvolution(y, k, noise=NOISE),
    }
    for name, weights in WEIGHTS.items():
        for weight in weights:
            door = getattr(D, name)
            found[f"{name} {weight:.2g}"] = lambda y, k, door=door, weight=weight: door(y, k, weight=weight)  # type: ignore[misc]
    return found


def figure(folder: Path, every: int = 1, all_kernels: bool = False) -> dict[str, Tensor]:
    """Name of the method -> PSNR of each photograph and kernel."""
    kernels = twelve_kernels()
    scores: dict[str, list[Tensor]] = {}
    for i, path in enumerate(sorted(folder.glob("*.jpg"))[::every]):
        x = images.load(path)
        for j in range(12) if all_kernels else [i % 12]:
            k = kernels[j : j + 1]
            y = Blur(k, "valid")(x)
            y = add_noise(y, NOISE, generator=torch.Generator().manual_seed(12 * i + j)).clamp(0, 1)
            truth = x[..., 15:-15, 15:-15]
            with warnings.catch_warnings(), torch.inference_mode():
                warnings.simplefilter("ignore", UserWarning)
                for name, restore in methods().items():
                    scores.setdefault(name, []).append(psnr(restore(y, k), truth))
    return {name: torch.cat(values) for name, values in scores.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--every", type=int, default=1, help="take every N-th photograph")
    parser.add_argument("--all-kernels", action="store_true", help="blur each photograph by all twelve kernels")
    options = parser.parse_args()
    scores = figure(options.folder, options.every, options.all_kernels)
    for name, values in scores.items():
        print(f"{name:28} {values.mean():6.2f} dB")
    hand_made = {name: values for name, values in scores.items() if name.split()[0] in WEIGHTS}
    best = max(hand_made, key=lambda name: float(hand_made[name].mean()))
    gain = scores["plug_and_play"] - hand_made[best]
    print(
        f"plug_and_play over {best}: {gain.mean():+.2f} dB (from {gain.min():+.2f} to {gain.max():+.2f}, n={len(gain)})"
    )


if __name__ == "__main__":
    main()
