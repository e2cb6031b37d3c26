"""Deconvolution in one division: the inverse filter and its two repairs."""

import torch
from torch import Tensor

from deblurlib import contracts
from deblurlib.blur.operator import transfer_function
from deblurlib.deconvolution.boundary import finish, prepare

PRIORS = ("natural", "flat")


def inverse_filter(
    blurred: Tensor, kernel: Tensor, *, floor: float = 0.0, boundary: str = "wrap", clip: bool = True
) -> Tensor:
    """Divide by the transfer function, X = Y / K.

    Exact where nothing but the blur happened to the image; any noise is divided by K as well, and explodes where K is
    small.

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        floor: Frequencies with |K| at or below it are set to zero instead of divided (the pseudo-inverse); at 0 only
            those that the kernel erases altogether.
        boundary: 'wrap' undoes `Blur(kernel, "wrap")`; 'extend' first continues the photograph smoothly.
        clip: Whether to clip the result to [0, 1].

    Returns:
        (B, C, H, W).

    Raises:
        TypeError, ValueError: a broken contract.
        FloatingPointError: the result is not finite.

    Example:
        >>> from deblurlib.blur import Blur, gaussian
        >>> x = torch.rand(1, 1, 32, 32, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> k = gaussian(5, 0.8, dtype=torch.float64)
        >>> bool((inverse_filter(Blur(k)(x), k) - x).abs().max() < 1e-10)
        True
    """
    contracts.number(floor, "floor", low=0, high=1)
    y = prepare(blurred, kernel, boundary)
    shape = (y.shape[-2], y.shape[-1])
    transfer = transfer_function(kernel, shape)
    keep = transfer.abs() > floor
    spectrum = torch.where(keep, torch.fft.rfft2(y) / torch.where(keep, transfer, 1), 0)
    return finish(torch.fft.irfft2(spectrum, s=shape), blurred, clip=clip)


def wiener(
    blurred: Tensor,
    kernel: Tensor,
    *,
    noise: float = 0.01,
    prior: str = "natural",
    signal: Tensor | None = None,
    boundary: str = "extend",
    clip: bool = True,
) -> Tensor:
    """The Wiener filter, X = conj(K) Y / (|K|^2 + N / S): the linear filter of least mean squared error.

    N = noise^2 is the power of the noise at each frequency, S that of sharp photographs. 'natural': S falls with the
    square of the frequency, as it does in photographs (Field 1987); 'flat': it is the same at every frequency. Either
    is scaled by `signal_power`, as a rule to the photograph at hand. The mean, frequency zero, is kept as it is.

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        noise: Standard deviation of the noise in units of the range, above 0 and at most 1.
        prior: 'natural' or 'flat'.
        signal: (B or 1, C or 1, 1, 1) above 0, from `signal_power` of another photograph, or of the whole of which
            `blurred` is a part; without it, of `blurred` itself.
        boundary: 'extend' for a photograph, 'wrap' for an image made by `Blur(kernel, "wrap")`.
        clip: Whether to clip the result to [0, 1].

    Returns:
        (B, C, H, W).

    Raises:
        TypeError, ValueError: a broken contract, noise out of range, an unknown prior, a signal of another shape.

    Example:
        >>> from deblurlib.blur import Blur, gaussian
        >>> x = torch.zeros(1, 1, 32, 32)
        >>> x[..., 12:20, 12:20] = 1.0
        >>> k = gaussian(7, 1.5)
        >>> y = Blur(k)(x)
        >>> bool((wiener(y, k, noise=0.001) - x).abs().mean() < 0.5 * (y - x).abs().mean())
        True
    """
    contracts.number(noise, "noise", low=0, high=1, open_low=True)
    contracts.choice(prior, "prior", PRIORS)
    y = prepare(blurred, kernel, boundary)
    shape = (y.shape[-2], y.shape[-1])
    spectrum, transfer = torch.fft.rfft2(y), transfer_function(kernel, shape)
    if signal is None:
        signal = _heard(spectrum, transfer, shape, noise, prior)
    else:
        _goes_with(signal, blurred)
    penalty = noise**2 / (signal * _prior_power(shape, y, prior))
    penalty[..., 0, 0] = 0  # the mean is kept
    return _regularized(spectrum, transfer, penalty, blurred, shape, clip=clip)


def signal_power(
    blurred: Tensor, kernel: Tensor, *, noise: float = 0.01, prior: str = "natural", boundary: str = "extend"
) -> Tensor:
    """By how much `wiener` has to scale its prior: the power of the sharp photograph, judged by the blurred one.

    The scaled prior, blurred, has the gradients that the photograph has above its noise, channel by channel (our
    choice). A pixel counts as one unit of area, so that the number also suits a part of the photograph.

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        noise: As for `wiener`.
        prior: As for `wiener`.
        boundary: As for `wiener`.

    Returns:
        (B, C, 1, 1), above 0: S is this number divided by the square of the frequency in cycles a pixel ('natural'),
        or this number ('flat').

    Raises:
        TypeError, ValueError: as `wiener`.

    Example:
        >>> from deblurlib import images
        >>> from deblurlib.blur import gaussian
        >>> y, k = images.bundled("camera"), gaussian(5, 1.0)
        >>> bool(torch.equal(wiener(y, k, signal=signal_power(y, k)), wiener(y, k)))
        True
    """
    contracts.number(noise, "noise", low=0, high=1, open_low=True)
    contracts.choice(prior, "prior", PRIORS)
    contracts.image(blurred, "blurred")
    powers = []
    for c in range(blurred.shape[1]):  # one channel after the other: a spectrum is twice as large as its picture
        y = prepare(blurred[:, c : c + 1], kernel, boundary)
        shape = (y.shape[-2], y.shape[-1])
        powers.append(_heard(torch.fft.rfft2(y), transfer_function(kernel, shape), shape, noise, prior))
    return torch.cat(powers, dim=1)


