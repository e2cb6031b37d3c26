"""The generators by name: what a configuration says, and what builds it."""

from torch import nn

from deblurlib.contracts import choice
from deblurlib.networks.generators import UNetGenerator
from deblurlib.networks.residual_unet import ResidualUNet
from deblurlib.networks.resnet import ResNetGenerator
from deblurlib.networks.unet256 import UNet256Generator

GENERATORS: dict[str, type[nn.Module]] = {
    "unet": UNetGenerator,
    "residual_unet": ResidualUNet,
    "unet256": UNet256Generator,
    "resnet": ResNetGenerator,
}
"""Name -> class: the book's own U-Net, the deep one of the long run, pix2pix's U-Net, the ResBlock generator."""

PLAIN = ("unet", "residual_unet")
"""Generators that normalise nothing and correct their input, whatever a configuration would have."""


def build_generator(
    name: str = "unet",
    *,
    width: int = 16,
    levels: int = 2,
    blocks: int = 9,
    normalize: bool = False,
    residual: bool = True,
) -> nn.Module:
    """A generator by name, freshly initialised.

    Args:
        name: 'unet' (`UNetGenerator`), 'residual_unet' (`ResidualUNet`), 'unet256' (`UNet256Generator`) or 'resnet'
            (`ResNetGenerator`).
        width: Channels at the highest resolution.
        levels: How often the U-Nets halve the resolution.
        blocks: Residual blocks of 'resnet', and of 'residual_unet' at each level on either way.
        normalize: Instance normalisation, for 'unet256' and 'resnet'; the papers have it.
        residual: Whether the output is added to the input, for 'unet256' and 'resnet'; the others always do.

    Raises:
        ValueError: an unknown name, or what the network cannot do.

    Example:
        >>> sum(p.numel() for p in build_generator("resnet", width=8, blocks=2).parameters())
        50947
    """
    if choice(name, "generator", list(GENERATORS)) in PLAIN:
        if normalize or not residual:
            raise ValueError(
                f"generator: {name!r} has no normalisation and corrects its input; "
                f"normalize={normalize}, residual={residual} need 'unet256' or 'resnet'."
            )
        return UNetGenerator(width, levels) if name == "unet" else ResidualUNet(width, levels, blocks)
    if name == "unet256":
        return UNet256Generator(width, levels, normalize=normalize, residual=residual)
    return ResNetGenerator(width, blocks, normalize=normalize, residual=residual)
