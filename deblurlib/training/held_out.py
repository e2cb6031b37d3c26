"""The examination: a fixed set of crops from photographs that training never sees, each with its own known kernel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from deblurlib import images
from deblurlib.blur import Blur, add_noise, camera_shake
from deblurlib.metrics import psnr, ssim
from deblurlib.training.config import TrainingConfig
from deblurlib.training.data import ONE_KERNEL, the_kernel

CANDIDATES = 8
"""A crop is the most textured of this many random places: blur cannot be seen, nor undone, in an empty sky."""


@dataclass(frozen=True)
class HeldOut:
    """Crops to be judged on, N of them.

    Attributes:
        blurred: (N, 3, side, side), blurred, noisy, rounded to 8 bits.
        sharp: (N, 3, side, side).
        kernels: (N, 1, h, w), the true kernels.
        names: The photograph of each crop.
        noise: Its standard deviation.
    """

    blurred: Tensor
    sharp: Tensor
    kernels: Tensor
    names: tuple[str, ...]
    noise: float = 0.01

    def gain(self, restore: Callable[[Tensor], Tensor]) -> Tensor:
        """PSNR of the restoration less that of the blurred input, in dB: (N,)."""
        restored = self.restored(restore).clamp(0, 1)
        return psnr(restored, self.sharp) - psnr(self.blurred, self.sharp)

    def ssim_gain(self, restore: Callable[[Tensor], Tensor]) -> Tensor:
        """SSIM of the restoration less that of the blurred input: (N,)."""
        restored = self.restored(restore).clamp(0, 1)
        return ssim(restored, self.sharp) - ssim(self.blurred, self.sharp)

    def restored(self, restore: Callable[..., Tensor], count: int | None = None) -> Tensor:
        """The first `count` crops, or all, restored; what needs the kernels and the noise is told the true ones."""
        if getattr(restore, "needs_kernel", False):
            return restore(self.blurred[:count], self.kernels[:count], self.noise)
        return restore(self.blurred[:count])


def held_out(
    photographs: Sequence[tuple[str, Tensor]] | None = None,
    *,
    config: TrainingConfig | None = None,
    side: int = 192,
    crops: int = 4,
    seed: int = 123,
) -> HeldOut:
    """Make the examination: a function of its arguments alone.

    Of each photograph `crops` places are taken, each the most textured of eight random ones; their kernels go from
    short to long paths in equal steps, with one crop each from photograph to photograph. Blurring uses real pixels from
    beyond the crop, so no border is invented.

    Args:
        photographs: Names and (1, C, H, W) images; None takes the bundled ones for validation and test.
        config: Whose kernels and noise (the middle of its range) are used.
        side: Of a crop, pixels.
        crops: For each photograph.
        seed: Of the places, kernels and noise.

    Returns:
        The crops in the order of the photographs.

    Raises:
        ValueError: no photographs, no crops, or a photograph smaller than a crop and its margin (named).
    """
    config = config or TrainingConfig()
    if photographs is None:
        names = images.bundled_names("validation") + images.bundled_names("test")
        photographs = [(name, images.bundled(name)) for name in names]
    if not photographs or crops < 1:
        raise ValueError(f"expected photographs and crops of them, got {len(photographs)} and {crops}.")
    chance = torch.Generator().manual_seed(seed)
    margin = config.kernel_size // 2
    low, high = config.path_length
    single = the_kernel(config) if config.system == ONE_KERNEL else None
    sharp, kernels, names = [], [], []
    for number, (name, photograph) in enumerate(photographs):
        x = photograph.expand(-1, 3, -1, -1)
        whole = side + 2 * margin
        height, width = x.shape[-2:]
        if min(height, width) < whole:
            raise ValueError(f"{name}: {height}x{width} pixels are fewer than a crop and its margin, {whole} a side.")
        for i in range(crops):
            places = torch.rand(CANDIDATES, 2, generator=chance).tolist()
            cuts = [
                x[..., int(v * (height - whole + 1)) :, int(u * (width - whole + 1)) :][..., :whole, :whole]
                for v, u in places
            ]
            sharp.append(max(cuts, key=_texture))
            place = (i + 0.5) / crops if crops > 1 else (number + 0.5) / len(photographs)
            length = low + (high - low) * place
            drawn = camera_shake(1, config.kernel_size, length=length, generator=chance)
            kernels.append(drawn if single is None else single)
            names.append(name)
    x, k = torch.cat(sharp), torch.cat(kernels)
    blurred = add_noise(Blur(k, "valid")(x), sum(config.noise) / 2, generator=chance)
    inner = x[..., margin : margin + side, margin : margin + side].contiguous()
    return HeldOut((blurred.clamp(0, 1) * 255).round() / 255, inner, k, tuple(names), sum(config.noise) / 2)


def _texture(x: Tensor) -> float:
    return float(x.mean(dim=1).diff(dim=-1).abs().mean() + x.mean(dim=1).diff(dim=-2).abs().mean())
