"""Half-quadratic splitting: one engine for every prior, which differ in their proximal step alone."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from deblurlib import contracts
from deblurlib.blur.operator import transfer_function
from deblurlib.deconvolution.boundary import finish, periodic, prepare

DOMAINS = ("gradient", "image")
"""What a prior is about: the differences between neighbours (D x), or the picture itself (x)."""

WHOLE = 2**24
"""Above this many values the channels are restored one after another, to keep the memory small (our choice)."""

BLOCK = 2**19
"""Values that the step of a prior on gradients gets at once: no array but the picture's own is large (our choice)."""


class Prior(Protocol):
    """What the engine asks of a prior: what it is about, and its proximal step.

    `prior(v, penalty)` returns argmin_w R(w) + penalty |w - v|^2, R with its weight included. For the domain
    'gradient', v is (2, B, C, H, W): the vertical differences, then the horizontal ones, wrapped. For 'image', it is
    the picture, (B, C, H, W). A denoiser is a prior, too: penalty = weight sigma^2 / strength^2 (Zhang et al. 2017).
    """

    @property
    def domain(self) -> str:
        """One of `DOMAINS`."""

    @property
    def joint(self) -> bool:
        """Whether the step looks at all channels together; otherwise each channel may come alone."""

    def __call__(self, v: Tensor, penalty: float) -> Tensor:
        """The proximal step; of gradients pixel by pixel, because a large picture comes in blocks of rows."""


@dataclass(frozen=True)
class Step:
    """One round of the engine, as callbacks and histories get it."""

    iteration: int
    """From 1."""
    penalty: float
    """Of this round."""
    image: Tensor
    """(B, C, H, W), the estimate after the round, not clipped."""
    residual: Tensor
    """(B,), the mean of (k * x - y)^2 over the photograph and its extension."""
    change: Tensor
    """(B,), the mean of |x_new - x_old|."""


def half_quadratic_splitting(
    blurred: Tensor,
    kernel: Tensor,
    prior: Prior,
    penalties: Sequence[float],
    *,
    boundary: str = "extend",
    clip: bool = True,
    start: Tensor | None = None,
    end_on_prior: bool = False,
    callback: Callable[[Step], None] | None = None,
    history: list[Step] | None = None,
) -> Tensor:
    """Minimise |k * x - y|^2 + R(D x) by half-quadratic splitting (Geman & Yang 1995; Krishnan & Fergus 2009).

    A copy w of D x gets the prior, and a growing penalty |w - D x|^2 ties the two. Each round takes the proximal step
    w = argmin R(w) + penalty |w - D x|^2, pixel by pixel, and then solves for x in one division of spectra,
    X = (conj(K) Y + penalty conj(D) W) / (|K|^2 + penalty |D|^2). D are the differences between neighbours, or
    nothing at all for a prior on the picture.

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        prior: The proximal step and its domain.
        penalties: One for each round, above 0, as a rule growing.
        boundary: 'extend' for a photograph, 'wrap' for an image made by `Blur(kernel, "wrap")`.
        clip: Whether to clip the result to [0, 1].
        start: The first x, (B, C, H, W); the blurred image itself without one.
        end_on_prior: For the domain 'image': whether to return the prior's last copy instead of the last solution.
        callback: Called with a `Step` after each round.
        history: A list that each `Step` is appended to.

    Returns:
        (B, C, H, W). Where a round brings NaN or infinity, the engine stops with a RuntimeWarning that says why, and
        returns the last finite estimate.

    Raises:
        TypeError, ValueError: a broken contract, no penalties or one of 0 or less, an unknown domain.

    Example:
        >>> from deblurlib.blur import Blur, gaussian
        >>> from deblurlib.deconvolution.priors import TotalVariation
        >>> x = torch.zeros(1, 1, 32, 32)
        >>> x[..., 12:20, 12:20] = 1.0
        >>> k = gaussian(7, 1.5)
        >>> y = Blur(k)(x)
        >>> restored = half_quadratic_splitting(y, k, TotalVariation(1e-3), [1e-3, 1e-2, 1e-1], boundary="wrap")
        >>> bool((restored - x).abs().mean() < 0.5 * (y - x).abs().mean())
        True
    """
    contracts.choice(prior.domain, "prior.domain", DOMAINS)
    steps = [contracts.number(p, "penalties", low=0, open_low=True) for p in penalties]
    if not steps:
        raise ValueError("penalties: expected one number for each round, got none.")
    if end_on_prior and prior.domain != "image":
        raise ValueError("end_on_prior: a prior on gradients has no picture to return.")
    y = prepare(blurred, kernel, boundary)
    x = y
    if start is not None:
        contracts.image(start, "start")
        if start.shape != blurred.shape or start.dtype != blurred.dtype or start.device != blurred.device:
            raise ValueError(
                f"start: is {tuple(start.shape)} of {start.dtype} on {start.device}, "
                f"the blurred image {tuple(blurred.shape)} of {blurred.dtype} on {blurred.device}."
            )
        x = periodic(start, kernel, boundary)
    watched = callback is not None or history is not None
    transfer = transfer_function(kernel, (y.shape[-2], y.shape[-1]))
    if watched or prior.joint or y.numel() <= WHOLE:

        def tell(step: Step) -> None:
            if history is not None:
                history.append(step)
            if callback is not None:
                callback(step)

        size = (blurred.shape[-2], blurred.shape[-1])
        x = _rounds(x, y, transfer, prior, steps, end_on_prior, tell if watched else None, size)
        return finish(x, blurred, clip=clip)
    channels = [
        _rounds(x[:, c : c + 1], y[:, c : c + 1], transfer, prior, steps, end_on_prior, None, (0, 0))
        for c in range(y.shape[1])
    ]
    return torch.cat([finish(c, blurred, clip=clip) for c in channels], dim=1)


