"""Deconvolution with learned help: a denoiser as the prior, and networks that are told the kernel."""

import dataclasses
from collections.abc import Callable

import torch
from torch import Tensor

from deblurlib import contracts
from deblurlib.deconvolution.boundary import BOUNDARIES, finish, prepare
from deblurlib.deconvolution.direct import wiener
from deblurlib.deconvolution.frame import explained_extension
from deblurlib.deconvolution.splitting import Step, half_quadratic_splitting
from deblurlib.networks.deconvolver import Deconvolver, KernelCNN
from deblurlib.networks.denoiser import TRAINED_TO, Denoiser
from deblurlib.networks.pretrained import load_known_kernel
from deblurlib.networks.tiling import tiled

Denoise = Callable[[Tensor, float], Tensor]
"""A picture (B, C, H, W) and the standard deviation of its noise -> the picture without it."""

ROUNDS = 8
"""Of plug-and-play (DPIR, Zhang et al. 2021)."""

STRONGEST = 49 / 255
"""The strength of the denoiser in the first round (IRCNN and DPIR)."""

WEIGHT = 0.6
"""Of the denoiser against the photograph (our choice, for the denoiser that ships; DPIR: 0.23, for a larger one)."""

BELIEFS = (1.0, 1 / 3, 3.0)
"""By how much the three Wiener filters that a deconvolver sees over- or understate the noise (our choice)."""


class DenoiserPrior:
    """A denoiser in the place of a proximal step: penalty = weight noise^2 / strength^2 (Zhang et al. 2017, eq. 8).

    Args:
        denoiser: Takes a picture and a standard deviation.
        noise: Standard deviation of the noise in the photograph.
        weight: Of the prior; lambda of Zhang et al. (2021).
    """

    domain = "image"
    joint = True

    def __init__(self, denoiser: Denoise, noise: float, weight: float) -> None:
        self.denoiser, self.noise, self.weight = denoiser, noise, weight

    def __call__(self, v: Tensor, penalty: float) -> Tensor:
        """The picture, denoised by the strength that belongs to the penalty."""
        return self.denoiser(v, self.noise * (self.weight / penalty) ** 0.5)

    def penalty(self, strength: float) -> float:
        """The penalty that belongs to a strength of the denoiser."""
        return self.weight * (self.noise / strength) ** 2


def strengths(noise: float, rounds: int, strongest: float = STRONGEST) -> list[float]:
    """The strengths of the denoiser, from `strongest` down to the noise in equal factors (Zhang et al. 2017).

    Example:
        >>> [round(255 * s, 1) for s in strengths(0.01, 4, 49 / 255)]
        [49.0, 18.3, 6.8, 2.6]
    """
    last = min(noise, strongest)
    if rounds == 1:
        return [last]
    return [strongest * (last / strongest) ** (i / (rounds - 1)) for i in range(rounds)]


