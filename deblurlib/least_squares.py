"""The kernel from a sharp and a blurred picture: least squares between their gradients.

Between gradients, not between intensities: with intensities the same loop fails on nearly every picture of Levin's.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def autocorrelation(sharp: Tensor, size: int) -> Tensor:
    """The sum over maps and pixels of l(p) l(p + t), circular, for all lags |t| < size: (B, 1, 2 size - 1, 2 size - 1).

    Args:
        sharp: (B, M, H, W), M maps, such as two gradients.
        size: Of the kernel.
    """
    shape = _room(sharp, size)
    return _with_itself(torch.fft.rfft2(sharp, s=shape), shape, size)


def crosscorrelation(sharp: Tensor, blurred: Tensor, size: int) -> Tensor:
    """The sum over maps and pixels of l(p) b(p + t), circular, for |t| <= size // 2: (B, 1, size, size)."""
    shape = _room(sharp, size)
    return _with_another(torch.fft.rfft2(sharp, s=shape), blurred, shape, size)


def _with_itself(spectrum: Tensor, shape: tuple[int, int], size: int) -> Tensor:
    return lags(spectrum.abs().square().sum(dim=1, keepdim=True), shape, size - 1)


def _with_another(spectrum: Tensor, blurred: Tensor, shape: tuple[int, int], size: int) -> Tensor:
    product = spectrum.conj() * torch.fft.rfft2(blurred, s=shape)
    return lags(product.sum(dim=1, keepdim=True), shape, size // 2)


def _room(x: Tensor, size: int) -> tuple[int, int]:
    """The size of the maps; zeros are added where they are too small for the lags of a kernel."""
    return max(x.shape[-2], 2 * size - 1), max(x.shape[-1], 2 * size - 1)


def lags(spectrum: Tensor, shape: tuple[int, int], reach: int) -> Tensor:
    """The lags |t| <= reach of a circular correlation, zero in the middle, from its half spectrum; float64."""
    whole: Tensor = torch.fft.irfft2(spectrum, s=shape)
    n = 2 * reach + 1
    return whole.roll((reach, reach), dims=(-2, -1))[..., :n, :n].double()


def toeplitz(correlation: Tensor) -> Callable[[Tensor], Tensor]:
    """The map v -> A v with A(s, t) = correlation(t - s), for kernels of half the size, exact in one small FFT.

    The least squares of a kernel need the pictures only through `autocorrelation` and `crosscorrelation`, so that an
    iteration costs the same for any picture.
    """
    n = correlation.shape[-1]
    size = (n + 1) // 2
    spectrum = torch.fft.rfft2(correlation.roll((1 - size, 1 - size), dims=(-2, -1)))

    def apply(v: Tensor) -> Tensor:
        y: Tensor = torch.fft.irfft2(torch.fft.rfft2(v, s=(n, n)) * spectrum, s=(n, n))
        return y[..., :size, :size]

    return apply


def ridge(
    sharp: Tensor,
    blurred: Tensor,
    size: int,
    *,
    weight: float | Tensor,
    iterations: int = 20,
    tolerance: float = 1e-5,
    start: Tensor | None = None,
) -> Tensor:
    """argmin_k sum_i |l_i * k - b_i|^2 + weight |k|^2 on the kernel's support, by conjugate gradients.

    Args:
        sharp: (B, M, H, W), maps of the sharp picture.
        blurred: (B, M, H, W), the same maps of the blurred one.
        size: Odd, of the kernel.
        weight: Of the ridge, at least 0; (B, 1, size, size) for one of its own at each pixel.
        iterations: At most (Pan et al. 2014, released code: 20).
        tolerance: A kernel whose residual has become this small against the right-hand side stays (released code).
        start: (B, 1, size, size); equal values without one.

    Returns:
        (B, 1, size, size), as it comes: values below 0, and any sum.

    Example:
        >>> from deblurlib.blur import Blur, gaussian
        >>> x = torch.randn(1, 2, 40, 40, generator=torch.Generator().manual_seed(0))
        >>> k = gaussian(5, 1.0)
        >>> found = ridge(x, Blur(k)(x), 7, weight=0.0)
        >>> bool((found[..., 1:-1, 1:-1] - k).abs().max() < 1e-3)
        True
    """
    shape = _room(sharp, size)
    spectrum = torch.fft.rfft2(sharp, s=shape)
    normal = toeplitz(_with_itself(spectrum, shape, size))
    target = _with_another(spectrum, blurred, shape, size)
    first = torch.full_like(target, 1 / size**2) if start is None else start.double()
    solved = conjugate_gradients(
        lambda v: normal(v) + weight * v, target, first, iterations=iterations, tolerance=tolerance
    )
    return solved.to(sharp.dtype)


def ridges(sharp: Tensor, blurred: Tensor, size: int, weights: Sequence[float], *, iterations: int) -> Tensor:
    """`ridge` for several weights at once, from one pair of correlations: (B, len(weights), size, size).

    Args:
        sharp: (B, M, H, W), maps of the sharp picture.
        blurred: (B, M, H, W), the same maps of the blurred one.
        size: Odd, of the kernels.
        weights: Of the ridges, in parts of the energy of `sharp`, sum_i |l_i|^2.
        iterations: Of conjugate gradients.

    Example:
        >>> from deblurlib.blur import Blur, gaussian
        >>> x = torch.randn(1, 2, 64, 64, generator=torch.Generator().manual_seed(0))
        >>> found = ridges(x, Blur(gaussian(5, 1.0))(x), 7, (0.1, 1.0, 10.0), iterations=40)
        >>> found.double().sum(dim=(-2, -1)).round(decimals=1).tolist()
        [[0.9, 0.5, 0.1]]
    """
    shape, count = _room(sharp, size), len(weights)
    spectrum = torch.fft.rfft2(sharp, s=shape)
    normal = toeplitz(_with_itself(spectrum, shape, size).repeat_interleave(count, dim=0))
    target = _with_another(spectrum, blurred, shape, size).repeat_interleave(count, dim=0)
    energy = sharp.double().square().sum(dim=(1, 2, 3))
    weight = torch.stack([w * energy for w in weights], dim=1).view(-1, 1, 1, 1)
    first = torch.full_like(target, 1 / size**2)
    found = conjugate_gradients(lambda v: normal(v) + weight * v, target, first, iterations=iterations, tolerance=1e-5)
    return found.to(sharp.dtype).view(-1, count, size, size)


def conjugate_gradients(
    normal: Callable[[Tensor], Tensor],
    target: Tensor,
    x: Tensor,
    *,
    iterations: int,
    tolerance: float = 0.0,
    apart: int = 1,
) -> Tensor:
    """Solve normal(x) = target, (B, ...), each of the batch with its own step lengths; no look at the host.

    One that has reached the tolerance stays as it is. With `apart=2` each channel of each has its own, too.
    """
    axes = tuple(range(apart, target.ndim))
    tiny = torch.finfo(target.dtype).tiny

    def dot(a: Tensor, b: Tensor) -> Tensor:
        return (a * b).sum(dim=axes, keepdim=True)

    r = target - normal(x)
    direction, power = r, dot(r, r)
    goal = tolerance**2 * dot(target, target)
    for _ in range(iterations):
        image = normal(direction)
        step = torch.where(power > goal, power / dot(direction, image).clamp_min(tiny), 0.0)
        x = x + step * direction
        r = r - step * image
        fresh = dot(r, r)
        direction = r + fresh / power.clamp_min(tiny) * direction
        power = fresh
    return x