def _rounds(
    x: Tensor,
    y: Tensor,
    transfer: Tensor,
    prior: Prior,
    penalties: list[float],
    end_on_prior: bool,
    tell: Callable[[Step], None] | None,
    size: tuple[int, int],
) -> Tensor:
    """The rounds of the engine on a periodic image."""
    shape = (y.shape[-2], y.shape[-1])
    spectrum = torch.fft.rfft2(y)
    data = transfer.conj() * spectrum
    power = transfer.real.square() + transfer.imag.square()
    gradient = prior.domain == "gradient"
    coupling = gradient_power(shape, y) if gradient else torch.ones((), dtype=y.dtype, device=y.device)
    for iteration, penalty in enumerate(penalties, start=1):
        pull = _pull(x, prior, penalty) if gradient else prior(x, penalty)
        solution = (data + penalty * torch.fft.rfft2(pull)) / (power + penalty * coupling)
        updated = torch.fft.irfft2(solution, s=shape)
        last = end_on_prior and iteration == len(penalties)
        if last:
            updated = prior(updated, penalty)
        if not bool(torch.isfinite(updated.detach().sum())):
            warnings.warn(
                f"Splitting stopped in round {iteration} (penalty {penalty:.3g}): the estimate is not finite. "
                + ("The prior's step returned NaN or infinity" if not _finite(pull) else "The division overflowed")
                + f"; this is the estimate of round {iteration - 1}.",
                RuntimeWarning,
                stacklevel=4,
            )
            break
        if tell is not None:
            residual = torch.fft.irfft2(solution * transfer - spectrum, s=shape).square().mean(dim=(1, 2, 3))
            change = (updated - x).abs().mean(dim=(1, 2, 3))
            tell(Step(iteration, penalty, updated[..., : size[0], : size[1]], residual, change))
        x = updated
    return x


def _pull(x: Tensor, prior: Prior, penalty: float) -> Tensor:
    """D^T w, w the prior's copy of D x, by blocks of rows, which the processor's cache holds: (B, C, H, W)."""
    height = x.shape[-2]
    rows = max(1, BLOCK * height // x.numel())
    if rows >= height:
        return differences_adjoint(prior(differences(x), penalty))
    wide = torch.cat([x[..., -1:, :], x, x[..., :1, :]], dim=-2)
    parts = []
    for top in range(0, height, rows):
        block = wide[..., top : top + rows + 2, :]  # a row more above, for D^T, and below, for D
        here = block[..., :-1, :]
        down, across = prior(torch.stack([block[..., 1:, :] - here, here.roll(-1, -1) - here]), penalty)
        across = across[..., 1:, :]
        parts.append(down[..., :-1, :] - down[..., 1:, :] + across.roll(1, -1) - across)
    return torch.cat(parts, dim=-2)


def _finite(x: Tensor) -> bool:
    return bool(torch.isfinite(x.detach()).all())


def differences(x: Tensor) -> Tensor:
    """D x, the wrapped differences between neighbours: (B, C, H, W) -> (2, B, C, H, W), vertical, horizontal.

    Example:
        >>> differences(torch.tensor([[[[0.0, 1.0, 3.0]]]]))[1].flatten().tolist()
        [1.0, 2.0, -3.0]
    """
    return torch.stack([x.roll(-1, -2) - x, x.roll(-1, -1) - x])


def differences_adjoint(w: Tensor) -> Tensor:
    """The adjoint of `differences`: (2, B, C, H, W) -> (B, C, H, W)."""
    return w[0].roll(1, -2) - w[0] + w[1].roll(1, -1) - w[1]


def gradient_power(shape: tuple[int, int], like: Tensor) -> Tensor:
    """|D|^2, the power gain of `differences` at each frequency of an image of this shape: (H, W // 2 + 1)."""
    rows = torch.fft.fftfreq(shape[0], dtype=like.dtype, device=like.device)[:, None]
    columns = torch.fft.rfftfreq(shape[1], dtype=like.dtype, device=like.device)
    return 4 - 2 * torch.cos(2 * torch.pi * rows) - 2 * torch.cos(2 * torch.pi * columns)
