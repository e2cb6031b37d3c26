"""Sun, Cao, Xu, Ponce (2015): a network reads the motion of every patch, and a field of them is undone."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib import contracts
from deblurlib.blur.motions import motion_kernels
from deblurlib.deconvolution import sparse_varying
from deblurlib.networks import MotionClassifier, load_motion_classifier
from deblurlib.networks.motion_classifier import PATCH, STRIDE, deviation


@dataclass(frozen=True)
class MotionFieldSettings:
    """What the method may be told.

    Raises:
        ValueError: a setting out of range.
    """

    spread: float = 8.0  # pixels: Gaussian that weighs the patches round a place (our choice: about the paper's window)
    faint: float = 0.02  # patches of a smaller standard deviation tell nothing (our choice)
    smoothness: float = 0.01  # of the field, per square pixel of difference between neighbours (our choice)
    cut: float = 60.0  # square pixels from which on neighbours are simply different: motion may jump (our choice)
    sweeps: int = 20  # of mean field (our choice; the paper cuts graphs)
    region: int = 24  # side of the regions that have a kernel each, pixels (our choice)
    weight: float = 0.0068  # of the deconvolution's prior (Levin et al. 2009)
    iterations: int = 40  # of conjugate gradients in each of its three passes (our choice)

    def __post_init__(self) -> None:
        contracts.number(self.spread, "spread", low=0, open_low=True)
        contracts.number(self.faint, "faint", low=0)
        contracts.number(self.smoothness, "smoothness", low=0)
        contracts.number(self.cut, "cut", low=0)
        if self.sweeps < 0 or self.region < 1:
            raise ValueError(f"expected sweeps >= 0 and region >= 1, got {self.sweeps} and {self.region}.")


@dataclass(frozen=True)
class MotionField:
    """The motion at every pixel, and the photograph without it.

    Attributes:
        lengths: (B, 1, H, W), pixels; 1 where nothing moves.
        angles: (B, 1, H, W), degrees counter-clockwise, from 0 to below 180.
        confidence: (B, 1, H, W), the probability of that motion among all, in (0, 1].
        kernels: (B, R, S, h, w), of each region, as `FilterFlow` and `sparse_varying` take those of one picture.
        image: (B, C, H, W), the restoration, in [0, 1].
    """

    lengths: Tensor
    angles: Tensor
    confidence: Tensor
    kernels: Tensor
    image: Tensor


def motion_field(
    blurred: Tensor, *, settings: MotionFieldSettings | None = None, network: MotionClassifier | None = None
) -> MotionField:
    """Find the motion of every place, and undo it (Sun et al. 2015).

    A classifier says of each patch of 30 pixels which straight motion blurred it. Each place takes the mean of the
    log-probabilities of the patches round it, with Gaussian weights, c_p(m). The field is the one that minimises
    sum_p -c_p(m_p) + smoothness sum_pq min(|m_p - m_q|^2, cut), p and q neighbours; motions are
    vectors, and a vector and its opposite are one motion. `sparse_varying` then undoes the field's kernels.

    The paper also turns the picture, for angles between its six; here the angles are the network's.

    Args:
        blurred: (B, C, H, W) in [0, 1], C = 1 or 3, 32 pixels a side or more.
        settings: To change something.
        network: One that training made; None takes the one that ships.

    Returns:
        The field and the restoration.

    Raises:
        TypeError, ValueError: not a photograph, too few pixels, or a picture so flat that no patch shows a motion.

    Example:
        >>> from deblurlib import images
        >>> from deblurlib.blur import Blur, linear_motion
        >>> x = images.bundled("camera")[..., 100:228, 180:308]
        >>> found = motion_field(Blur(linear_motion(11, 90.0), "replicate")(x))
        >>> float(found.angles.median()), 7 <= float(found.lengths.median()) <= 15
        (90.0, True)
    """
    settings = settings or MotionFieldSettings()
    contracts.photograph(blurred, "blurred")
    network = network or load_motion_classifier().to(blurred.device)
    chances = motion_chances(blurred, network, settings)
    best = chances.argmax(dim=1, keepdim=True)
    motions = network.motions.to(blurred)
    lengths, angles = (_to_pixels(motions[:, i][best], blurred) for i in (0, 1))
    kernels = _region_kernels(_to_pixels(best, blurred)[:, 0], motions, settings.region)
    size = kernels.shape[-1]
    if min(blurred.shape[-2:]) < size:
        raise ValueError(f"blurred: {blurred.shape[-2]}x{blurred.shape[-1]} pixels are fewer than a kernel, {size}.")
    image = torch.cat(
        [
            sparse_varying(x[None], k, weight=settings.weight, iterations=settings.iterations)
            for x, k in zip(blurred, kernels, strict=True)
        ]
    )
    confidence = _to_pixels(chances.amax(dim=1, keepdim=True), blurred).to(blurred.dtype)
    return MotionField(lengths, angles, confidence, kernels, image)


@torch.inference_mode()
def motion_chances(blurred: Tensor, network: MotionClassifier, settings: MotionFieldSettings) -> Tensor:
    """The probability of each motion at every patch after smoothing: (B, C, H, W) to (B, K, rows, columns).

    Raises:
        ValueError: too few pixels, or a picture without a patch that shows anything.
    """
    height, width = blurred.shape[-2:]
    if min(height, width) < PATCH:
        raise ValueError(f"blurred: {height}x{width} pixels are fewer than a patch, {PATCH}x{PATCH}.")
    x = blurred.mean(dim=1, keepdim=True).float()
    lit = deviation(x) > settings.faint
    for i, some in enumerate(lit.flatten(1).any(dim=1).tolist()):
        if not some:
            raise ValueError(
                f"blurred: picture {i} is flat: none of its patches has a standard deviation above {settings.faint}, "
                "and where nothing is to be seen no motion is. Lower settings.faint if there is little noise."
            )
    evidence = network(x).log_softmax(dim=1) * lit
    return _smoothed(_weighed(evidence, lit, settings.spread), network.motions, settings)


def _weighed(evidence: Tensor, lit: Tensor, spread: float) -> Tensor:
    """The Gaussian-weighted mean of log-probabilities over the patches that show something; elsewhere it fades to 0."""
    sigma = spread / STRIDE
    reach = max(1, round(2 * sigma))
    t = torch.arange(-reach, reach + 1, dtype=evidence.dtype, device=evidence.device)
    g = torch.exp(-0.5 * (t / sigma) ** 2)
    window = torch.outer(g, g)[None, None]

    def total(u: Tensor) -> Tensor:
        return F.conv2d(u.flatten(0, 1)[:, None], window, padding=reach).reshape(u.shape)

    weight = total(lit.to(evidence.dtype))
    centre = float(window.max())  # one patch alone, at the place itself, is enough to be heard in full
    return total(evidence) / weight.clamp_min(centre)


def _smoothed(evidence: Tensor, motions: Tensor, settings: MotionFieldSettings) -> Tensor:
    """Mean field: q_p(m) ~ exp(c_p(m) - smoothness sum over neighbours q of E min(|m - m_q|^2, cut)), by turns."""
    angle = torch.deg2rad(motions[:, 1])
    vectors = (motions[:, :1] - 1) * torch.stack([torch.cos(angle), torch.sin(angle)], dim=1)
    apart = torch.minimum(torch.cdist(vectors, vectors), torch.cdist(vectors, -vectors)).square()
    apart = settings.smoothness * apart.clamp(max=settings.cut)
    q = evidence.softmax(dim=1)
    rows, columns = (torch.arange(n, device=q.device) for n in q.shape[-2:])
    black = (rows[:, None] + columns) % 2 == 0
    for sweep in range(2 * settings.sweeps):  # a chessboard: black and white places by turns, which cannot oscillate
        near = F.pad(q, (1, 1, 1, 1))
        near = near[..., :-2, 1:-1] + near[..., 2:, 1:-1] + near[..., 1:-1, :-2] + near[..., 1:-1, 2:]
        fresh = (evidence - torch.einsum("km,bmrs->bkrs", apart, near)).softmax(dim=1)
        q = torch.where(black if sweep % 2 == 0 else ~black, fresh, q)
    return q


def _to_pixels(grid: Tensor, like: Tensor) -> Tensor:
    """Every pixel takes the value of the patch whose middle is nearest: (B, 1, rows, columns) to (B, 1, H, W)."""
    for axis in (-2, -1):
        n, count = like.shape[axis], grid.shape[axis]
        at = torch.arange(n, device=grid.device) - (PATCH - 1) / 2
        grid = grid.index_select(axis, (at / STRIDE).round().long().clamp(0, count - 1))
    return grid


def _region_kernels(labels: Tensor, motions: Tensor, region: int) -> Tensor:
    """The mean kernel of each region, (B, H, W) to (B, R, S, h, w); regions reach half a kernel beyond the frame."""
    drawn = motion_kernels(motions.cpu().float()).to(motions)[:, 0]
    reach = drawn.shape[-1] // 2
    labels = F.pad(labels[:, None].double(), [reach] * 4, mode="replicate")[:, 0].long()
    rows, columns = (max(1, round(n / region)) for n in labels.shape[-2:])
    found = []
    for part in labels.tensor_split(rows, dim=-2):
        for cell in part.tensor_split(columns, dim=-1):
            shares = F.one_hot(cell.flatten(1), len(motions)).to(drawn).mean(dim=1)
            found.append(torch.einsum("bk,khw->bhw", shares, drawn))
    kernels = torch.stack(found, dim=1).reshape(len(labels), rows, columns, *drawn.shape[-2:])
    return kernels / kernels.sum(dim=(-2, -1), keepdim=True)
