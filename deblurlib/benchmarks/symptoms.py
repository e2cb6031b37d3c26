"""Symptoms of a restoration that went wrong, each a number that needs no sharp reference, with the limit to hold it to.

Limits are our choice, between what good and bad restorations score: of the bundled photographs, and of the hundred of a
public set; the tests hold both sides on both. What is wrong before the restoration begins has its symptoms in
`input_symptoms`.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib import contracts
from deblurlib.blur import Blur, gaussian

FLAT = 0.1
"""The share of an image that counts as its flat places."""

RINGING_LIMIT = 1.8
GRAIN_LIMIT = 6.0
BORDER_LIMIT = 1.35
UNEXPLAINED_LIMIT = 1.5
CHANGE_LIMIT = 0.5
COLOUR_LIMIT = 0.02
CHECKERBOARD_LIMIT = 50.0
SIZE_LIMIT = 0.01


def ringing(restored: Tensor, blurred: Tensor, kernel: Tensor) -> Tensor:
    """How many times larger slow waves are in the flat places of a restoration than in those of the photograph.

    Flat is where the photograph varies least in a window of twice the kernel: nothing sharp can be hidden there, so
    that what waves, rings. Grain is averaged away first, over 3x3 pixels. More than `RINGING_LIMIT` is ringing; less
    proves little, for a photograph that is full of texture has no flat places, and its ringing is hidden.

    Args:
        restored: (B, C, H, W) in [0, 1].
        blurred: Same shape.
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.

    Returns:
        (B,), about 1 for a faithful restoration.

    Raises:
        TypeError, ValueError: a broken contract, or different shapes.

    Example:
        >>> from deblurlib import images
        >>> x = images.bundled("camera")
        >>> round(ringing(x, x, gaussian(9, 2.0)).item(), 2)
        1.0
    """
    places = _flat_places(restored, blurred, kernel)
    before, after = (_waves(F.avg_pool2d(x, 3, 1, 1), kernel) for x in (blurred, restored))
    return _spread(after, places) / _spread(before, places)


def grain(restored: Tensor, blurred: Tensor, kernel: Tensor) -> Tensor:
    """How many times louder the noise is in the flat places of a restoration than in those of the photograph.

    Noise is what is left of second differences along both axes, as in the estimate of Immerkaer (1996). More than
    `GRAIN_LIMIT` is amplified noise.

    Args:
        restored: (B, C, H, W) in [0, 1].
        blurred: Same shape.
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.

    Returns:
        (B,), about 1 for a faithful restoration.

    Raises:
        TypeError, ValueError: a broken contract, or different shapes.
    """
    places = _flat_places(restored, blurred, kernel)[..., 1:-1, 1:-1]
    before, after = (x.diff(n=2, dim=-1).diff(n=2, dim=-2) for x in (blurred, restored))
    return _spread(after, places) / _spread(before, places)


def border_excess(restored: Tensor, blurred: Tensor, kernel: Tensor) -> Tensor:
    """How much steeper a restoration is along its border than inside, over the same ratio of the photograph.

    The border is as wide as half a kernel. A deconvolution with the wrong idea of what lies beyond the frame puts
    waves there. More than `BORDER_LIMIT` is an artefact of the border.

    Args:
        restored: (B, C, H, W) in [0, 1].
        blurred: Same shape.
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.

    Returns:
        (B,), about 1 for a faithful restoration.

    Raises:
        TypeError, ValueError: a broken contract, or different shapes.
    """
    _same(restored, blurred, kernel)
    h, w = (max(side // 2, 1) for side in kernel.shape[-2:])
    inside = torch.zeros(blurred.shape[-2] - 1, blurred.shape[-1] - 1, dtype=torch.bool, device=blurred.device)
    inside[h:-h, w:-w] = True

    def ratio(x: Tensor) -> Tensor:
        steep = x.diff(dim=-1)[..., 1:, :].square() + x.diff(dim=-2)[..., 1:].square()
        return (steep[..., ~inside].mean(dim=(1, 2)) / steep[..., inside].mean(dim=(1, 2)).clamp(min=1e-12)).sqrt()

    return ratio(restored) / ratio(blurred).clamp(min=1e-6)


def unexplained(restored: Tensor, blurred: Tensor, kernel: Tensor, *, noise: float) -> Tensor:
    """What of a photograph its restoration does not explain, in units of the noise: the root mean square of k*x - y.

    Half a kernel along the border is left out. More than `UNEXPLAINED_LIMIT` is invented, displaced, or of another
    kernel; about 1 says only that the invention, if there is one, is where the blur erased everything.

    Args:
        restored: (B, C, H, W) in [0, 1].
        blurred: Same shape.
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        noise: Standard deviation of the noise in the photograph, above 0.

    Returns:
        (B,).

    Raises:
        TypeError, ValueError: a broken contract, different shapes, or a noise of 0.
    """
    contracts.number(noise, "noise", low=0, open_low=True)
    _same(restored, blurred, kernel)
    h, w = (side // 2 for side in kernel.shape[-2:])
    rest = (Blur(kernel, "reflect")(restored) - blurred)[..., h : blurred.shape[-2] - h, w : blurred.shape[-1] - w]
    return rest.square().mean(dim=(1, 2, 3)).sqrt() / noise


def change(restored: Tensor, blurred: Tensor) -> Tensor:
    """How much a restoration changed, in units of the photograph's own fine detail; 0 where it changed nothing.

    Fine detail is the photograph less itself under a Gaussian of one pixel. Below `CHANGE_LIMIT` the restorer has
    collapsed to the identity.

    Args:
        restored: (B, C, H, W) in [0, 1].
        blurred: Same shape.

    Returns:
        (B,).

    Raises:
        TypeError, ValueError: not images, or different shapes.
    """
    contracts.pair(restored, blurred, 1.0)
    detail = blurred - Blur(gaussian(7, 1.0).to(blurred), "reflect")(blurred)
    made, had = ((t.square().mean(dim=(1, 2, 3))).sqrt() for t in (restored - blurred, detail))
    return made / had.clamp(min=1e-6)


def colour_shift(restored: Tensor, blurred: Tensor) -> Tensor:
    """The largest change of a channel's mean. A kernel sums to one, so blur moves no mean, and no restoration may.

    More than `COLOUR_LIMIT` is a shift of colour or brightness.

    Args:
        restored: (B, C, H, W) in [0, 1].
        blurred: Same shape.

    Returns:
        (B,), in units of the range.

    Raises:
        TypeError, ValueError: not images, or different shapes.

    Example:
        >>> x = torch.rand(1, 3, 16, 16)
        >>> tint = torch.tensor([0.05, 0.0, -0.01]).view(1, 3, 1, 1)
        >>> round(colour_shift(x + tint, x).item(), 3)
        0.05
    """
    contracts.pair(restored, blurred, 1.0)
    return (restored - blurred).mean(dim=(-2, -1)).abs().amax(dim=1)


def checkerboard(image: Tensor) -> Tensor:
    """How far the finest waves, of a period of two pixels, stand out of the spectrum around them.

    Transposed convolutions with a stride of two leave a pattern that repeats every two pixels, and so power at the
    frequencies (0, 1/2), (1/2, 0) and (1/2, 1/2). The value is the largest amplitude there over the median of the
    frequencies up to 8 steps away. More than `CHECKERBOARD_LIMIT` is a checkerboard.

    Args:
        image: (B, C, H, W) in [0, 1]; an odd last row or column is left out.

    Returns:
        (B,).

    Raises:
        TypeError, ValueError: not an image, or fewer than 32 pixels a side.
    """
    contracts.image(image, smallest=32)
    h, w = (side // 2 * 2 for side in image.shape[-2:])
    x = image[..., :h, :w].mean(dim=1)
    size = torch.fft.fft2(x - x.mean(dim=(-2, -1), keepdim=True)).abs()
    worst = []
    for row, column in ((h // 2, w // 2), (h // 2, 0), (0, w // 2)):
        around = size.roll((8 - row, 8 - column), dims=(-2, -1))[:, :17, :17].flatten(1)
        worst.append(around[:, 8 * 17 + 8] / around.median(dim=1).values.clamp(min=1e-12))
    return torch.stack(worst).amax(dim=0)


def size_dependence(restore: Callable[[Tensor], Tensor], image: Tensor, crop: int) -> Tensor:
    """How far the restoration of a crop is from the same crop of the restoration, far from its border.

    A network that normalises over the whole image, or pools over it, gives another answer for another size, and was
    trained for one. More than `SIZE_LIMIT` depends on the size.

    Args:
        restore: Takes and gives (B, C, H, W).
        image: (B, C, H, W) in [0, 1].
        crop: Side of the crop in the middle; a quarter of it on each side is not compared.

    Returns:
        (B,), root mean square of the difference, in units of the range.

    Raises:
        TypeError, ValueError: not an image, or one that is not larger than the crop.
    """
    contracts.image(image, smallest=crop + 1)
    top, left = ((side - crop) // 2 for side in image.shape[-2:])
    part = (..., slice(top, top + crop), slice(left, left + crop))
    q = crop // 4
    rest = (restore(image)[part] - restore(image[part].contiguous()))[..., q : crop - q, q : crop - q]
    return rest.square().mean(dim=(1, 2, 3)).sqrt()


def _same(restored: Tensor, blurred: Tensor, kernel: Tensor) -> None:
    contracts.pair(restored, blurred, 1.0)
    contracts.kernel(kernel)
    contracts.fits(blurred, kernel, "blurred")


def _flat_places(restored: Tensor, blurred: Tensor, kernel: Tensor) -> Tensor:
    """The tenth of the image where it varies least around: (B, 1, H, W), True there."""
    _same(restored, blurred, kernel)
    size = _window(blurred, kernel)
    mean, square = (_means(x, size) for x in (blurred, blurred.square()))  # only windows inside the image
    varies = (square - mean.square()).mean(dim=1, keepdim=True)
    flat = varies.flatten(1)
    limit = flat.kthvalue(max(1, round(FLAT * flat.shape[1])), dim=1).values.view(-1, 1, 1, 1)
    return F.pad(varies <= limit, (size // 2,) * 4)


def _waves(x: Tensor, kernel: Tensor) -> Tensor:
    """An image without what varies more slowly than over two kernels."""
    size = _window(x, kernel)
    return x - _means(x, size, size // 2)


def _window(x: Tensor, kernel: Tensor) -> int:
    """The odd side of a window of two kernels that fits into the image."""
    return min(2 * max(kernel.shape[-2:]) + 1, (min(x.shape[-2:]) - 1) // 2 * 2 - 1)


def _means(x: Tensor, size: int, reach: int = 0) -> Tensor:
    """Means over square windows, along rows and then along columns; what is beyond the frame does not count."""
    rows = F.avg_pool2d(x, (1, size), 1, (0, reach), count_include_pad=False)
    return F.avg_pool2d(rows, (size, 1), 1, (reach, 0), count_include_pad=False)


def _spread(x: Tensor, places: Tensor) -> Tensor:
    """Root mean square over the places: (B,)."""
    power = (x.square().mean(dim=1, keepdim=True) * places).sum(dim=(1, 2, 3)) / places.sum(dim=(1, 2, 3))
    return power.sqrt().clamp(min=1e-6)
