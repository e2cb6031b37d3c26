"""Photographs that stay on the device as bytes, and crops cut from them without a loop and without waiting."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

TURNS = (
    (1, 0, 0, 1),
    (0, 1, -1, 0),
    (-1, 0, 0, -1),
    (0, -1, 1, 0),
    (1, 0, 0, -1),
    (0, -1, -1, 0),
    (-1, 0, 0, 1),
    (0, 1, 1, 0),
)
"""The eight orientations of a square: by how much a step down, and one to the right, moves down and right in the
photograph (down by down, down by right, right by down, right by right). Four quarter turns, then the same mirrored."""


@dataclass(frozen=True)
class Cuts:
    """Where crops are taken and how they are turned; all on the CPU, N of them.

    Attributes:
        picks: Which photograph, (N,).
        places: How far down and to the right, as fractions of the room there is, (N, 2) in [0, 1).
        turns: Orientation, 0 to 7, (N,).
        channels: In which order the colours come, (N, 3).
    """

    picks: Tensor
    places: Tensor
    turns: Tensor
    channels: Tensor

    @classmethod
    def draw(cls, shares: Tensor, count: int, chance: torch.Generator) -> "Cuts":
        """Draw `count` cuts, each photograph as often as its share says."""
        picks = torch.multinomial(shares, count, replacement=True, generator=chance)
        places = torch.rand(count, 2, generator=chance)
        turns = torch.randint(8, (count,), generator=chance)
        channels = torch.stack([torch.randperm(3, generator=chance) for _ in range(count)])
        return cls(picks, places, turns, channels)

    def __getitem__(self, own: slice) -> "Cuts":
        """Some of them."""
        return Cuts(self.picks[own], self.places[own], self.turns[own], self.channels[own])


class Resident:
    """Photographs on a device, a byte for each value.

    Args:
        photographs: (3, H, W) uint8, of any sizes.
        device: Where they are kept.
    """

    def __init__(self, photographs: Sequence[Tensor], device: torch.device) -> None:
        self.device = device
        self.pixels = torch.cat([x.flatten() for x in photographs]).to(device)
        self.sizes = torch.tensor([x.shape[-2:] for x in photographs])
        lengths = torch.tensor([x.numel() for x in photographs])
        self.starts = lengths.cumsum(0) - lengths

    def __len__(self) -> int:
        return len(self.starts)

    def __getitem__(self, index: int) -> Tensor:
        """One of them, (3, H, W)."""
        height, width = self.sizes[index].tolist()
        start = int(self.starts[index])
        return self.pixels[start : start + 3 * height * width].view(3, height, width)

    def cut(self, cuts: Cuts, side: int) -> Tensor:
        """Take crops: (N, 3, side, side) uint8 on the device.

        A crop is an affine walk through the bytes, so one gather takes them all; the only thing that goes to the device
        is where each walk starts and how it steps.
        """
        height, width = self.sizes[cuts.picks].unbind(1)
        room = torch.stack([height, width], dim=1) - side + 1
        top, left = (cuts.places.double() * room).long().unbind(1)
        down_down, down_right, right_down, right_right = torch.tensor(TURNS)[cuts.turns].unbind(1)
        top = top + (side - 1) * ((down_down < 0) | (down_right < 0))
        left = left + (side - 1) * ((right_down < 0) | (right_right < 0))
        start = (self.starts[cuts.picks] + top * width + left)[:, None] + cuts.channels * (height * width)[:, None]
        walks = torch.cat(
            [start, (down_down * width + right_down)[:, None], (down_right * width + right_right)[:, None]], 1
        )
        walks = send(walks, self.device)
        steps = torch.arange(side, device=self.device)
        lines = walks[:, :3, None] + walks[:, 3, None, None] * steps  # (N, 3, side): where each line of a crop starts
        return self.pixels[lines[..., None] + walks[:, 4, None, None, None] * steps]


def send(x: Tensor, device: torch.device) -> Tensor:
    """Bring a small tensor to a device; to CUDA without waiting for the work that is queued there."""
    return x.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else x.to(device)
