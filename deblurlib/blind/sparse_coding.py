"""Zhang, Yang, Zhang, Huang (2011): each patch of a sharp picture is made of a few atoms of a dictionary."""

import functools
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from deblurlib.blind.coarse_to_fine import Watch, coarse_to_fine
from deblurlib.blind.l0_gradient import EdgeRounds, L0GradientSettings
from deblurlib.blind.latent_steps import Periodic

SHIPPED = Path(__file__).with_name("patch_dictionary.safetensors")

BLOCK = 2**13
"""Patches of a picture that are coded at once: few enough for the cache of a processor (our choice)."""


@dataclass(frozen=True)
class SparseCodingSettings(L0GradientSettings):
    """Constants of `sparse_coding`: those of `l0_gradient`, of which `weight` and `least` mean another prior here.

    The paper's own constants are not at hand: all of these are our choice, made on four of Levin's photographs.
    """

    weight: float = 0.2
    """Of the number of atoms in the first round: an atom stays that takes more than this from a patch's square."""
    least: float = 0.02
    """The weight stops here."""
    rim: float = 0.5
    """As of `l0_gradient`; a half, as of `dark_channel`."""
    atoms: int = 2
    """At most, in each patch."""
    codings: int = 3
    """Times that patches are coded and the picture is solved for, in each latent step."""
    pull: float = 5e-3
    """Of the coded patches on the picture, in the first of them (eta p in the equation)."""
    rise: float = 4.0
    """Of the pull from one coding to the next."""


def sparse_coding(
    blurred: Tensor,
    kernel_size: int,
    *,
    settings: SparseCodingSettings = SparseCodingSettings(),
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """Blind deconvolution with sparse codes of patches over a learned dictionary (Zhang et al. 2011).

        min over x, k, a of |k * x - y|^2 + eta sum_i (|R_i x - m_i - D a_i|^2 + weight |a_i|_0) + ridge |k|^2

    R_i x is the patch at pixel i, m_i its mean, D a dictionary of 5x5 patches that was learned from sharp photographs
    (`patch_dictionary.md`): blurred edges and ringing need more atoms than sharp edges. The paper penalises |a_i|_1;
    the number of atoms, found greedily, is our choice, because it shrinks no edge. The selection of edges, the kernel
    step and its clean-up are those of `l0_gradient`; the paper's are not at hand.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        kernel_size: Odd, at least 3.
        settings: The constants.
        watch: Called with a `Round` after each.

    Returns:
        The kernel (B, 1, kernel_size, kernel_size), and the last latent picture (B, 1, H, W).
    """

    def latent(y: Periodic, kernel: Tensor, weight: float) -> Tensor:
        return sparse_step(y, kernel, weight, settings)

    rounds = EdgeRounds(settings, latent)
    return coarse_to_fine(blurred, kernel_size, rounds, pyramid=settings.pyramid, watch=watch)


def sparse_step(y: Periodic, kernel: Tensor, weight: float, settings: SparseCodingSettings) -> Tensor:
    """argmin_x |k * x - y|^2 + pull |x - z|^2 with z the coded patches of x, in turns, the pull growing.

    Every pixel lies in p patches, so that eta sum_i |R_i x - z_i|^2 is eta p |x - z|^2 and a constant, z the mean of
    the patches that overlap there. That makes the solution one division of spectra.

    Returns:
        (B, 1, H', W'), of the size of the extended picture.
    """
    transfer, x, pull = y.transfer(kernel), y.picture, settings.pull
    data, power = transfer.conj() * y.spectrum, transfer.real.square() + transfer.imag.square()
    for _ in range(settings.codings):
        z = coded(x, dictionary(x.device).to(x.dtype), weight, settings.atoms)
        x = torch.fft.irfft2((data + pull * torch.fft.rfft2(z)) / (power + pull), s=y.shape)
        pull *= settings.rise
    return x


def coded(x: Tensor, atoms: Tensor, weight: float, most: int) -> Tensor:
    """A picture with every patch of it replaced by its sparse code, overlaps averaged; the picture is periodic.

    Args:
        x: (B, 1, H, W).
        atoms: (A, p), each of length one and mean zero.
        weight: Of each atom.
        most: Atoms in a patch.
    """
    side = round(atoms.shape[1] ** 0.5)
    columns = patches(x, side)
    mean = columns.mean(dim=1, keepdim=True)
    blocks = torch.split(columns - mean, BLOCK, dim=2)
    return averaged(mean + torch.cat([matched(b, atoms, weight, most) for b in blocks], dim=2), side, x.shape[-2:])


def matched(columns: Tensor, atoms: Tensor, weight: float, most: int) -> Tensor:
    """D a of each patch by orthogonal matching pursuit (Pati et al. 1993): min |r - D a|^2 + weight |a|_0, greedily.

    The atom most like what is left joins, as long as it lowers the objective; what is left is kept orthogonal to all
    that joined, so that their coefficients are those of least squares.

    Args:
        columns: (B, p, L), mean zero.
        atoms: (A, p), each of length one.
        weight: Of each atom.
        most: Atoms in a patch.

    Returns:
        (B, p, L).

    Example:
        >>> r = torch.tensor([[[3.0], [0.2], [1.0]]])
        >>> matched(r, torch.eye(3), 0.5, 3).flatten().tolist()
        [3.0, 0.0, 1.0]
    """
    left = columns
    chosen: list[Tensor] = []
    tiny = torch.finfo(columns.dtype).eps
    for _ in range(most):
        best = (atoms @ left).abs().argmax(dim=1)
        direction = atoms[best].mT
        for other in chosen:
            direction = direction - (direction * other).sum(dim=1, keepdim=True) * other
        direction = direction / direction.square().sum(dim=1, keepdim=True).sqrt().clamp_min(tiny)
        amount = (left * direction).sum(dim=1, keepdim=True)
        left = left - amount * (amount.square() > weight) * direction
        chosen.append(direction)
    return columns - left


def patches(x: Tensor, side: int) -> Tensor:
    """All patches of a periodic picture, one at each pixel: (B, 1, H, W) -> (B, side side, H W)."""
    return F.unfold(F.pad(x, (0, side - 1, 0, side - 1), mode="circular"), side)


def averaged(columns: Tensor, side: int, shape: torch.Size) -> Tensor:
    """The mean of overlapping patches at each pixel of a periodic picture: the inverse of `patches`."""
    h, w = shape
    total = F.fold(columns, (h + side - 1, w + side - 1), side)
    total = torch.cat([total[..., : side - 1, :] + total[..., h:, :], total[..., side - 1 : h, :]], dim=-2)
    total = torch.cat([total[..., : side - 1] + total[..., w:], total[..., side - 1 : w]], dim=-1)
    return total / side**2


@functools.cache
def dictionary(device: torch.device) -> Tensor:
    """The atoms that ship, (100, 25), each a 5x5 patch of length one and mean zero; read once for a device."""
    return load_file(SHIPPED)["atoms"].to(device)
