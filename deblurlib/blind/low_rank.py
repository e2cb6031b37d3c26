"""Ren, Cao, Pan, Guo, Zuo, Yang (2016): patches that look alike, side by side, make a matrix of low rank."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blind.coarse_to_fine import Watch, coarse_to_fine
from deblurlib.blind.l0_gradient import EdgeRounds, L0GradientSettings
from deblurlib.blind.latent_steps import Periodic
from deblurlib.deconvolution.splitting import differences, differences_adjoint


@dataclass(frozen=True)
class LowRankSettings(L0GradientSettings):
    """Constants of `low_rank`: those of the loop of `l0_gradient`, which the authors share, and the following.

    The paper's own values were not at hand: 'WNNM' is Gu, Zhang, Zuo, Feng (2014), whose shrinkage the paper takes.
    """

    weight: float = 2e-3
    """Of the ranks in the first round (our choice)."""
    gradients: float = 1.0
    """The weight of the ranks of gradients over that of the ranks of values (our choice)."""
    ridge: float = 20.0
    """Of the kernel step (our choice, of 2 to 20, on Levin's photographs)."""
    rim: float = 0.5
    """As of `l0_gradient` (our choice)."""
    patch: int = 4
    """Side of a patch; the first patches of the groups tile the picture (WNNM: 6; our choice, of 3 to 7, for the
    coarse scales are small)."""
    alike: int = 6
    """Patches in a group (WNNM: 70; our choice, for speed)."""
    reach: int = 5
    """How far away a patch is looked for, in pixels (WNNM: 30; our choice)."""
    shrinkage: float = 8**0.5
    """Of the singular values (WNNM: 2 sqrt 2)."""
    growth: float = 5.0
    """Of the penalty of the splitting from step to step, from twice the weight on (our choice)."""
    steps: int = 5
    """Of the splitting (our choice)."""


def low_rank(
    blurred: Tensor,
    kernel_size: int,
    *,
    settings: LowRankSettings = LowRankSettings(),
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """Blind deconvolution with the enhanced low-rank prior (Ren et al. 2016).

        min over x, k of |k * x - y|^2 + weight sum_i (|X_i|_w + gradients |(grad x)_i|_w) + ridge |k|^2

    The columns of X_i are patches of x that look alike, those of (grad x)_i the gradients of the same patches, and
    |X|_w = sum_j w_j s_j is the weighted nuclear norm, in which a large singular value s_j weighs little: w_j is
    proportional to 1 / s_j. The step keeps strong edges, which return from patch to patch, and drops faint details. It
    is the step that helps and not the objective: groups of a blurred picture have a lower rank than those of the sharp
    one, as the tests show. Ours are the constants, the groups, which are found once at each scale, in the blurred
    picture, and the edges of `EdgeRounds` in the kernel step.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        kernel_size: Odd, at least 3.
        settings: The constants.
        watch: Called with a `Round` after each.

    Returns:
        The kernel (B, 1, kernel_size, kernel_size), and the last latent picture (B, 1, H, W).
    """
    rounds = EdgeRounds(settings, _LatentStep(settings))
    return coarse_to_fine(blurred, kernel_size, rounds, pyramid=settings.pyramid, watch=watch)


class _LatentStep:
    """`low_rank_step`, with the groups of a scale kept from round to round."""

    def __init__(self, settings: LowRankSettings) -> None:
        self.settings = settings
        self.y: Periodic | None = None

    def __call__(self, y: Periodic, kernel: Tensor, weight: float) -> Tensor:
        chosen = self.settings
        if y is not self.y:
            self.y, self.groups = y, similar_patches(y.picture, chosen.patch, chosen.alike, chosen.reach)
        return low_rank_step(y, kernel, weight, self.groups, chosen)


def low_rank_step(y: Periodic, kernel: Tensor, weight: float, groups: Tensor, settings: LowRankSettings) -> Tensor:
    """argmin_x |k * x - y|^2 + weight sum_i (|X_i|_w + gradients |(grad x)_i|_w), by splitting.

    Copies of x and of its gradients get the prior, and the penalty beta ties them to x, from twice the weight on.

    Args:
        y: The blurred picture.
        kernel: (B, 1, n, n).
        weight: Above 0.
        groups: Of `similar_patches`.
        settings: The constants.

    Returns:
        (B, 1, H', W'), of the size of the extended picture.
    """
    transfer = y.transfer(kernel)
    data = transfer.conj() * y.spectrum
    power = transfer.real.square() + transfer.imag.square()
    x, beta = y.picture, 2 * weight
    for _ in range(settings.steps):
        cut = settings.shrinkage * groups.shape[2] ** 0.5 * weight / beta
        values = low_rank_patches(x, groups, settings.patch, cut)
        slopes = differences(x)[:, :, 0].transpose(0, 1)
        slopes = low_rank_patches(slopes, groups, settings.patch, cut).transpose(0, 1)[:, :, None]
        tied = settings.gradients * beta
        pull = torch.fft.rfft2(beta * values + tied * differences_adjoint(slopes))
        x = torch.fft.irfft2((data + pull) / (power + beta + tied * y.gradient_power), s=y.shape)
        beta *= settings.growth
    return x


def similar_patches(x: Tensor, patch: int, count: int, reach: int) -> Tensor:
    """For each patch of a tiling, where those most like it are, itself among them.

    Args:
        x: (B, 1, H, W), periodic.
        patch: Side of a patch.
        count: Patches to find, at most (2 reach + 1)^2.
        reach: The corners of patches lie at most as far from each other, down and across.

    Returns:
        (B, R, count) int64: the corner of each patch, as h W + w.

    Raises:
        ValueError: x is smaller than a patch.

    Example:
        >>> x = torch.zeros(1, 1, 4, 8); x[..., 2:4] = x[..., 6:8] = 1.0
        >>> sorted(similar_patches(x, 4, 2, 4)[0, 0].tolist())[-1] % 8
        4
    """
    h, w = x.shape[-2:]
    if patch > min(h, w):
        raise ValueError(f"patch: {patch} is larger than the picture at this scale, {h}x{w}.")
    rows, columns = -(-h // patch), -(-w // patch)
    side = 2 * reach + 1
    count = min(count, side**2)
    distances = []
    for shift in range(side**2):
        there = x.roll((reach - shift // side, reach - shift % side), dims=(-2, -1))
        wide = F.pad((there - x).square(), (0, columns * patch - w, 0, rows * patch - h), mode="circular")
        distances.append(F.avg_pool2d(wide, patch).flatten(1))
    distance = torch.stack(distances, dim=2)
    distance[..., side**2 // 2] = -1.0  # a patch is in its own group, so that each pixel is in some group
    found = distance.topk(count, dim=2, largest=False).indices
    down = torch.arange(rows, device=x.device).repeat_interleave(columns).view(1, -1, 1) * patch
    across = torch.arange(columns, device=x.device).repeat(rows).view(1, -1, 1) * patch
    return (down + found // side - reach) % h * w + (across + found % side - reach) % w


def low_rank_patches(x: Tensor, groups: Tensor, patch: int, cut: float) -> Tensor:
    """Shrink the singular values of each group of patches, and average over the patches that cover a pixel.

    Args:
        x: (B, C, H, W), periodic; the channels of a patch stand below each other.
        groups: (B, R, m), of `similar_patches`.
        patch: Side of a patch.
        cut: C of `shrink`.

    Returns:
        (B, C, H, W).
    """
    b, _, h, w = x.shape
    over = patch - 1
    patches = F.unfold(F.pad(x, (0, over, 0, over), mode="circular"), patch).mT.reshape(b * h * w, -1)
    first = torch.arange(b, device=x.device).view(-1, 1, 1) * (h * w)
    places = (groups + first).flatten()
    matrices = patches[places].view(-1, groups.shape[2], patches.shape[1])
    lowered = (shrink(matrices @ matrices.mT, cut) @ matrices).view(places.shape[0], -1)
    total = torch.zeros_like(patches).index_add_(0, places, lowered)
    times = torch.zeros_like(patches[:, 0]).index_add_(0, places, torch.ones_like(lowered[:, 0]))

    def gathered(rows: Tensor) -> Tensor:
        wide = F.fold(rows.view(b, h * w, -1).mT, (h + over, w + over), patch)
        tall = wide[..., :h, :] + F.pad(wide[..., h:, :], (0, 0, 0, h - over))
        return tall[..., :w] + F.pad(tall[..., w:], (0, w - over))

    return gathered(total) / gathered(times[:, None].expand(-1, patch**2))


def shrink(gram: Tensor, cut: float) -> Tensor:
    """What turns matrices M into those with weighted and shrunk singular values, from M M^T.

    A singular value q becomes the larger solution of s = q - C / s, (q + sqrt(q^2 - 4 C)) / 2, and 0 where there is
    none: the proximal step of the weighted nuclear norm with w = C / s (Gu, Zhang, Zuo, Feng 2014, their epsilon 0).

    Args:
        gram: (..., m, m), M M^T of matrices (..., m, n).
        cut: C, above 0.

    Returns:
        (..., m, m): U diag(s / q) U^T, to be multiplied by M.

    Example:
        >>> m = torch.tensor([[3.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
        >>> (shrink(m @ m.mT, 2.0) @ m).round(decimals=4).tolist()
        [[2.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    """
    squares, vectors = torch.linalg.eigh(gram)
    left = 1 - 4 * cut / squares.clamp_min(4 * cut)
    part = torch.where(squares > 4 * cut, (1 + left.sqrt()) / 2, 0.0)
    shrunk: Tensor = vectors * part[..., None, :] @ vectors.mT
    return shrunk
