"""The door of the blind methods: a kernel, or a sharp photograph, from a blurred photograph alone."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from deblurlib import contracts
from deblurlib.blind.agreement import AgreementSettings, agreement
from deblurlib.blind.coarse_to_fine import Round, Watch
from deblurlib.blind.constants import check_constants
from deblurlib.blind.dark_channel import DarkChannelSettings, dark_channel
from deblurlib.blind.face_exemplar import FaceExemplarSettings, face_exemplar
from deblurlib.blind.fast_edges import FastEdgesSettings, fast_edges
from deblurlib.blind.framelet import FrameletSettings, framelet
from deblurlib.blind.l0_gradient import L0GradientSettings, l0_gradient
from deblurlib.blind.low_rank import LowRankSettings, low_rank
from deblurlib.blind.marginal_em import MarginalEMSettings, marginal_em
from deblurlib.blind.normalized_sparsity import NormalizedSparsitySettings, normalized_sparsity
from deblurlib.blind.patch_recurrence import PatchRecurrenceSettings, patch_recurrence
from deblurlib.blind.sparse_coding import SparseCodingSettings, sparse_coding
from deblurlib.blind.total_variation import TotalVariationSettings, total_variation
from deblurlib.blind.two_phase import TwoPhaseSettings, two_phase
from deblurlib.blind.variational_bayes import VariationalBayesSettings, variational_bayes
from deblurlib.blind.window import Window, choose_window, grey
from deblurlib.deconvolution import hyper_laplacian

FLAT = 1e-3
"""A picture whose values all lie within this range has no edges to see a kernel by (our choice)."""


def check_edges(picture: Tensor) -> None:
    """Check that there is something in each picture to see a kernel by.

    Args:
        picture: (B, C, H, W).

    Raises:
        ValueError: one is flat, to `FLAT`; the message counts which.
    """
    flat = picture.amax(dim=(1, 2, 3)) - picture.amin(dim=(1, 2, 3)) < FLAT
    if bool(flat.any()):
        which = ", ".join(str(i) for i in flat.nonzero().flatten().tolist())
        raise ValueError(f"blurred: image {which} of the batch is flat: without edges no kernel can be seen.")


class Estimator(Protocol):
    """What the engine of every method looks like."""

    def __call__(
        self, blurred: Tensor, kernel_size: int, *, settings: Any = ..., watch: Watch | None = None
    ) -> tuple[Tensor, Tensor]:
        """From (B, 1, H, W) to the kernel and the last latent picture."""


@dataclass(frozen=True)
class Method:
    """A row of the table of blind methods."""

    title: str
    """For people."""
    reference: str
    """Authors and year."""
    estimate: Estimator
    """From (B, 1, H, W) and a kernel size to the kernel and the latent picture."""
    settings: Callable[..., Any]
    """The frozen dataclass of its constants."""
    chapter: str
    """Of the book."""
    papers: tuple[str, ...] = ()
    """Keys of the book's bibliography."""
    numbers: tuple[int, ...] = ()
    """Of these in the references of Yuan et al."""


