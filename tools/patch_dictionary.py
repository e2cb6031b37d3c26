"""Learn the dictionary of sharp patches that `deblurlib.blind.sparse_coding` ships with.

    python tools/patch_dictionary.py deblurlib/blind/patch_dictionary.safetensors

One CPU core, half a minute; the same file every time on the same machine.
"""

import argparse
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from sklearn.decomposition import MiniBatchDictionaryLearning

from deblurlib import images
from deblurlib.blind.window import grey
from deblurlib.files import atomic

SIDE, ATOMS, PATCHES = 5, 100, 30_000
"""Of a patch, in pixels; of the dictionary; drawn from all photographs together."""

STRONG = 0.03
"""Patches with a smaller standard deviation teach nothing."""


def patches(seed: int = 0) -> torch.Tensor:
    """Patches of the training photographs at half size, mean removed, of length one: (PATCHES, SIDE * SIDE)."""
    generator = torch.Generator().manual_seed(seed)
    names, drawn = images.bundled_names("train"), []
    for name in names:
        x = F.avg_pool2d(grey(images.bundled(name)), 2)
        columns = F.unfold(x, SIDE)[0].T
        columns = columns - columns.mean(dim=1, keepdim=True)
        columns = columns[columns.square().mean(dim=1).sqrt() > STRONG]
        drawn.append(columns[torch.randperm(len(columns), generator=generator)[: PATCHES // len(names)]])
    found = torch.cat(drawn)
    return found / found.square().sum(dim=1, keepdim=True).sqrt()


def main() -> None:
    """Learn, and write the atoms, (ATOMS, SIDE * SIDE), each of length one and mean zero."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", type=Path)
    path = parser.parse_args().file
    learner = MiniBatchDictionaryLearning(
        ATOMS,
        alpha=0.2,
        batch_size=256,
        max_iter=20,
        random_state=0,
        transform_algorithm="omp",
    )
    atoms = torch.from_numpy(learner.fit(patches().double().numpy()).components_)
    atoms = atoms - atoms.mean(dim=1, keepdim=True)
    atoms = (atoms / atoms.square().sum(dim=1, keepdim=True).sqrt()).float().contiguous()
    with atomic(path, overwrite=True) as temporary:
        save_file({"atoms": atoms}, temporary)


if __name__ == "__main__":
    main()
