"""Colour to grey, in the working range of the metrics that are defined on grey levels from 0 to 255."""

import torch
from torch import Tensor

from deblurlib import contracts

WEIGHTS = (0.298936021293775, 0.587043074451121, 0.114020904255104)
"""Luma of NTSC red, green and blue, as in MATLAB's rgb2gray: first row of the inverse YIQ matrix, in all its digits."""

LEVEL_TOLERANCE = 1e-3
"""How far from a whole grey level float32 may put one, with room to spare."""

WHITE = 255.0
"""Constants such as the noise of the eye in VIF, or the 1 in NIQE's normalisation, are in these units."""


def grey_levels(x: Tensor, name: str, *, data_range: float, smallest: tuple[int, int], metric: str) -> Tensor:
    """Check an image for a metric of grey levels, and convert it.

    Args:
        x: (B, C, H, W) in [0, data_range], C = 1 (grey) or 3 (RGB).
        name: What to call it in an error.
        data_range: The value of white.
        smallest: The shorter and the longer side that the metric needs.
        metric: Its name, for the error.

    Returns:
        (B, 1, H, W) in [0, 255], float64 (float32 on a device without it), not rounded.

    Raises:
        TypeError, ValueError: as `contracts.image`; or a number of channels other than 1 and 3, too few pixels, or an
            image that is black in its `data_range`.

    Example:
        >>> grey_levels(torch.ones(1, 3, 2, 2), "image", data_range=1.0, smallest=(2, 2), metric="vif").mean().item()
        255.0
    """
    contracts.number(data_range, "data_range", low=0, open_low=True)
    contracts.image(x, name, data_range=data_range)
    if x.shape[1] not in (1, 3):
        raise ValueError(f"{name}: expected 1 (grey) or 3 (RGB) channels, got {x.shape[1]}.")
    at_least(x, smallest, metric)
    brightest = float(x.detach().max())
    if data_range > 1 and 0 < brightest <= data_range / WHITE:
        raise ValueError(
            f"{name}: its brightest value is {brightest:.4g}, which is black where data_range={data_range:g} is white. "
            "For images in [0, 1] leave data_range at 1."
        )
    x = x if x.device.type == "mps" else x.double()  # Apple's GPUs have no float64
    if x.shape[1] == 3:
        x = torch.einsum("bchw,c->bhw", x, x.new_tensor(WEIGHTS))[:, None]
    return x * (WHITE / data_range)


def rgb2gray(x: Tensor, *, data_range: float = 1.0) -> Tensor:
    """Grey as MATLAB's rgb2gray makes it of an 8-bit photograph: luma, rounded to 256 levels.

    Published values of SSIM, MS-SSIM, IFC and VIF were computed on it. Without the rounding, a nearly perfect
    restoration has other values: VIF 0.997 in place of 0.992.

    Args:
        x: (B, C, H, W) in [0, data_range], C = 1 or 3.
        data_range: The value of white.

    Returns:
        (B, 1, H, W) in the same range and dtype.

    Raises:
        TypeError, ValueError: not an image, neither grey nor RGB, or values outside the range by more than half of it.

    Example:
        >>> 255 * rgb2gray(torch.tensor([1.0, 0.0, 0.0]).view(1, 3, 1, 1).expand(1, 3, 2, 2))[0, 0, 0]
        tensor([76., 76.])
    """
    grey = grey_levels(x, "image", data_range=data_range, smallest=(1, 1), metric="rgb2gray").round()
    return (grey * (data_range / WHITE)).to(x.dtype)


def grey_pair(
    restored: Tensor, reference: Tensor, *, data_range: float, smallest: int, metric: str
) -> tuple[Tensor, Tensor]:
    """Check the two images of a full-reference metric of grey levels, and convert both as `grey_levels` does.

    Where both have 8 bits, as files have, their grey is rounded to 8 bits: so does MATLAB's rgb2gray, on which the
    published values were computed. Other images are not rounded. Gradients pass as if there was no rounding.

    Raises:
        TypeError, ValueError: as `grey_levels` and `contracts.pair`.
    """
    contracts.pair(restored, reference, data_range)
    x, y = (
        grey_levels(image, name, data_range=data_range, smallest=(smallest, smallest), metric=metric)
        for image, name in ((restored, "restored"), (reference, "reference"))
    )
    if restored.shape[1] == 3:
        files = (_has_8_bits(restored, data_range) & _has_8_bits(reference, data_range))[:, None, None, None]
        x, y = (t + torch.where(files, t.round() - t, 0.0).detach() for t in (x, y))
    return x, y


def _has_8_bits(x: Tensor, data_range: float) -> Tensor:
    """For each image of a batch: is every value one of the 256 levels?"""
    levels = x.detach() * (WHITE / data_range)
    return (levels - levels.round()).abs().amax(dim=(1, 2, 3)) < LEVEL_TOLERANCE


def at_least(x: Tensor, smallest: tuple[int, int], metric: str) -> None:
    """Check that an image has the pixels that a metric needs: no scale is dropped in silence.

    Raises:
        ValueError: it has not; the message names the floor.

    Example:
        >>> at_least(torch.zeros(1, 1, 64, 48), (72, 72), "vif")
        Traceback (most recent call last):
        ...
        ValueError: vif: 64x48 pixels are too few, it needs at least 72x72.
    """
    h, w = x.shape[-2:]
    if min(h, w) < smallest[0] or max(h, w) < smallest[1]:
        raise ValueError(f"{metric}: {h}x{w} pixels are too few, it needs at least {smallest[0]}x{smallest[1]}.")
