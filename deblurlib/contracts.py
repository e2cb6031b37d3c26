"""What every public door asks of its tensors, and what it says when it gets something else.

An image is a float tensor (B, C, H, W) in [0, 1]. A kernel is (B or 1, 1, h, w), odd, non-negative, sums to one.
"""

import math
import warnings
from collections.abc import Sequence
from numbers import Integral, Real

import torch
from torch import Tensor

SMALLEST_SIDE = 2
"""An image needs two pixels a side before the word 'blur' means anything."""

OVERSHOOT = 0.5
"""Noise and ringing leave [0, 1] a little; 0..255 leaves it a lot. Doors tolerate this fraction of the range."""

OPERATOR_LIMIT = 16.0
"""A linear operator takes differences and noise too, so its door is wider; a 0..255 image still does not fit."""

SUM_TOLERANCE = 1e-3
"""How far the sum of a kernel may be from one."""

OFF_CENTRE = 1.0
"""How many pixels the centroid of a kernel may lie from its centre before a deconvolution warns."""

WHITE = 1 - 1e-6
"""From here on a pixel is at the end of its range."""

SATURATED = 0.03
"""The share of such pixels from which on a deconvolution warns (our choice)."""


def _tensor(x: object, name: str) -> Tensor:
    if not isinstance(x, Tensor):
        raise TypeError(
            f"{name}: expected a torch.Tensor, got {type(x).__name__}. "
            "Load files with deblurlib.images.load(path), convert arrays with torch.as_tensor(array)."
        )
    if x.dtype not in (torch.float32, torch.float64):
        hint = " Divide 8-bit values by 255: x.float() / 255." if x.dtype == torch.uint8 else ""
        hint = " Half precision has no FFT on most devices: x.float()." if x.dtype.is_floating_point else hint
        raise TypeError(f"{name}: expected a tensor of torch.float32 or torch.float64, got {x.dtype}.{hint}")
    if x.layout != torch.strided:
        raise TypeError(f"{name}: expected a dense tensor, got {x.layout}. Convert it: x.to_dense().")
    return x


def image(
    x: Tensor, name: str = "image", *, data_range: float = 1.0, operator: bool = False, smallest: int = SMALLEST_SIDE
) -> Tensor:
    """Check that `x` is an image, (B, C, H, W) float in [0, data_range], and hand it back.

    Args:
        x: The tensor to check.
        name: What to call it in an error.
        data_range: The value of white.
        operator: True at the door of a linear operator, which also takes differences and noise.
        smallest: Pixels that each side must have.

    Returns:
        `x` itself.

    Raises:
        TypeError: `x` is not a tensor of float32 or float64.
        ValueError: wrong number of dimensions, an empty or one-pixel-wide image, NaN or infinity, wrong range.

    Example:
        >>> image(torch.full((1, 3, 8, 8), 128.0))
        Traceback (most recent call last):
        ...
        ValueError: image: values run from 128 to 128, expected 0 to 1. For 0..255 data divide by 255.
    """
    x = _tensor(x, name)
    if x.ndim != 4:
        hint = {2: " Add batch and channel: x[None, None].", 3: " Add the batch: x[None]."}.get(x.ndim, "")
        raise ValueError(f"{name}: expected shape (B, C, H, W), got {tuple(x.shape)}.{hint}")
    if x.numel() == 0:
        raise ValueError(f"{name}: the image is empty, its shape is {tuple(x.shape)}.")
    if min(x.shape[-2:]) < smallest:
        raise ValueError(
            f"{name}: {x.shape[-2]}x{x.shape[-1]} pixels are too few, at least {smallest}x{smallest} are needed."
        )
    low, high = (float(v) for v in torch.aminmax(x.detach()))
    if not (math.isfinite(low) and math.isfinite(high)):
        raise ValueError(f"{name}: contains NaN or infinite values.")
    slack = OPERATOR_LIMIT if operator else OVERSHOOT * data_range
    if low < -slack or high > data_range + slack:
        hint = " For 0..255 data divide by 255." if data_range == 1.0 else ""
        raise ValueError(f"{name}: values run from {low:.4g} to {high:.4g}, expected 0 to {data_range:g}.{hint}")
    return x


def photograph(x: Tensor, name: str = "image") -> Tensor:
    """Check that `x` is an image with one (grey) or three (RGB) channels, and hand it back.

    Raises:
        TypeError: as `image`.
        ValueError: as `image`, or another number of channels.

    Example:
        >>> photograph(torch.zeros(1, 2, 8, 8))
        Traceback (most recent call last):
        ...
        ValueError: image: expected 1 (grey) or 3 (RGB) channels, got 2.
    """
    image(x, name)
    if x.shape[1] not in (1, 3):
        raise ValueError(f"{name}: expected 1 (grey) or 3 (RGB) channels, got {x.shape[1]}.")
    return x