def plug_and_play(
    blurred: Tensor,
    kernel: Tensor,
    *,
    noise: float = 0.01,
    denoiser: Denoise | None = None,
    rounds: int = ROUNDS,
    strongest: float = STRONGEST,
    weight: float = WEIGHT,
    boundary: str = "extend",
    clip: bool = True,
    callback: Callable[[Step], None] | None = None,
    history: list[Step] | None = None,
) -> Tensor:
    """Plug-and-play: half-quadratic splitting whose proximal step is a denoiser (Zhang et al. 2017, 2021).

    argmin_x |k * x - y|^2 + R(x), where nobody writes R down. The engine's two steps are the division of spectra,
    X = (conj(K) Y + p Z) / (|K|^2 + p), and Z = denoise(x, s) with p = weight noise^2 / s^2. The strength s falls
    from `strongest` to the noise. The frame is continued by `explained_extension` (our choice), because a denoiser
    cannot tell the ripples of a frame from a picture.

    Args:
        blurred: (B, C, H, W) in [0, 1], C = 1 or 3; any C with a denoiser of your own.
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        noise: Standard deviation of the noise, above 0 and at most 1. Rather too much than too little: a fifth too
            little costs half a decibel, two thirds too little the picture.
        denoiser: A function of a picture and a standard deviation; None takes the network that ships.
        rounds: At least 1 (DPIR: 8).
        strongest: Strength of the denoiser in the first round.
        weight: Of the prior: larger is smoother.
        boundary: 'extend' for a photograph, 'wrap' for an image made by `Blur(kernel, "wrap")`.
        clip: Whether to clip the result to [0, 1].
        callback: Called with a `Step` after each round.
        history: A list that each `Step` is appended to.

    Returns:
        (B, C, H, W).

    Raises:
        TypeError, ValueError: a broken contract, a number out of range, a denoiser that changes the shape.

    Example:
        >>> from deblurlib.blur import Blur, gaussian
        >>> x = torch.zeros(1, 1, 32, 32)
        >>> x[..., 12:20, 12:20] = 0.9
        >>> k = gaussian(7, 1.5)
        >>> y = Blur(k)(x)
        >>> bool((plug_and_play(y, k, boundary="wrap") - x).abs().mean() < 0.5 * (y - x).abs().mean())
        True
    """
    contracts.number(noise, "noise", low=0, high=1, open_low=True)
    contracts.number(strongest, "strongest", low=0, high=1, open_low=True)
    contracts.number(weight, "weight", low=0, open_low=True)
    if isinstance(rounds, bool) or not isinstance(rounds, int) or rounds < 1:
        raise ValueError(f"rounds: expected an integer of at least 1, got {rounds!r}.")
    if denoiser is None:
        contracts.photograph(blurred, "blurred")
        denoiser = shipped_denoiser(blurred.device)
    prior = DenoiserPrior(_checked(denoiser), noise, weight)
    contracts.choice(boundary, "boundary", BOUNDARIES)
    y = explained_extension(blurred, kernel, noise=noise) if boundary == "extend" else blurred

    def tell(step: Step) -> None:
        step = dataclasses.replace(step, image=step.image[..., : blurred.shape[-2], : blurred.shape[-1]])
        if history is not None:
            history.append(step)
        if callback is not None:
            callback(step)

    restored = half_quadratic_splitting(
        y,
        kernel,
        prior,
        [prior.penalty(s) for s in strengths(noise, rounds, strongest)],
        boundary="wrap",
        clip=clip,
        end_on_prior=True,
        callback=tell if history is not None or callback is not None else None,
    )
    return restored[..., : blurred.shape[-2], : blurred.shape[-1]].contiguous()


def shipped_denoiser(device: torch.device | str = "cpu") -> Denoise:
    """The denoiser that ships with the package, as a function of a picture and a standard deviation.

    Args:
        device: Where it runs.

    Returns:
        (B, 1 or 3, H, W) of any size and float dtype, and a number -> the same shape and dtype. It takes strengths
        up to 50 / 255, and treats stronger noise as if it were so strong.

    Example:
        >>> x = torch.full((1, 1, 40, 40), 0.5)
        >>> noisy = x + 0.1 * torch.randn(x.shape, generator=torch.Generator().manual_seed(0))
        >>> bool((shipped_denoiser()(noisy, 0.1) - x).std() < 0.02)
        True
    """
    network = load_known_kernel("denoiser", Denoiser).to(device)

    def denoise(x: Tensor, sigma: float) -> Tensor:
        level = min(sigma, TRAINED_TO)
        return tiled(lambda part: network(part, level), x.float()).to(x.dtype)

    return denoise


def _checked(denoiser: Denoise) -> Denoise:
    def checked(x: Tensor, sigma: float) -> Tensor:
        result = denoiser(x, sigma)
        if not isinstance(result, Tensor) or result.shape != x.shape or result.dtype != x.dtype:
            got = f"{tuple(result.shape)} of {result.dtype}" if isinstance(result, Tensor) else type(result).__name__
            raise ValueError(f"denoiser: expected {tuple(x.shape)} of {x.dtype} back, got {got}.")
        return result

    return checked


def wiener_estimates(blurred: Tensor, kernel: Tensor, noise: float, *, boundary: str = "extend") -> Tensor:
    """What a deconvolver sees: three Wiener filters, and the photograph: (B, C, H, W) -> (B, 4, C, H, W)."""
    filters = [
        wiener(blurred, kernel, noise=min(1.0, factor * noise), boundary=boundary, clip=False) for factor in BELIEFS
    ]
    return torch.stack([*filters, blurred], dim=1)


