"""Pan, Hu, Su, Yang (2014): a sharp face that resembles the blurred one says where the edges were."""

import functools
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blind.coarse_to_fine import Pyramid, Scale, Watch, coarse_to_fine
from deblurlib.blind.edges import gradients, inner
from deblurlib.blind.kernel_cleanup import moved, prune, threshold
from deblurlib.blind.latent_steps import Periodic, l0_gradient_step
from deblurlib.blind.prediction import shock_filter
from deblurlib.least_squares import ridge

FACES, SIDE = 100, 25
"""Of the 200 pictures of 25x25 in scikit-image's `lfw_subset`, the first half are faces (the paper: 2,435 faces)."""

SIDES = (17, 21, 25, 30, 36, 44, 52, 63, 75, 90, 108)
"""Sides that a face is looked for at, in pixels of the coarsest scale: steps of 1.2 (our choice; paper: 1/2 to 2 of its
size, in steps of 1/2, and turns of up to 10 degrees, which the hundred faces have among themselves)."""

REACH = 2
"""How far an exemplar may lie from where all of them agree, in pixels (our choice)."""

GROWTH, FLOOR = 0.75, 1.0
"""Larger faces need less likeness, by side^GROWTH, for chance likens small ones; and the power of the gradients below a
face counts as larger than it is by FLOOR of its mean, lest flat places look like anything (our choice)."""

SHOCK, SHOCKS = 0.5, 4
"""Step and number of the shock filters that sharpen an exemplar after it is enlarged (our choice)."""


@dataclass(frozen=True)
class FaceExemplarSettings:
    """Constants of `face_exemplar`, each with its source ('code' is the release of Pan et al.)."""

    pyramid: Pyramid = field(default_factory=lambda: Pyramid(smallest=3))
    """The paper has one scale alone: its exemplars are as sharp as the photograph. Ours have 25x25 pixels, and tell
    something at the coarsest scale alone, which is coarser than elsewhere (our choice)."""
    iterations: int = 10
    """Rounds at each scale (code: 50 at the only one; 10 is our choice)."""
    weight: float = 2e-3
    """Of the number of gradients (paper and code)."""
    ridge: float = 1.0
    """Of the kernel, for gradients of length one in each direction (paper and code)."""
    cut: float = 0.05
    """Values of a kernel below this part of its largest one are cut after each kernel step (code)."""
    prune: float = 0.02
    """Parts of a kernel with less light are dropped (code: 0.1; as of `l0_gradient`, our choice)."""
    rim: float = 0.25
    """Of the kernel's side: gradients nearer to the frame are left out (code: 0; as of `l0_gradient`, our choice)."""