METHODS: dict[str, Method] = {
    "total_variation": Method(
        "Total variation, projected steps",
        "Chan, Wong 1998; Perrone, Favaro 2014",
        total_variation,
        TotalVariationSettings,
        "4-unknown-kernel/no_blur",
        ("chan1998", "perrone2014"),
        (3,),
    ),
    "fast_edges": Method(
        "Fast edge prediction",
        "Cho, Lee 2009",
        fast_edges,
        FastEdgesSettings,
        "4-unknown-kernel/saved_map",
        ("cho2009",),
    ),
    "two_phase": Method(
        "Two phases, large edges first",
        "Xu, Jia 2010",
        two_phase,
        TwoPhaseSettings,
        "4-unknown-kernel/saved_map",
        ("xu2010",),
    ),
    "normalized_sparsity": Method(
        "Normalised sparsity",
        "Krishnan, Tay, Fergus 2011",
        normalized_sparsity,
        NormalizedSparsitySettings,
        "4-unknown-kernel/saved_map",
        ("krishnan2011",),
        (21,),
    ),
    "l0_gradient": Method(
        "L0 norm of the gradients",
        "Pan, Hu, Su, Yang 2014",
        l0_gradient,
        L0GradientSettings,
        "4-unknown-kernel/saved_map",
        ("pan2014text",),
    ),
    "dark_channel": Method(
        "Dark channel",
        "Pan, Sun, Pfister, Yang 2016",
        dark_channel,
        DarkChannelSettings,
        "4-unknown-kernel/dark_channel",
        ("pan2016", "pan2018"),
        (34, 35),
    ),
    "face_exemplar": Method(
        "Face exemplars",
        "Pan, Hu, Su, Yang 2014",
        face_exemplar,
        FaceExemplarSettings,
        "4-unknown-kernel/other_priors",
        ("pan2014face",),
        (32,),
    ),
    "framelet": Method(
        "Sparse in a tight frame",
        "Cai, Ji, Liu, Shen 2009",
        framelet,
        FrameletSettings,
        "4-unknown-kernel/other_priors",
        ("cai2009", "cai2012"),
        (1,),
    ),
    "low_rank": Method(
        "Low rank of patches that look alike",
        "Ren, Cao, Pan, Guo, Zuo, Yang 2016",
        low_rank,
        LowRankSettings,
        "4-unknown-kernel/other_priors",
        ("ren2016",),
        (36,),
    ),
    "patch_recurrence": Method(
        "Recurrence of patches across scales",
        "Michaeli, Irani 2014",
        patch_recurrence,
        PatchRecurrenceSettings,
        "4-unknown-kernel/other_priors",
        ("michaeli2014",),
        (29,),
    ),
    "sparse_coding": Method(
        "Sparse codes of patches",
        "Zhang, Yang, Zhang, Huang 2011",
        sparse_coding,
        SparseCodingSettings,
        "4-unknown-kernel/other_priors",
        ("zhang2011",),
        (49,),
    ),
    "marginal_em": Method(
        "Marginal likelihood by EM",
        "Levin, Weiss, Durand, Freeman 2011",
        marginal_em,
        MarginalEMSettings,
        "4-unknown-kernel/marginalise",
        ("levin2011",),
        (26,),
    ),
    "variational_bayes": Method(
        "Variational Bayes",
        "Fergus, Singh, Hertzmann, Roweis, Freeman 2006",
        variational_bayes,
        VariationalBayesSettings,
        "4-unknown-kernel/marginalise",
        ("fergus2006",),
        (8,),
    ),
    "agreement": Method(
        "Agreement of three methods (ours)",
        "this book, 2026",
        agreement,
        AgreementSettings,
        "4-unknown-kernel/saved_map",
    ),
}
"""Every blind method by its name."""


@dataclass(frozen=True)
class Estimate:
    """What a blind method found out."""

    kernel: Tensor
    """(B, 1, n, n), of sum 1, its centroid at the centre."""
    latent: Tensor
    """(B, 1, h, w), the sharp picture as the method saw it, of the window; no final restoration."""
    history: list[Round] = field(default_factory=list)
    """Every round of every scale, when asked for."""
    window: Window | None = None
    """The part of the photograph that the kernel was estimated from; None for the whole."""


@dataclass(frozen=True)
class Restoration:
    """A deblurred photograph, and the kernel that did it."""

    image: Tensor
    """(B, C, H, W)."""
    kernel: Tensor
    """(B, 1, n, n)."""
    history: list[Round] = field(default_factory=list)
    """As of `Estimate`."""
    window: Window | None = None
    """As of `Estimate`."""