def deep_deconvolution(
    blurred: Tensor,
    kernel: Tensor,
    *,
    noise: float = 0.01,
    network: Deconvolver | None = None,
    boundary: str = "extend",
    clip: bool = True,
) -> Tensor:
    """A network for every kernel: Wiener filters, corrected in one pass (Wang & Tao 2018, in small).

    Args:
        blurred: (B, C, H, W) in [0, 1], C = 1 or 3.
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1; the network that ships has seen shakes of up to 28 pixels.
        noise: Standard deviation of the noise, above 0 and at most 1; the network that ships has seen up to 0.03.
        network: One that training made; None takes the one that ships.
        boundary: 'extend' for a photograph, 'wrap' for an image made by `Blur(kernel, "wrap")`.
        clip: Whether to clip the result to [0, 1].

    Returns:
        (B, C, H, W).

    Raises:
        TypeError, ValueError: a broken contract, a network of another kind.

    Example:
        >>> from deblurlib.blur import Blur, delta
        >>> x = torch.rand(1, 3, 20, 21, generator=torch.Generator().manual_seed(0))
        >>> restored = deep_deconvolution(x, delta(5), network=Deconvolver())  # untrained: the Wiener filter
        >>> bool(torch.allclose(restored, wiener(x, delta(5)), atol=1e-6))
        True
    """
    contracts.photograph(blurred, "blurred")
    contracts.number(noise, "noise", low=0, high=1, open_low=True)
    if network is None:
        network = load_known_kernel("deep_deconvolution", Deconvolver).to(blurred.device)
    elif not isinstance(network, Deconvolver):
        raise TypeError(f"network: expected a Deconvolver, got {type(network).__name__}.")
    estimates = wiener_estimates(blurred, kernel, noise, boundary=boundary).float()
    whole = tiled(lambda part: _packed(network, part, noise), estimates.flatten(1, 2))
    return finish(whole[:, : blurred.shape[1]].to(blurred.dtype), blurred, clip=clip)


def _packed(network: Deconvolver, part: Tensor, noise: float) -> Tensor:
    """The network on (B, 4 C, h, w), its answer repeated so that as many channels go out as come in."""
    sharp: Tensor = network(part.reshape(len(part), 4, -1, *part.shape[-2:]), noise)
    return sharp.repeat(1, 4, 1, 1)


def deconvolution_cnn(
    blurred: Tensor,
    kernel: Tensor,
    *,
    noise: float = 0.01,
    network: KernelCNN | None = None,
    boundary: str = "extend",
    clip: bool = True,
) -> Tensor:
    """A network for one kernel, whose first layers are the singular vectors of its pseudo-inverse (Xu et al. 2014).

    Args:
        blurred: (B, C, H, W) in [0, 1].
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        noise: Standard deviation of the noise, above 0 and at most 1; without a network it decides the pseudo-inverse.
        network: One that training made for this one kernel; None builds one untrained for each kernel, which is a
            truncated, separable Wiener filter.
        boundary: 'extend' for a photograph, 'wrap' for an image made by `Blur(kernel, "wrap")`.
        clip: Whether to clip the result to [0, 1].

    Returns:
        (B, C, H, W).

    Raises:
        TypeError, ValueError: a broken contract, a network of another kind or for another kernel.

    Example:
        >>> from deblurlib.blur import Blur, gaussian
        >>> x = torch.zeros(1, 1, 64, 64)
        >>> x[..., 24:40, 24:40] = 0.9
        >>> k = gaussian(7, 1.2)
        >>> y = Blur(k)(x)
        >>> bool((deconvolution_cnn(y, k, boundary="wrap") - x).abs().mean() < 0.9 * (y - x).abs().mean())
        True
    """
    contracts.number(noise, "noise", low=0, high=1, open_low=True)
    y = prepare(blurred, kernel, boundary)
    if network is None and len(kernel) > 1:
        each = [
            deconvolution_cnn(blurred[i : i + 1], kernel[i : i + 1], noise=noise, boundary=boundary, clip=clip)
            for i in range(len(kernel))
        ]
        return torch.cat(each)
    if len(kernel) != 1:
        raise ValueError(f"kernel: a network is for one kernel, got a batch of {len(kernel)}.")
    if network is None:
        with torch.random.fork_rng(devices=[]):  # what is drawn meets zeros, and leaves the global generator alone
            network = KernelCNN(kernel, noise=noise)
    elif not isinstance(network, KernelCNN):
        raise TypeError(f"network: expected a KernelCNN, got {type(network).__name__}.")
    elif network.kernel.shape != kernel.shape or not torch.allclose(
        network.kernel.to(kernel), kernel, atol=1e-3 * float(kernel.max())
    ):
        raise ValueError("network: was made for another kernel; train one for this kernel.")
    network = network.to(blurred.device)
    planes = y.float().flatten(0, 1)[:, None]
    with torch.set_grad_enabled(torch.is_grad_enabled() and blurred.requires_grad):
        sharp = network(planes)
    return finish(sharp.reshape(y.shape).to(y.dtype), blurred, clip=clip)
