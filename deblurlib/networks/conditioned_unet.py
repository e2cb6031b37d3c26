"""A U-Net that is told a number with every image, such as the strength of its noise."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deblurlib.networks.generators import pad_to_multiple


class _Residual(nn.Module):
    """x + conv(ReLU(conv(x))), without biases."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(x)))  # type: ignore[no-any-return]


class ConditionedUNet(nn.Module):
    """What the denoiser, the deconvolver and the refiner of kernels share: residual blocks at a half, a quarter and an
    eighth of the resolution, down and up again, sums as skips, no normalisation, no biases.

    Args:
        inputs: Channels that come in, at full resolution.
        levels: Channels that come in as constants, one number for an image.
        outputs: Channels that go out, at full resolution.
        widths: Channels at the three resolutions.
        blocks: Residual blocks at each of them, on the way down and again on the way up (once at the bottom).

    Raises:
        ValueError: not three widths and three numbers of blocks.
    """

    def __init__(
        self, inputs: int, levels: int, outputs: int, widths: tuple[int, int, int], blocks: tuple[int, int, int]
    ) -> None:
        super().__init__()
        if len(widths) != 3 or len(blocks) != 3 or min(widths) < 1 or min(blocks) < 0:
            raise ValueError(f"expected three widths and three numbers of blocks, got {widths}, {blocks}.")
        self.settings = {"widths": list(widths), "blocks": list(blocks)}
        self.reach = 64  # pixels: what is further away hardly changes an output pixel
        self.first = nn.Conv2d(4 * inputs + levels, widths[0], 3, padding=1, bias=False)
        self.encoders = nn.ModuleList(
            nn.Sequential(*(_Residual(width) for _ in range(count)))
            for width, count in zip(widths, blocks, strict=True)
        )
        self.decoders = nn.ModuleList(
            nn.Sequential(*(_Residual(width) for _ in range(count)))
            for width, count in zip(widths[:2], blocks[:2], strict=True)
        )
        self.down = nn.ModuleList(nn.Conv2d(widths[i], widths[i + 1], 2, stride=2, bias=False) for i in range(2))
        self.up = nn.ModuleList(nn.ConvTranspose2d(widths[i + 1], widths[i], 2, stride=2, bias=False) for i in range(2))
        self.last = nn.Conv2d(widths[0], 4 * outputs, 3, padding=1, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.ConvTranspose2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_in" if isinstance(module, nn.Conv2d) else "fan_out")
        for module in self.modules():  # a residual block starts close to the identity
            if isinstance(module, _Residual):
                module.second.weight.data.mul_(0.1)
        nn.init.zeros_(self.last.weight)  # and the network starts as the identity

    def correction(self, x: Tensor, level: float | Tensor) -> Tensor:
        """(B, inputs, H, W) and a number for each image to (B, outputs, H, W), for any H and W."""
        height, width = x.shape[-2:]
        quarters = F.pixel_unshuffle(pad_to_multiple(x, 8), 2)
        constant = torch.as_tensor(level, dtype=x.dtype, device=x.device).reshape(-1, 1, 1, 1)
        constant = constant.expand(len(x), 1, *quarters.shape[-2:])
        half = self.encoders[0](self.first(torch.cat([quarters, constant], dim=1)))
        quarter = self.encoders[1](self.down[0](half))
        eighth = self.encoders[2](self.down[1](quarter))
        features = self.decoders[1](quarter + self.up[1](eighth))
        features = self.decoders[0](half + self.up[0](features))
        result: Tensor = F.pixel_shuffle(self.last(features), 2)[..., :height, :width]
        return result.to(x.dtype)

    def forward(self, x: Tensor, level: float | Tensor) -> Tensor:
        """The correction."""
        return self.correction(x, level)