def kernel(k: Tensor, name: str = "kernel") -> Tensor:
    """Check that `k` is a point spread function, (B or 1, 1, h, w), odd, non-negative, sum 1, and hand it back.

    Raises:
        TypeError: `k` is not a tensor of float32 or float64.
        ValueError: wrong shape, even size, NaN, negative values, zero sum, sum other than one.

    Example:
        >>> kernel(torch.ones(1, 1, 3, 3))
        Traceback (most recent call last):
        ...
        ValueError: kernel: sums to 9, expected 1. Divide it by its sum: k / k.sum(dim=(-2, -1), keepdim=True).
    """
    k = _tensor(k, name)
    if k.ndim != 4 or k.shape[1] != 1:
        hint = {2: " Add batch and channel: k[None, None].", 3: " Add the channel: k[:, None]."}.get(k.ndim, "")
        raise ValueError(f"{name}: expected shape (B or 1, 1, h, w), got {tuple(k.shape)}.{hint}")
    if k.numel() == 0:
        raise ValueError(f"{name}: the kernel is empty, its shape is {tuple(k.shape)}.")
    h, w = k.shape[-2:]
    if h % 2 == 0 or w % 2 == 0:
        raise ValueError(
            f"{name}: its size {h}x{w} is even, so it has no centre pixel. Pad it with zeros to an odd size."
        )
    sums = k.detach().double().sum(dim=(-2, -1))
    if not bool(torch.isfinite(sums).all()):
        raise ValueError(f"{name}: contains NaN or infinite values.")
    if float(k.detach().min()) < -1e-5:
        raise ValueError(
            f"{name}: has negative values (smallest {float(k.detach().min()):.4g}); light cannot be negative. "
            "Clip it with k.clamp(min=0) and divide by its sum."
        )
    worst = float(sums.flatten()[(sums - 1).abs().argmax()])
    if worst == 0:
        raise ValueError(f"{name}: sums to 0, so it lets no light through; expected 1.")
    if abs(worst - 1) > SUM_TOLERANCE:
        raise ValueError(
            f"{name}: sums to {worst:.4g}, expected 1. Divide it by its sum: k / k.sum(dim=(-2, -1), keepdim=True)."
        )
    return k


def centred(k: Tensor, name: str = "kernel") -> None:
    """Warn where the centroid of a kernel lies more than a pixel from its centre: the restoration will be displaced.

    Example:
        >>> k = torch.zeros(1, 1, 7, 7)
        >>> k[..., 3, 5] = 1.0
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     centred(k)
        >>> str(caught[0].message)[:75]
        'kernel: its centroid lies 0.0 rows below and 2.0 columns right of its centr'
    """
    k = k.detach()
    down, right = [
        (k.sum(dim=(1, other)) * _from_centre(k.shape[axis], k)).sum(dim=-1) for axis, other in ((2, 3), (3, 2))
    ]
    distance = torch.hypot(down, right)
    worst = int(distance.argmax())
    if float(distance[worst]) > OFF_CENTRE:
        rows, columns = (round(float(d[worst]), 1) + 0.0 for d in (down, right))  # 0.0 takes the sign of -0.0 away
        warnings.warn(
            f"{name}: its centroid lies {rows:.1f} rows below and {columns:.1f} columns "
            "right of its centre, and the restoration is displaced by as much the other way. Centre the kernel, or "
            "align the restoration: deblurlib.metrics.align.",
            UserWarning,
            stacklevel=4,
        )


def _from_centre(n: int, like: Tensor) -> Tensor:
    return torch.arange(n, dtype=like.dtype, device=like.device) - n // 2


def saturated(x: Tensor, name: str = "blurred") -> None:
    """Warn where more than three hundredths of an image are at the end of its range: light was cut off there.

    Example:
        >>> with warnings.catch_warnings(record=True) as caught:
        ...     warnings.simplefilter("always")
        ...     saturated(torch.ones(1, 1, 4, 4))
        >>> str(caught[0].message)[:53]
        'blurred: 100.0 % of its pixels are saturated (at 1). '
    """
    x = x.detach()
    if not WHITE <= float(x.max()) <= 2 - WHITE:  # what goes beyond white was not cut off there
        return
    share = float(torch.count_nonzero(x >= WHITE)) / x.numel()
    if share > SATURATED:
        warnings.warn(
            f"{name}: {100 * share:.1f} % of its pixels are saturated (at 1). If light was cut off "
            "there, the blur is no longer a convolution, and the restoration rings round these pixels. "
            "deblurlib.deconvolution.richardson_lucy(..., saturated=True) allows for it.",
            UserWarning,
            stacklevel=4,
        )


def goes_with(x: Tensor, k: Tensor, name: str = "image") -> None:
    """Check that image `x` and kernel `k` can be computed with: batch sizes agree, same dtype, same device.

    Raises:
        TypeError: the dtypes differ.
        ValueError: the batch sizes do not agree, or the devices differ.
    """
    if k.shape[0] not in (1, x.shape[0]):
        hint = f" Repeat the image: {name}.expand({k.shape[0]}, -1, -1, -1)." if x.shape[0] == 1 else ""
        raise ValueError(f"kernel: a batch of {k.shape[0]} kernels cannot blur a batch of {x.shape[0]} images.{hint}")
    if k.dtype != x.dtype:
        raise TypeError(f"{name}: is {x.dtype}, the kernel {k.dtype}. Convert one: kernel.to({name}.dtype).")
    if k.device != x.device:
        raise ValueError(f"kernel: is on {k.device}, the image on {x.device}. Move one: kernel.to({name}.device).")


