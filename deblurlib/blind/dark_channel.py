"""Pan, Sun, Pfister, Yang (2016): blur makes the darkest pixels of each neighbourhood brighter."""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blind.coarse_to_fine import Watch, coarse_to_fine
from deblurlib.blind.l0_gradient import EdgeRounds, L0GradientSettings
from deblurlib.blind.latent_steps import Periodic, l0_gradient_step


@dataclass(frozen=True)
class DarkChannelSettings(L0GradientSettings):
    """Constants of `dark_channel`: those of `l0_gradient`, and the following ('code' is the release of Pan et al.)."""

    rim: float = 0.5
    """As of `l0_gradient` (code: 0; a half is our choice)."""
    neighbourhood: int = 35
    """Side of a neighbourhood, at every scale (code); no larger than the picture."""
    dark: float = 1.0
    """Weight of the dark channel over that of the gradients; both decay alike (code: both 4e-3)."""
    last: float = 8.0
    """The splitting of the dark channel ends at this weight (code: 2^3)."""


def dark_channel(
    blurred: Tensor,
    kernel_size: int,
    *,
    settings: DarkChannelSettings = DarkChannelSettings(),
    watch: Watch | None = None,
) -> tuple[Tensor, Tensor]:
    """Blind deconvolution with the dark channel prior (Pan et al. 2016, Eq. 7).

        min over x, k of |k * x - y|^2 + dark |D(x)|_0 + weight |grad x|_0 + ridge |k|^2

    with D(x) the smallest value in a window round each pixel.

    Args:
        blurred: (B, 1, H, W) in [0, 1].
        kernel_size: Odd, at least 3.
        settings: The constants.
        watch: Called with a `Round` after each.

    Returns:
        The kernel (B, 1, kernel_size, kernel_size), and the last latent picture (B, 1, H, W).
    """

    def latent(y: Periodic, kernel: Tensor, weight: float) -> Tensor:
        return dark_channel_step(y, kernel, weight, settings.dark * weight, settings.neighbourhood, last=settings.last)

    rounds = EdgeRounds(settings, latent)
    return coarse_to_fine(blurred, kernel_size, rounds, pyramid=settings.pyramid, watch=watch)


def dark_channel_step(
    y: Periodic, kernel: Tensor, weight: float, dark: float, window: int, *, last: float = 8.0
) -> Tensor:
    """argmin_x |k * x - y|^2 + weight |grad x|_0 + dark |D(x)|_0, by splitting: beta |x - u|^2 ties x to a darkened u.

    Beta begins at dark over Otsu's threshold of the squared picture, and doubles until `last`, for each picture of the
    batch by itself; for each beta runs the whole `l0_gradient_step`. The threshold is at most 1, which bounds the
    number of doublings without a look at it; a picture whose beta has reached `last` stays.

    Returns:
        (B, 1, H', W'), of the size of the extended picture.
    """
    x = y.picture
    beta = dark / otsu(x.square()).clamp_min(1 / 256)
    for _ in range(math.ceil(math.log2(last / dark))):
        u = darken(x, dark / beta, window)
        closer = l0_gradient_step(y, kernel, weight, pulled=u, pull=beta, start=x)
        x = torch.where(beta < last, closer, x)
        beta = 2 * beta
    return x


def darken(x: Tensor, limit: Tensor, window: int) -> Tensor:
    """The proximal step of |D(x)|_0: darkest pixels of a window with x^2 below the limit become 0.

    All windows that share a darkest pixel agree on its value and on the decision, so that a parallel write equals the
    loop over windows of the released code. The frame of half a window stays, as there.

    Args:
        x: (B, 1, H, W).
        limit: (B, 1, 1, 1).
        window: Odd side of the neighbourhood.

    Returns:
        (B, 1, H, W).

    Example:
        >>> x = torch.full((1, 1, 3, 3), 0.9); x[..., 1, 1] = 0.1
        >>> darken(x, torch.full((1, 1, 1, 1), 0.02), 3)[0, 0, 1].tolist()
        [0.8999999761581421, 0.0, 0.8999999761581421]
    """
    window = min(window, min(x.shape[-2:]) - 1 + min(x.shape[-2:]) % 2)
    half = window // 2
    places = darkest(x, window)
    chosen = torch.zeros_like(x).flatten(1).scatter(1, places.flatten(1), 1.0).view_as(x)
    chosen[..., :half, :] = chosen[..., -half:, :] = chosen[..., :, :half] = chosen[..., :, -half:] = 0
    return torch.where((chosen > 0) & (x.square() < limit), torch.zeros_like(x), x)


def darkest(x: Tensor, window: int) -> Tensor:
    """Where the smallest value of the window round each pixel lies, as h W + w: (B, 1, H, W) int64.

    Rows first, then columns: twice the window's side in comparisons instead of its square.
    """
    half = window // 2
    low, rows = F.max_pool2d(-x, (window, 1), stride=1, padding=(half, 0), return_indices=True)
    _, columns = F.max_pool2d(low, (1, window), stride=1, padding=(0, half), return_indices=True)
    return rows.flatten(1).gather(1, columns.flatten(1)).view_as(x)


def otsu(x: Tensor, bins: int = 256) -> Tensor:
    """Otsu's threshold: the grey level that parts a picture into two classes with the largest variance between them.

    Args:
        x: (B, 1, H, W); values beyond [0, 1] count as 0 or 1.
        bins: Of the histogram (MATLAB's graythresh: 256).

    Returns:
        (B, 1, 1, 1) in [0, 1].

    Example:
        >>> x = torch.tensor([0.2, 0.2, 0.8, 0.8]).view(1, 1, 2, 2)
        >>> 0.2 <= otsu(x).item() < 0.8
        True
    """
    places = (x.clamp(0, 1) * (bins - 1)).round().long().flatten(1)
    counts = torch.zeros(x.shape[0], bins, dtype=torch.float64, device=x.device)
    counts = counts.scatter_add(1, places, torch.ones_like(places, dtype=torch.float64)) / places.shape[1]
    levels = torch.arange(bins, dtype=torch.float64, device=x.device) / (bins - 1)
    below = counts.cumsum(dim=1)
    mean = (counts * levels).cumsum(dim=1)
    between = (mean[:, -1:] * below - mean).square() / (below * (1 - below)).clamp_min(1e-12)
    best = between >= between.amax(dim=1, keepdim=True) * (1 - 1e-12)  # several where no value lies between
    found: Tensor = (best * levels).sum(dim=1) / best.sum(dim=1)
    return found.to(x.dtype).view(-1, 1, 1, 1)