def estimate(
    blurred: Tensor,
    kernel_size: int,
    *,
    method: str = "dark_channel",
    window: int | Window | None = None,
    callback: Watch | None = None,
    history: bool = False,
    **settings: Any,
) -> Estimate:
    """Estimate the blur kernel of a photograph.

    Colours are averaged to grey first. A kernel is known only together with a shift of the picture: its centroid is
    put at its centre, to within a pixel.

    Args:
        blurred: (B, C, H, W) in [0, 1], grey or RGB.
        kernel_size: Odd, from 3 to the smaller side of the photograph; somewhat larger than the blur.
        method: A name in `METHODS`.
        window: Estimate from a part of the photograph: a `Window`, or the side of the one that `choose_window` finds.
        callback: Called with a `Round` after each round.
        history: Whether to keep every round.
        **settings: Constants of the method by name, instead of those of its paper.

    Returns:
        An `Estimate`.

    Raises:
        TypeError: not an image, or a constant that the method does not have, or of another type.
        ValueError: not an image, a flat one (no edges), an unknown method, a constant out of range, or a kernel size
            that is even, below 3 or larger than the photograph.
        FloatingPointError: the method lost its way, and the kernel is not finite.

    Example:
        >>> from deblurlib import blur, images, metrics
        >>> k = blur.linear_motion(9, 30.0)
        >>> y = blur.Blur(k, "valid")(images.bundled("camera")[..., 100:300, 150:350])
        >>> found = estimate(y, 13, method="l0_gradient")
        >>> bool(metrics.kernel_similarity(found.kernel, k) > 0.8)
        True
    """
    contracts.photograph(blurred, "blurred")
    chosen = METHODS[contracts.choice(method, "method", list(METHODS))]
    kernel_size = check_kernel_size(kernel_size, blurred)
    known = inspect.signature(chosen.settings).parameters
    for name in settings:
        if name not in known:
            raise TypeError(f"{method} has no constant {name!r}, only {', '.join(known)}.")
    constants = chosen.settings(**settings)
    check_constants(constants, method)
    if callback is not None and not callable(callback):
        raise TypeError(f"callback: expected a function of a Round, got {callback!r}.")
    picture = grey(blurred)
    if isinstance(window, int):
        window = choose_window(picture, kernel_size, window)
    if window is not None:
        picture = window.cut(picture)
        check_kernel_size(kernel_size, picture, "the window")
    check_edges(picture)
    rounds: list[Round] = []

    def watch(step: Round) -> None:
        if history:
            rounds.append(step)
        if callback is not None:
            callback(step)

    watched = watch if history or callback is not None else None
    with torch.no_grad():
        kernel, latent = chosen.estimate(picture, kernel_size, settings=constants, watch=watched)
    if not bool(torch.isfinite(kernel).all()):
        raise FloatingPointError(f"{method}: the kernel is not finite. Try another kernel size or another window.")
    return Estimate(kernel, latent, rounds, window)


def deblur(
    blurred: Tensor,
    kernel_size: int,
    *,
    method: str = "dark_channel",
    finish: Callable[[Tensor, Tensor], Tensor] = hyper_laplacian,
    window: int | Window | None = None,
    callback: Watch | None = None,
    history: bool = False,
    **settings: Any,
) -> Restoration:
    """Deblur a photograph: `estimate` its kernel, then undo that kernel in every colour.

    Args:
        blurred: (B, C, H, W) in [0, 1], grey or RGB.
        kernel_size: As for `estimate`.
        method: As for `estimate`.
        finish: From the photograph and the kernel to the restoration: a function of `deblurlib.deconvolution`.
        window: As for `estimate`; the restoration is of the whole photograph.
        callback: As for `estimate`.
        history: As for `estimate`.
        **settings: As for `estimate`.

    Returns:
        A `Restoration`.

    Raises:
        TypeError, ValueError, FloatingPointError: as `estimate`, or as `finish`.

    Example:
        >>> from deblurlib import blur, images, metrics
        >>> x = images.bundled("camera")[..., 100:300, 150:350]
        >>> y = blur.Blur(blur.linear_motion(9, 30.0), "reflect")(x)
        >>> sharper = metrics.align(deblur(y, 13, method="l0_gradient").image, x)
        >>> bool(metrics.psnr(sharper, x) > metrics.psnr(y, x) + 2)
        True
    """
    if not callable(finish):
        raise TypeError(f"finish: expected a function such as deblurlib.deconvolution.wiener, got {finish!r}.")
    found = estimate(blurred, kernel_size, method=method, window=window, callback=callback, history=history, **settings)
    return Restoration(finish(blurred, found.kernel), found.kernel, found.history, found.window)


def check_kernel_size(size: int, image: Tensor, name: str = "the photograph") -> int:
    """Check that a kernel size is odd, at least 3 and no larger than the image, and hand it back.

    Raises:
        TypeError, ValueError: it is not.
    """
    size = contracts.odd_size(size, "kernel_size")
    if size < 3:
        raise ValueError(f"kernel_size: expected at least 3, got {size}; a kernel of one pixel is no blur.")
    if size > min(image.shape[-2:]):
        h, w = image.shape[-2:]
        raise ValueError(f"kernel_size: {size} is larger than {name}, {h}x{w} pixels.")
    return size