def fits(x: Tensor, k: Tensor, name: str = "image") -> None:
    """Check that kernel `k` can blur image `x`: they go together, and the kernel is no larger than the image.

    Raises:
        TypeError, ValueError: as `goes_with`; or the kernel is larger than the image.
    """
    goes_with(x, k, name)
    if k.shape[-2] > x.shape[-2] or k.shape[-1] > x.shape[-1]:
        raise ValueError(f"kernel: {k.shape[-2]}x{k.shape[-1]} is larger than the image, {x.shape[-2]}x{x.shape[-1]}.")


def pair(restored: Tensor, reference: Tensor, data_range: float) -> tuple[Tensor, Tensor]:
    """Check two images of one shape, dtype and range, as every full-reference metric takes them, and hand them back.

    Raises:
        TypeError, ValueError: as `image`; or the shapes, dtypes or devices differ.
    """
    number(data_range, "data_range", low=0, open_low=True)
    image(restored, "restored", data_range=data_range)
    image(reference, "reference", data_range=data_range)
    if restored.shape != reference.shape:
        raise ValueError(f"restored has shape {tuple(restored.shape)}, reference has {tuple(reference.shape)}.")
    if restored.dtype != reference.dtype or restored.device != reference.device:
        raise ValueError(
            f"restored is {restored.dtype} on {restored.device}, reference is {reference.dtype} on {reference.device}."
        )
    return restored, reference


def odd_size(size: int, name: str = "size") -> int:
    """Check that a kernel size is a positive odd integer, and hand it back as an int.

    Raises:
        TypeError: not an integer.
        ValueError: not positive, or even.

    Example:
        >>> odd_size(30)
        Traceback (most recent call last):
        ...
        ValueError: size: expected a positive odd number, got 30. The next odd size is 31.
    """
    if isinstance(size, bool) or not isinstance(size, Integral):  # NumPy's integers are integers, too
        raise TypeError(f"{name}: expected an integer, got {size!r}.")
    size = int(size)
    if size < 1 or size % 2 == 0:
        hint = f" The next odd size is {size + 1}." if size >= 1 else ""
        raise ValueError(f"{name}: expected a positive odd number, got {size}.{hint}")
    return size


def floating(dtype: torch.dtype, name: str = "dtype") -> torch.dtype:
    """Check that tensors of this type may be images and kernels, and hand it back.

    Raises:
        TypeError: it is neither float32 nor float64.

    Example:
        >>> floating(torch.int32)
        Traceback (most recent call last):
        ...
        TypeError: dtype: expected torch.float32 or torch.float64, got torch.int32.
    """
    if dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name}: expected torch.float32 or torch.float64, got {dtype}.")
    return dtype


def number(value: float, name: str, *, low: float, high: float = math.inf, open_low: bool = False) -> float:
    """Check that a setting is finite and in [low, high] (or (low, high] with `open_low`), and hand it back as a float.

    Raises:
        TypeError: not a number.
        ValueError: NaN, infinite, or out of range.

    Example:
        >>> number(-1.0, "weight", low=0, open_low=True)
        Traceback (most recent call last):
        ...
        ValueError: weight: expected a number above 0, got -1.0.
    """
    if not isinstance(value, Real):
        raise TypeError(f"{name}: expected a number, got {value!r}.")
    if not math.isfinite(value) or value > high or value < low or (open_low and value == low):
        bound = f"above {low:g}" if open_low else "that is finite" if math.isinf(low) else f"of at least {low:g}"
        top = "" if math.isinf(high) else f" and at most {high:g}"
        raise ValueError(f"{name}: expected a number {bound}{top}, got {value}.")
    return float(value)


def source(generator: torch.Generator | None, name: str = "generator") -> torch.Generator:
    """Check a source of random numbers, and hand it back; for None a fresh one on the CPU, seeded with 0.

    Raises:
        TypeError: not a torch.Generator.

    Example:
        >>> source(7)
        Traceback (most recent call last):
        ...
        TypeError: generator: expected a torch.Generator, got int. Make one: deblurlib.profile.seed(7).
    """
    if generator is None:
        return torch.Generator().manual_seed(0)
    if not isinstance(generator, torch.Generator):
        hint = f" Make one: deblurlib.profile.seed({generator})." if isinstance(generator, int) else ""
        raise TypeError(f"{name}: expected a torch.Generator, got {type(generator).__name__}.{hint}")
    return generator


def choice(value: str, name: str, options: Sequence[str]) -> str:
    """Check that `value` is one of `options`, and hand it back.

    Raises:
        ValueError: it is not; the message lists the options.

    Example:
        >>> choice("mirror", "boundary", ["wrap", "zero"])
        Traceback (most recent call last):
        ...
        ValueError: boundary: unknown 'mirror', expected one of wrap, zero.
    """
    if value not in options:
        raise ValueError(f"{name}: unknown {value!r}, expected one of {', '.join(options)}.")
    return value
