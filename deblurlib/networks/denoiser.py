"""A denoiser that is told how strong the noise is: the prior of plug-and-play deconvolution."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deblurlib.networks.generators import pad_to_multiple

STRONGEST = 50 / 255
"""The standard deviation of the strongest noise that the shipped denoiser was trained on."""


class _Residual(nn.Module):
    """x + conv(ReLU(conv(x))), without biases."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.second = nn.Conv2d(width, width, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(F.relu(self.first(x)))  # type: ignore[no-any-return]


class ResidualUNet(nn.Module):
    """The body that the denoiser and the deconvolver share: residual blocks at a half, a quarter and an eighth of the
    resolution, down and up again, sums as skips, no normalisation, no biases.

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


class Denoiser(ResidualUNet):
    """A small residual U-Net that removes white noise of a given standard deviation.

    After the DRUNet of Zhang et al. (2021), in small: residual blocks without normalisation and without biases, a map
    of the noise level beside the image, one network for every level. It works at half resolution and below (the pixel
    unshuffling of FFDNet, Zhang et al. 2018), and predicts the noise. Without biases the network is homogeneous:
    an image and a noise level multiplied by the same positive number give that multiple of the output.

    Args:
        widths: Channels at a half, a quarter and an eighth of the resolution.
        blocks: Residual blocks at each of them, on the way down and again on the way up (once at the bottom).

    Shape:
        (B, 1 or 3, H, W) and a noise level, to the same shape, for any H and W. A grey image is denoised as a colour
        image whose three channels, noise included, are equal: one network serves both.

    Example:
        >>> network = Denoiser()
        >>> sum(p.numel() for p in network.parameters())
        459808
        >>> x = torch.rand(1, 3, 37, 50)
        >>> bool((network(x, 0.1) == x).all())
        True
    """

    def __init__(self, widths: tuple[int, int, int] = (32, 64, 96), blocks: tuple[int, int, int] = (2, 1, 1)) -> None:
        super().__init__(3, 1, 3, widths, blocks)

    def forward(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """Remove noise of standard deviation `sigma`, a number or one for each image of the batch."""
        noise = self.correction(x.expand(-1, 3, -1, -1), sigma)
        return x - (noise.mean(dim=1, keepdim=True) if x.shape[1] == 1 else noise)
