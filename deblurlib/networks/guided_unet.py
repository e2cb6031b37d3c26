"""A generator that finds the kernel on its way: a restoration shows the kernel, the kernel a better restoration."""

import contextlib
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deblurlib.least_squares import ridges
from deblurlib.networks.conditioned_unet import ConditionedUNet
from deblurlib.networks.kernel_refiner import KernelRefiner
from deblurlib.networks.residual_unet import ResidualUNet

FRAME = 35
"""Side of the kernels that it looks for, pixels."""

WINDOW = 384
"""Side of the part of a large picture that the kernel is looked for in, pixels (our choice)."""

STRIDE = 32
"""Pixels between the windows that are compared (our choice)."""

SMALLEST = 24
"""Pixels a side below which no kernel is looked for, and a point is taken (our choice)."""

RIM = 3
"""Pixels at the frame that the kernel is not seen by (our choice)."""

WEIGHTS = (0.1, 1.0, 10.0)
"""Of the three ridges, in parts of the gradients' energy (our choice)."""

ITERATIONS = 30
"""Of conjugate gradients (our choice)."""

NOISE = (0.002, 0.015)
"""Standard deviations: an estimate below or above counts as the nearer one (our choice)."""

BELIEFS = (1.0, 1 / 9, 9.0)
"""Of the three Wiener filters: the power of the noise that each believes in, in parts of the estimate (our choice)."""

DETAIL, COARSEST = 2e-4, 0.01
"""The power of photographs at a frequency of f cycles a pixel counts as DETAIL / (f^2 + COARSEST^2) (our choice)."""

TRUST = 1.4
"""What the deconvolution is trusted with before training: a logistic function makes 0.8 of it (our choice)."""

LUMA = (0.299, 0.587, 0.114)
"""Weights of red, green and blue in the grey picture (Rec. 601)."""