def _heard(spectrum: Tensor, transfer: Tensor, shape: tuple[int, int], noise: float, prior: str) -> Tensor:
    """What `signal_power` measures, from a spectrum: (B, C, 1, 1)."""
    passed = transfer.abs().square()
    weight = _gradient_power(*_frequencies(shape, passed)) * passed  # listens where the signal is louder than the noise
    pixels = shape[0] * shape[1]
    total = (weight * spectrum.abs().square()).sum(dim=(-2, -1), keepdim=True)
    noisy = noise**2 * pixels * weight.sum(dim=(-2, -1), keepdim=True)
    above = torch.maximum(total - noisy, 0.1 * total).clamp_min(1e-12)  # overstated noise must not erase the signal
    expected = (weight * passed * _prior_power(shape, passed, prior)).sum(dim=(-2, -1), keepdim=True)
    return above / (pixels * expected.clamp_min(1e-12))  # a kernel may pass nothing but the mean


def _prior_power(shape: tuple[int, int], like: Tensor, prior: str) -> Tensor:
    """S of a sharp photograph, unscaled, at each frequency: (H, W // 2 + 1)."""
    rows, columns = _frequencies(shape, like)
    if prior == "flat":
        return torch.ones_like(rows * columns)
    return 1 / (rows.square() + columns.square()).clamp_min(1 / max(shape) ** 2)


def _goes_with(signal: Tensor, blurred: Tensor) -> None:
    """Check the scale of a prior."""
    if not isinstance(signal, Tensor):
        raise TypeError(f"signal: expected a torch.Tensor, got {type(signal).__name__}. It comes from signal_power.")
    fits = signal.ndim == 4 and all(n in (1, m) for n, m in zip(signal.shape, (*blurred.shape[:2], 1, 1), strict=True))
    if not fits or signal.dtype != blurred.dtype or signal.device != blurred.device:
        raise ValueError(
            f"signal: is {tuple(signal.shape)} of {signal.dtype} on {signal.device}, expected "
            f"{(*blurred.shape[:2], 1, 1)} of {blurred.dtype} on {blurred.device}."
        )
    if not bool((signal > 0).all() & signal.isfinite().all()):
        raise ValueError(f"signal: expected finite numbers above 0, got {float(signal.min())} at the least.")


def tikhonov(
    blurred: Tensor, kernel: Tensor, *, weight: float = 1e-2, boundary: str = "extend", clip: bool = True
) -> Tensor:
    """Tikhonov's regularisation, argmin_x |k * x - y|^2 + weight |grad x|^2, in closed form.

    X = conj(K) Y / (|K|^2 + weight (|D_x|^2 + |D_y|^2)) with D the transfer functions of the differences between
    neighbours.

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        weight: Of the squared gradient, above 0: larger is smoother.
        boundary: 'extend' for a photograph, 'wrap' for an image made by `Blur(kernel, "wrap")`.
        clip: Whether to clip the result to [0, 1].

    Returns:
        (B, C, H, W).

    Raises:
        TypeError, ValueError: a broken contract, or a weight of 0 or less.

    Example:
        >>> from deblurlib.blur import delta
        >>> x = torch.full((1, 1, 16, 16), 0.25)
        >>> round(tikhonov(x, delta(3), weight=1.0).max().item(), 6)
        0.25
    """
    contracts.number(weight, "weight", low=0, open_low=True)
    y = prepare(blurred, kernel, boundary)
    shape = (y.shape[-2], y.shape[-1])
    penalty = weight * _gradient_power(*_frequencies(shape, y))
    penalty[..., 0, 0] = 0  # exactly, however large the weight
    return _regularized(torch.fft.rfft2(y), transfer_function(kernel, shape), penalty, blurred, shape, clip=clip)


def _regularized(
    spectrum: Tensor, transfer: Tensor, penalty: Tensor, like: Tensor, shape: tuple[int, int], *, clip: bool
) -> Tensor:
    """conj(K) Y / (|K|^2 + penalty), cut back to the photograph."""
    smallest = torch.finfo(penalty.dtype).tiny  # where kernel and penalty both vanish, so does the numerator
    weight = (transfer.abs().square() + penalty).clamp_min(smallest).reciprocal()
    restored = transfer.conj() * spectrum * weight
    return finish(torch.fft.irfft2(restored, s=shape), like, clip=clip)


def _frequencies(shape: tuple[int, int], like: Tensor) -> tuple[Tensor, Tensor]:
    """Vertical (H, 1) and horizontal (W // 2 + 1,) frequencies in cycles a pixel."""
    rows = torch.fft.fftfreq(shape[0], dtype=like.dtype, device=like.device)[:, None]
    columns = torch.fft.rfftfreq(shape[1], dtype=like.dtype, device=like.device)
    return rows, columns


def _gradient_power(rows: Tensor, columns: Tensor) -> Tensor:
    """|D_x|^2 + |D_y|^2, the power gain of the differences between neighbours at each frequency."""
    return 4 - 2 * torch.cos(2 * torch.pi * rows) - 2 * torch.cos(2 * torch.pi * columns)
