"""What to do at the frame: an FFT believes that the image repeats, and a photograph does not."""

import torch
from torch import Tensor

from deblurlib import contracts
from deblurlib.blur.circular import fast_length
from deblurlib.blur.operator import Blur

BOUNDARIES = ("extend", "wrap")
"""'extend': the photograph is cut out of a larger world. 'wrap': it repeats, as `Blur(kernel, "wrap")` makes it."""


def smooth_extension(x: Tensor, margin: tuple[int, int]) -> Tensor:
    """Continue an image to the right and below so that it wraps round without a jump (Liu & Jia 2008).

    The new strip is the smoothest surface between the borders that it must meet: it solves Laplace's equation with
    the facing borders of the image as boundary values, by a sine transform, in O(N log N).

    Args:
        x: (B, C, H, W).
        margin: Rows and columns to add, at least; the result has sizes that an FFT likes.

    Returns:
        (B, C, H', W') whose top-left H x W part is `x`.

    Raises:
        TypeError, ValueError: `x` is not an image, or a negative margin.

    Example:
        >>> x = torch.rand(1, 1, 30, 40, generator=torch.Generator().manual_seed(0))
        >>> wide = smooth_extension(x, (8, 8))
        >>> wide.shape, bool((wide[..., :30, :40] == x).all())
        (torch.Size([1, 1, 40, 48]), True)
    """
    contracts.image(x)
    if min(margin) < 0:
        raise ValueError(f"margin: expected two numbers of at least 0, got {margin}.")
    return wrapped(x, margin)


def wrapped(x: Tensor, margin: tuple[int, int]) -> Tensor:
    """What `smooth_extension` returns, of an image that has been checked: no look at its values."""
    height, width = x.shape[-2:]
    tall, wide = fast_length(height + max(2, margin[0])), fast_length(width + max(2, margin[1]))
    # Below: between the last row and the first one, which follows it when the image wraps.
    below = _between(x[..., -1:, :], x[..., :1, :], tall - height)
    left = torch.cat([x, below], dim=-2)
    # To the right: the same for the columns of the image and of the strip below it.
    right = _between(left[..., -1:].transpose(-1, -2), left[..., :1].transpose(-1, -2), wide - width, periodic=True)
    return torch.cat([left, right.transpose(-1, -2)], dim=-1)


def _between(before: Tensor, after: Tensor, rows: int, *, periodic: bool = False) -> Tensor:
    """Fill `rows` rows between two rows (B, C, 1, W): harmonic inside, the ends of each row linear (or wrapped)."""
    t = torch.linspace(0, 1, rows + 2, dtype=before.dtype, device=before.device)[1:-1, None]
    linear = (1 - t) * before + t * after
    if periodic:
        return _harmonic_periodic(before, after, rows)
    return _harmonic(before, after, linear[..., :1], linear[..., -1:])


def _harmonic(top: Tensor, bottom: Tensor, left: Tensor, right: Tensor) -> Tensor:
    """Solve Laplace's equation on a rectangle with the given values round it; its outer columns are left and right."""
    rows, columns = left.shape[-2], top.shape[-1]
    inner = columns - 2
    if inner < 1:
        return torch.cat([left, right], dim=-1)[..., :columns]
    # The five-point Laplacian: known neighbours go to the right-hand side.
    known = torch.zeros(*top.shape[:-2], rows, inner, dtype=top.dtype, device=top.device)
    known[..., :1, :] -= top[..., 1:-1]
    known[..., -1:, :] -= bottom[..., 1:-1]
    known[..., :, :1] -= left
    known[..., :, -1:] -= right
    i = torch.arange(1, rows + 1, dtype=top.dtype, device=top.device)[:, None]
    j = torch.arange(1, inner + 1, dtype=top.dtype, device=top.device)
    eigenvalues = 2 * torch.cos(torch.pi * i / (rows + 1)) + 2 * torch.cos(torch.pi * j / (inner + 1)) - 4
    spectrum = _sine_transform(_sine_transform(known, -1), -2) / eigenvalues
    scale = 4 / ((rows + 1) * (inner + 1))
    return torch.cat([left, scale * _sine_transform(_sine_transform(spectrum, -1), -2), right], dim=-1)