class GuidedUNet(nn.Module):
    """A generator, the kernel that its restoration gives away, and a deconvolution: after Schuler et al. (2016).

    A residual U-Net restores what it can. Least squares between the gradients of its restoration and of the picture
    give a kernel, and a `KernelRefiner` corrects it. Three Wiener filters with that kernel, the picture and the first
    restoration go to a second network, which corrects the first filter, as a `Deconvolver` does, and says for each
    pixel how far this is to be trusted: the rest is the first restoration's. Where no single kernel blurred the
    picture, the filters ring, and there is something to fall back on.

    Args:
        width: Channels of the first U-Net at half the resolution.
        levels: Of the first, as for `ResidualUNet`.
        blocks: Of the first, as for `ResidualUNet`.
        widths: Channels of the second network at a half, a quarter and an eighth of the resolution.

    Shape:
        (B, 3, H, W) in [0, 1] to the same shape, for any H and W. Each picture has one kernel, of up to 35 pixels,
        looked for in the part of 384 pixels a side that has the most edges.

    Example:
        >>> network = GuidedUNet(6, 1, 1, widths=(4, 6, 8))
        >>> x = torch.rand(1, 3, 40, 50)
        >>> network(x).shape
        torch.Size([1, 3, 40, 50])
        >>> kernel, noise = network.find(x)
        >>> kernel.shape, noise.shape
        (torch.Size([1, 1, 35, 35]), torch.Size([1]))
    """

    def __init__(
        self, width: int = 40, levels: int = 2, blocks: int = 2, *, widths: tuple[int, int, int] = (32, 64, 96)
    ) -> None:
        super().__init__()
        self.settings = {"width": width, "levels": levels, "blocks": blocks, "widths": list(widths)}
        self.first = ResidualUNet(width, levels, blocks)
        self.refiner = KernelRefiner()
        self.second = ConditionedUNet(3 * (len(BELIEFS) + 2), 1, 4, widths, (2, 1, 1))
        self.local = True  # once the kernel is found
        self.reach = max(self.first.reach, self.second.reach)

    def forward(self, x: Tensor) -> Tensor:
        """Restore a batch of images."""
        if max(x.shape[-2:]) > WINDOW:
            return self.restore(x, *self.find(x))
        restored, noise = self.first(x), noise_level(x)
        return self.deconvolve(x, restored, self.look(restored, x, noise), noise)

    def find(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Each image's kernel, (B, 1, 35, 35), non-negative, sum 1, placed as `restore` needs it; its noise, (B,)."""
        seen = most_edges(x, WINDOW)
        noise = noise_level(seen)
        return self.look(self.first(seen), seen, noise), noise

    def look(self, restored: Tensor, blurred: Tensor, noise: Tensor) -> Tensor:
        """The kernel between a restoration and the picture; a point, where a picture is too small to tell."""
        if min(blurred.shape[-2:]) < SMALLEST:
            return unit_light(blurred.new_zeros(len(blurred), 1, FRAME, FRAME))
        with in_full(restored.device):
            return self.refined(candidates(restored, blurred), noise)

    def refined(self, ridges: Tensor, noise: Tensor) -> Tensor:
        """What the refiner makes of ridges, (B, 3, h, w), on the mean over turns and mirrors: (B, 1, h, w)."""
        kernel = torch.zeros_like(ridges[:, :1])
        for seen, back in ((ridges, False), (ridges.flip(-1), True)):
            for turns in range(4):
                found = unit_light(self.refiner(seen.rot90(turns, (-2, -1)), noise)).rot90(-turns, (-2, -1))
                kernel = kernel + (found.flip(-1) if back else found) / 8
        return kernel

    def restore(self, x: Tensor, kernel: Tensor, noise: Tensor) -> Tensor:
        """Restore images whose kernels and noise are known."""
        return self.deconvolve(x, self.first(x), kernel, noise)

    def deconvolve(self, x: Tensor, restored: Tensor, kernel: Tensor, noise: Tensor) -> Tensor:
        """Wiener filters of images whose first restorations are known, too, and what comes of both."""
        corrected, trust = self.judge(wiener_filters(x, kernel, noise), x, restored, noise)
        return torch.lerp(restored, corrected, trust)

    def judge(self, filters: Tensor, x: Tensor, restored: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The first filter, corrected, (B, 3, H, W), and how far each of its pixels is to be trusted, (B, 1, H, W)."""
        said = self.second(torch.cat([filters, x, restored], dim=1), noise)
        return filters[:, :3] + said[:, :3], torch.sigmoid(TRUST + said[:, 3:])


def candidates(restored: Tensor, blurred: Tensor) -> Tensor:
    """The kernels of three ridges between a restoration and the picture: (B, 3, 35, 35), as they come."""
    return ridges(edges(precise(restored)), edges(precise(blurred)), FRAME, WEIGHTS, iterations=ITERATIONS)


def in_full(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """No half precision; on the meta device, where nothing is computed, nothing to do."""
    return contextlib.nullcontext() if device.type == "meta" else torch.autocast(device.type, enabled=False)


def precise(x: Tensor) -> Tensor:
    """In float32 at least: the half precision of autocast ends where spectra begin."""
    return x if x.dtype == torch.float64 else x.float()


def edges(x: Tensor) -> Tensor:
    """Differences of the grey picture, across and down, without its rim: (B, 3, H, W) -> (B, 2, H - 7, W - 7)."""
    red, green, blue = (x[:, c : c + 1, RIM:-RIM, RIM:-RIM] for c in range(3))
    grey = LUMA[0] * red + LUMA[1] * green + LUMA[2] * blue
    corner = grey[..., :-1, :-1]
    return torch.cat([grey[..., :-1, 1:] - corner, grey[..., 1:, :-1] - corner], dim=1)


def noise_level(x: Tensor) -> Tensor:
    """Standard deviation of white noise, judged by second differences both ways: (B,), within `NOISE`.

    Of noise alone they have 6 times its deviation, and 0.6745 of that is the median of their size (after Immerkær
    1996, who takes the mean). Blur has taken nearly all else that fine.

    Example:
        >>> x = 0.5 + 0.01 * torch.randn(1, 3, 200, 200, generator=torch.Generator().manual_seed(0))
        >>> round(float(noise_level(x)), 3)
        0.01
    """
    x = precise(x)
    if min(x.shape[-2:]) < 3:
        return x.new_full((len(x),), NOISE[0])
    finest = x.diff(n=2, dim=-1).diff(n=2, dim=-2).abs().flatten(1)
    return (finest.median(dim=1).values / (6 * 0.6745)).clamp(*NOISE)


def unit_light(kernel: Tensor) -> Tensor:
    """Clip to non-negative values, and divide by the sum; what has no light becomes a point at the centre."""
    h, w = kernel.shape[-2:]
    kernel = kernel.clamp_min(0)
    point = torch.zeros_like(kernel)
    point[..., h // 2, w // 2] = 1e-8
    kernel = kernel + point
    return kernel / kernel.sum(dim=(-2, -1), keepdim=True)


def wiener_filters(x: Tensor, kernel: Tensor, noise: Tensor) -> Tensor:
    """Wiener filters that believe in the noise as told, in less, and in more: (B, C, H, W) -> (B, 3 C, H, W).

    X = conj(K) Y / (|K|^2 + b N / S) for b in `BELIEFS`, N the power of the noise, S that of photographs.
    """
    with in_full(x.device):  # a division of spectra needs its digits
        (height, width), (h, w) = x.shape[-2:], kernel.shape[-2:]
        wide = periodic(precise(x), max(h, w) + 5)
        rows, columns = wide.shape[-2:]
        y = torch.fft.rfft2(wide)
        padded = F.pad(precise(kernel), (0, columns - w, 0, rows - h)).roll((-(h // 2), -(w // 2)), dims=(-2, -1))
        transfer = torch.fft.rfft2(padded)
        down = torch.fft.fftfreq(rows, dtype=wide.dtype, device=x.device)[:, None]
        across = torch.fft.rfftfreq(columns, dtype=wide.dtype, device=x.device)[None]
        doubt = (down.square() + across.square() + COARSEST**2) / DETAIL * noise.square().view(-1, 1, 1, 1)
        passed, matched = transfer.abs().square(), transfer.conj() * y
        filters = [torch.fft.irfft2(matched / (passed + b * doubt), s=(rows, columns)) for b in BELIEFS]
        return torch.cat(filters, dim=1)[..., :height, :width]


def periodic(x: Tensor, margin: int) -> Tensor:
    """Go on to the right and below for at least a margin, so that the picture can repeat: one reflection fades into
    the other. Sides become multiples of 32, which transforms like.

    Example:
        >>> periodic(torch.rand(1, 1, 40, 60), 20).shape
        torch.Size([1, 1, 64, 96])
    """
    for dim in (-2, -1):
        n = x.shape[dim]
        count = margin + -(n + margin) % 32
        steps = torch.arange(count, device=x.device)
        shape = (-1, 1) if dim == -2 else (-1,)
        fade = ((steps + 0.5) / count).view(shape).to(x.dtype)
        before = x.index_select(dim, (n - 2 - steps).clamp_min(0))
        after = x.index_select(dim, (count - steps).clamp_max(n - 1))
        x = torch.cat([x, torch.lerp(before, after, fade)], dim=dim)
    return x


def most_edges(x: Tensor, side: int) -> Tensor:
    """Of each image the part with the strongest gradients, up to `side` pixels a side: (B, C, h, w).

    Example:
        >>> x = torch.zeros(1, 3, 60, 100)
        >>> x[..., 90] = 1
        >>> most_edges(x, 32)[0, 0, 0].nonzero().tolist()
        [[26]]
    """
    height, width = min(side, x.shape[-2]), min(side, x.shape[-1])
    if (height, width) == x.shape[-2:]:
        return x
    strength = edges(x).abs().clamp(max=0.1).sum(dim=1, keepdim=True)
    strength = F.pad(strength, (RIM, RIM + 1, RIM, RIM + 1))
    worth = F.avg_pool2d(strength, (height, width), stride=STRIDE)
    best = worth.flatten(1).argmax(dim=1).tolist()
    across = worth.shape[-1]
    tops, lefts = [i // across * STRIDE for i in best], [i % across * STRIDE for i in best]
    cuts = [x[i : i + 1, :, t : t + height, s : s + width] for i, (t, s) in enumerate(zip(tops, lefts, strict=True))]
    return torch.cat(cuts)