def face_exemplar(
    blurred: Tensor,
    kernel_size: int,
    *,
    settings: FaceExemplarSettings = FaceExemplarSettings(),
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """Blind deconvolution of faces with an exemplar (Pan et al. 2014, Algorithm 2).

        min over k of |S * k - grad y|^2 + ridge |k|^2,    min over x of |k * x - y|^2 + weight |grad x|_0

    in turns, S being the contours of the exemplar at first and grad x after that: nothing else picks edges. The
    exemplars are a hundred faces of scikit-image, 25x25; they begin the coarsest scale. Without a face in the
    photograph the exemplar means nothing, and what is left is the alternation, from edges that are not there.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        kernel_size: Odd, at least 3.
        settings: The constants.
        watch: Called with a `Round` after each; the kernel of the first one is the exemplar's.

    Returns:
        The kernel (B, 1, kernel_size, kernel_size), and the last latent picture (B, 1, H, W).
    """
    return coarse_to_fine(blurred, kernel_size, _Rounds(settings), pyramid=settings.pyramid, watch=watch)


class _Rounds:
    def __init__(self, settings: FaceExemplarSettings) -> None:
        self.settings = settings

    def __call__(self, scale: Scale, kernel: Tensor) -> Iterator[tuple[Tensor, Tensor]]:
        chosen = self.settings
        y = Periodic(scale.blurred, scale.size)
        seen = unit(gradients(scale.blurred))
        near = int(2 * chosen.rim * scale.size)
        if scale.index == 0:
            edges = find_exemplar(scale.blurred).edges
        else:
            edges = gradients(y.cut(l0_gradient_step(y, kernel, chosen.weight)))
        for _ in range(chosen.iterations):
            kernel = ridge(unit(inner(edges, near)), seen, scale.size, weight=chosen.ridge)
            kernel = prune(threshold(kernel, chosen.cut), chosen.prune)
            x = y.cut(l0_gradient_step(y, kernel, chosen.weight))
            edges = gradients(x)
            yield kernel, x


@dataclass(frozen=True)
class Exemplar:
    """The face that was found in each picture of a batch."""

    edges: Tensor
    """(B, 2, H - 1, W - 1), its contours where they belong, as `gradients` has them."""
    score: Tensor
    """(B,), the likeness of that place to all exemplars, times side^GROWTH."""
    face: Tensor
    """(B,) int64, the number of the exemplar."""
    place: Tensor
    """(B, 2) int64, row and column of its upper left corner."""
    side: Tensor
    """(B,) int64."""


def find_exemplar(blurred: Tensor) -> Exemplar:
    """The place that is most like a face, and the exemplar that fits best there (Pan et al. 2014, Eq. 3).

        max over i, t of sum_p grad y(p) . T_i(p - t) / (|grad y|_t |T_i|)

    with T_i the gradients of exemplar i on its contours, and |grad y|_t the length of those of y below them. All T_i
    share a mask, so their mean finds the place by one transform for each side: where the hundred agree. The best i is
    looked for there alone; among all places some exemplar fits by chance (our choice, as are the sides' weights).

    Args:
        blurred: (B, 1, H, W).
    """
    seen = gradients(blurred)
    h, w = seen.shape[-2:]
    found: Exemplar | None = None
    for side in sorted({min(s, h, w) for s in SIDES}):
        soft, sharp, mask = contours(side, blurred)
        score, corner = _likeness(seen, soft.mean(dim=0, keepdim=True), mask).flatten(1).max(dim=1)
        room = w - side + 2
        place = torch.stack([corner // room, corner % room], dim=1)
        near = moved(F.pad(seen, (REACH,) * 4), -place)[..., : side - 1 + 2 * REACH, : side - 1 + 2 * REACH]
        best = F.conv2d(near, soft).flatten(1).argmax(dim=1)
        shifts = 2 * REACH + 1
        face, shift = best // shifts**2, best % shifts**2
        place = place + torch.stack([shift // shifts, shift % shifts], dim=1) - REACH
        canvas = F.pad(sharp[face], (0, w - side + 1, 0, h - side + 1))
        new = Exemplar(moved(canvas, place), score * side**GROWTH, face, place, torch.full_like(face, side))
        found = new if found is None else _better(new, found)
    assert found is not None
    return found


def _likeness(seen: Tensor, template: Tensor, mask: Tensor) -> Tensor:
    """The normalised cross-correlation of gradients with a template at all places that hold it: (B, 1, h, w)."""
    h, w = shape = (seen.shape[-2], seen.shape[-1])
    product = torch.fft.rfft2(seen) * torch.fft.rfft2(template, s=shape).conj()
    response: Tensor = torch.fft.irfft2(product.sum(dim=1, keepdim=True), s=shape)
    power = seen.square().sum(dim=1, keepdim=True)
    below: Tensor = torch.fft.irfft2(torch.fft.rfft2(power) * torch.fft.rfft2(mask, s=shape).conj(), s=shape)
    floor = FLOOR * mask.sum() * power.mean(dim=(-2, -1), keepdim=True)
    length = (below.clamp_min(0) + floor).sqrt() * template.square().sum().sqrt()
    likeness = response / length.clamp_min(torch.finfo(seen.dtype).tiny)
    return likeness[..., : h - mask.shape[-2] + 1, : w - mask.shape[-1] + 1]


def _better(a: Exemplar, b: Exemplar) -> Exemplar:
    """Of each picture the one with the higher score."""
    first = a.score > b.score

    def pick(x: Tensor, y: Tensor) -> Tensor:
        return torch.where(first.view(-1, *[1] * (x.ndim - 1)), x, y)

    return Exemplar(*(pick(x, y) for x, y in zip(vars(a).values(), vars(b).values(), strict=True)))


def contours(side: int, like: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The exemplars at a side: gradients on their contours, of length one, and the same of sharpened faces.

    Returns:
        (100, 2, side - 1, side - 1) to look with, the same to start from, and the mask (1, 1, side - 1, side - 1).
    """
    faces, mask = exemplars(like.device)
    faces = F.interpolate(faces.to(like.dtype), (side, side), mode="bicubic")
    mask = (F.interpolate(mask, (side, side), mode="bilinear") > 0.5).to(like.dtype)[..., :-1, :-1]
    soft, sharp = (mask * gradients(x) for x in (faces, shock_filter(faces, SHOCK, SHOCKS)))
    return soft / soft.square().sum(dim=(1, 2, 3), keepdim=True).sqrt(), sharp, mask


@functools.cache
def exemplars(device: torch.device) -> tuple[Tensor, Tensor]:
    """The faces (100, 1, 25, 25) in [0, 1] and their `contour_mask` (1, 1, 25, 25), float64, read once for a device."""
    package = importlib.util.find_spec("skimage")
    if package is None or package.origin is None:
        raise FileNotFoundError("face_exemplar: its exemplars come with scikit-image, which is not installed.")
    faces = np.load(Path(package.origin).parent / "data" / "lfw_subset.npy")[:FACES, None]
    return torch.from_numpy(faces).to(device), contour_mask()[None, None].to(device)


def contour_mask() -> Tensor:
    """Where the contours that the paper names lie in a face of 25x25: eyes, mouth, and the outline below the eyes.

    The authors draw them by hand in each exemplar. These faces are aligned and small: one mask serves all (our choice).

    Example:
        >>> mask = contour_mask()
        >>> mask[8, 6].item(), mask[17, 11].item(), mask[12, 11].item(), mask[0, 0].item()
        (1.0, 1.0, 0.0, 0.0)
    """
    row = torch.arange(SIDE, dtype=torch.float64)[:, None]
    column = torch.arange(SIDE, dtype=torch.float64)
    eyes = (row >= 5) & (row <= 10) & (column >= 3) & (column <= 18)
    mouth = (row >= 15) & (row <= 20) & (column >= 5) & (column <= 17)
    radius = torch.hypot((row - 11) / 12.5, (column - 11) / 9.5)
    return (eyes | mouth | ((radius > 0.8) & (radius < 1.1) & (row >= 11))).double()


def unit(gradient: Tensor) -> Tensor:
    """Gradients of length one in each direction, so that one ridge suits all pictures (code): (B, 2, H, W)."""
    length = gradient.square().sum(dim=(-2, -1), keepdim=True).sqrt()
    return gradient / length.clamp_min(torch.finfo(gradient.dtype).tiny)
