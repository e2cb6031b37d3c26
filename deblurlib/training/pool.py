"""A history of fakes, so that a judge does not forget what it has once caught."""

import torch
from torch import Tensor


class Pool:
    """A history of fakes: half of what a discriminator is shown is older (Shrivastava et al. 2017, section 2.3).

    Args:
        size: Images kept; 0 keeps none, and every fake is a new one.
        seed: Of the choices.
        device: Where the images are kept.
    """

    def __init__(self, size: int, seed: int, device: torch.device) -> None:
        self.size = size
        self.chance = torch.Generator().manual_seed(seed)
        self.images = torch.empty(0, device=device)

    def __call__(self, fakes: Tensor) -> Tensor:
        """Hand back as many images as came, each new one swapped with an old one half of the time."""
        if self.size == 0:
            return fakes
        shown = []
        for fake in fakes:
            if len(self.images) < self.size:
                self.images = torch.cat([self.images, fake[None]]) if len(self.images) else fake[None].clone()
                shown.append(fake)
            elif float(torch.rand(1, generator=self.chance)) < 0.5:
                i = int(torch.randint(self.size, (1,), generator=self.chance))
                shown.append(self.images[i].clone())
                self.images[i] = fake
            else:
                shown.append(fake)
        return torch.stack(shown)