def _harmonic_periodic(top: Tensor, bottom: Tensor, rows: int) -> Tensor:
    """Solve Laplace's equation between two rows that wrap round: one decaying exponential for each frequency."""
    columns = top.shape[-1]
    known = torch.zeros(*top.shape[:-2], rows, columns, dtype=top.dtype, device=top.device)
    known[..., :1, :] -= top
    known[..., -1:, :] -= bottom
    i = torch.arange(1, rows + 1, dtype=top.dtype, device=top.device)[:, None]
    j = torch.arange(columns // 2 + 1, dtype=top.dtype, device=top.device)
    eigenvalues = 2 * torch.cos(torch.pi * i / (rows + 1)) + 2 * torch.cos(2 * torch.pi * j / columns) - 4
    spectrum = torch.fft.rfft(_sine_transform(known, -2), dim=-1) / eigenvalues
    return 2 / (rows + 1) * _sine_transform(torch.fft.irfft(spectrum, n=columns, dim=-1), -2)


def _sine_transform(x: Tensor, dim: int) -> Tensor:
    """The type-I discrete sine transform of one axis, X_k = sum_n x_n sin(pi n k / (N + 1)), by an odd extension."""
    n = x.shape[dim]
    zero = torch.zeros_like(x.narrow(dim, 0, 1))
    odd = torch.cat([zero, x, zero, -x.flip(dim)], dim=dim)
    spectrum: Tensor = torch.fft.rfft(odd, dim=dim)
    return -0.5 * spectrum.imag.narrow(dim, 1, n)


def edge_taper(x: Tensor, kernel: Tensor) -> Tensor:
    """Fade the rim of an image into its wrapped blur, so that it wraps round without a jump.

    y <- w x + (1 - w) (k * x), w one inside and falling to zero at the frame over half a kernel.

    Args:
        x: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w).

    Returns:
        (B, C, H, W).

    Raises:
        TypeError, ValueError: as `Blur`.

    Example:
        >>> edge_taper(torch.ones(1, 1, 16, 16), torch.full((1, 1, 3, 3), 1 / 9)).mean().item()
        1.0
    """
    contracts.image(x)
    blurred = Blur(kernel, "wrap")(x)
    weights = [_ramp(n, k, x) for n, k in zip(x.shape[-2:], kernel.shape[-2:], strict=True)]
    w = weights[0][:, None] * weights[1]
    return w * x + (1 - w) * blurred


def _ramp(n: int, k: int, like: Tensor) -> Tensor:
    distance = torch.arange(n, dtype=like.dtype, device=like.device)
    distance = torch.minimum(distance, n - 1 - distance)
    return torch.sin(0.5 * torch.pi * (distance / max(1, k // 2)).clamp(max=1)).square()


def prepare(blurred: Tensor, kernel: Tensor, boundary: str) -> Tensor:
    """Check the inputs of a deconvolution, and make its image periodic.

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w).
        boundary: 'extend' or 'wrap'.

    Returns:
        `blurred` itself for 'wrap', else its smooth extension by twice a kernel's size. Warns of a kernel that is off
        its centre, and of a saturated image.

    Raises:
        TypeError, ValueError: a broken contract, or an unknown boundary.
    """
    contracts.image(blurred, "blurred")
    contracts.fits(blurred, contracts.kernel(kernel), "blurred")
    contracts.choice(boundary, "boundary", BOUNDARIES)
    contracts.centred(kernel)
    contracts.saturated(blurred)
    return periodic(blurred, kernel, boundary)


def periodic(x: Tensor, kernel: Tensor, boundary: str) -> Tensor:
    """`x` itself for 'wrap', else its smooth extension by twice a kernel's size: what an FFT may believe to repeat."""
    if boundary == "wrap":
        return x
    return smooth_extension(x, (2 * kernel.shape[-2] - 2, 2 * kernel.shape[-1] - 2))  # one kernel's size rings


def finish(x: Tensor, like: Tensor, *, clip: bool) -> Tensor:
    """Cut a restoration back to the size of the photograph, and clip it to [0, 1] if asked.

    Raises:
        FloatingPointError: the restoration contains NaN or infinite values.
    """
    x = x[..., : like.shape[-2], : like.shape[-1]]
    if not bool(torch.isfinite(x.detach()).all()):
        raise FloatingPointError("The restoration is not finite: the kernel erases frequencies that were divided by.")
    return x.clamp(0, 1) if clip else x
