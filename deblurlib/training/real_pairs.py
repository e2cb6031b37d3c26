"""Batches of pictures that a camera blurred, of which nobody knows the kernel."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from deblurlib import datasets
from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import GAIN, Batch, of_part
from deblurlib.training.resident import Cuts, Resident, send


class RealPairs:
    """An endless, seekable supply of crops of real pairs, or of blurred and sharp pictures that are no pairs.

    As `BlurredPairs`, but nothing is blurred and no noise is added: a batch's kernels are empty, and its noise is 0.
    The pictures stay on the device as bytes: GoPro's 2,103 pairs for training take 11.6 GB.

    Args:
        config: `data` says how its folder `photographs` is read.
        device: Where the batches are made.
        rank: Which process this is: each makes its share of a batch of `processes * config.batch` crops.
        processes: How many there are.

    Raises:
        FileNotFoundError, ValueError: as `deblurlib.datasets`; a pair of two sizes; or no picture as large as a crop.
    """

    def __init__(self, config: TrainingConfig, device: torch.device, *, rank: int = 0, processes: int = 1) -> None:
        self.config, self.device = config, device
        self.count, self.first = processes * config.batch, rank * config.batch
        self.own = slice(self.first, self.first + config.batch)
        folder, skip = config.photographs, config.skip_unreadable
        if config.data == "unpaired":
            blurred, sharp = (list(datasets.read(paths, skip=skip).values()) for paths in datasets.unpaired(folder))
        else:
            found = datasets.gopro(folder) if config.data == "gopro" else datasets.pairs(folder)
            blurred, sharp = _read_pairs(found, skip=skip)
        self.is_paired = config.data != "unpaired"
        self.blurred, self.sharp = (self._large_enough(pictures) for pictures in (blurred, sharp))

    def _large_enough(self, pictures: Sequence[Tensor]) -> Resident:
        kept = [x for x in pictures if min(x.shape[-2:]) >= self.config.crop]
        if not kept:
            raise ValueError(
                f"crop: no picture in {self.config.photographs} is as large as a crop of {self.config.crop}."
            )
        return Resident(kept, self.device)

    def batch(self, step: int, *, paired: bool = True) -> Batch:
        """The batch of a step.

        Args:
            step: 0 or more.
            paired: Whether `sharp[i]` is of the same place as `blurred[i]`; if not, it is another crop altogether.

        Raises:
            ValueError: pairs are asked for where there are none.
        """
        if paired and not self.is_paired:
            raise ValueError("paired: the pictures are no pairs.")
        seed = self.config.seed * 1_000_003 + step
        chance = torch.Generator().manual_seed(seed)
        cuts = self._draw(self.sharp, chance)
        low, high = GAIN
        gain = send(
            ((low + (high - low) * torch.rand(self.count, 1, 1, 1, generator=chance)) / 255)[self.own], self.device
        )
        sharp = self.sharp.cut(cuts, self.config.crop).float() * gain
        others = cuts if paired else self._draw(self.blurred, chance)
        blurred = self.blurred.cut(others, self.config.crop).float() * gain
        nobody_knows = torch.empty(len(sharp), 1, 0, 0, device=self.device)
        return Batch(blurred, sharp, nobody_knows, 0.0, of_part(seed, self.first))

    def _draw(self, pictures: Resident, chance: torch.Generator) -> Cuts:
        return Cuts.draw(torch.ones(len(pictures)), self.count, chance)[self.own]


def _read_pairs(found: Sequence[datasets.Pair], *, skip: bool) -> tuple[list[Tensor], list[Tensor]]:
    """Both pictures of every pair; a pair of which one cannot be read is left out with it."""
    read: dict[Path, Tensor] = datasets.read([path for pair in found for path in pair], skip=skip)
    whole = [pair for pair in found if pair.blurred in read and pair.sharp in read]
    if not whole:
        raise ValueError("No pair is left of which both pictures can be read.")
    for pair in whole:
        sizes = [f"{x.shape[1]}x{x.shape[2]}" for x in (read[pair.blurred], read[pair.sharp])]
        if sizes[0] != sizes[1]:
            raise ValueError(f"{pair.blurred} has {sizes[0]} pixels, {pair.sharp} has {sizes[1]}: they are no pair.")
    return [read[pair.blurred] for pair in whole], [read[pair.sharp] for pair in whole]
