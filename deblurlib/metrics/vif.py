"""Information fidelity: IFC, and VIF in the wavelet domain and in that of pixels."""

import torch
from torch import Tensor

from deblurlib.metrics.gaussian_scale_mixture import SMALLEST, mixtures
from deblurlib.metrics.luma import grey_pair
from deblurlib.metrics.pieces import in_pieces
from deblurlib.metrics.ssim import gaussian_means

EYE_NOISE = 0.4
"""Variance of the noise of the visual system in VIF, in grey levels squared: Sheikh and Bovik (2006), vifvec.m."""

IFC_NOISE = 1e-10
"""The release of IFC adds this to the noise of the channel, and so is finite for equal images."""

PIXEL_EYE_NOISE = 2.0
PIXEL_WINDOWS = (17, 9, 5, 3)
PIXEL_TINY = 1e-10
PIXEL_SMALLEST = 41
"""Smaller, nothing is left at the fourth scale of `vif_pixel`."""

NO_INFORMATION = 1e-7
"""Bits a pixel; below, the reference is flat but for rounding."""


def ifc(restored: Tensor, reference: Tensor, *, data_range: float = 1.0) -> Tensor:
    """Information fidelity criterion of Sheikh, Bovik and de Veciana (2005), in bits per pixel.

    The information that the restored image's wavelet coefficients carry about the reference's, with g and v the local
    gain and noise between them, s and lambda_j the local scale and the eigenvalues of the reference's 3x3 blocks:

        IFC = (1 / pixels) sum over bands, blocks, j of log2(1 + g^2 s lambda_j / (v + 1e-10))

    This is the authors' release, ifcvec.m, on grey levels: steerable pyramid (sp5Filters, reflect1), orientations 0 and
    3 at four levels, windows of 17, 9, 5, 3 from fine to coarse, all nine eigenvalues. The release leaves out the
    paper's factor 1/2 and counts the image's pixels. Grey is that of `rgb2gray`, rounded where both images have 8 bits.

    It is unbounded; equal images have about 100, good restorations of photographs 1 to 4. Restored and reference are
    not interchangeable. Scaling both images changes nothing, as far as 1e-10 is small beside v.

    Args:
        restored: (B, C, H, W) in [0, data_range], C = 1 or 3. Align it first: a shift is a distortion.
        reference: Same shape, dtype and device.
        data_range: The value of white: 1 for images in [0, 1].

    Returns:
        (B,) at least 0, in bits per pixel; 0 for a flat reference. Computed in float64, returned in the dtype given.

    Raises:
        TypeError, ValueError: not images, neither grey nor RGB, different shapes, values outside the range by more than
            half of it, or fewer than 72 pixels a side.

    Example:
        >>> x = torch.rand(1, 1, 72, 72, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> noise = torch.rand(1, 1, 72, 72, generator=torch.Generator().manual_seed(1), dtype=torch.float64) - 0.5
        >>> [round(ifc(x + a * noise, x).item(), 3) for a in (0.1, 0.5)]
        [6.557, 2.158]
    """
    y, x = grey_pair(restored, reference, data_range=data_range, smallest=SMALLEST, metric="ifc")

    def bits(y: Tensor, x: Tensor) -> Tensor:
        bands = [band.information(band.gain, band.noise + IFC_NOISE) for band in mixtures(y, x, x.dtype)]
        return torch.stack(bands).sum(dim=0) / x[0].numel()

    return in_pieces(bits, y, x).to(reference.dtype)


def vif(restored: Tensor, reference: Tensor, *, data_range: float = 1.0) -> Tensor:
    """Visual information fidelity of Sheikh and Bovik (2006), in the wavelet domain.

    The share of the information that an eye gets from the reference which it still gets from the restored image; the
    quantities are those of `ifc`, the eye adds noise of variance s2 = 0.4 to grey levels from 0 to 255:

        VIF = sum log2(1 + g^2 s lambda_j / (v + s2)) / sum log2(1 + s lambda_j / s2)

    This is the authors' release, vifvec.m, whose values it meets within 5e-4 (pyiqa's 'vif' is the same variant). What
    piq, torchmetrics and sewar call VIF is another metric: `vif_pixel`. Grey is that of `rgb2gray`, rounded where both
    images have 8 bits.

    Args:
        restored: (B, C, H, W) in [0, data_range], C = 1 or 3. Align it first: a shift is a distortion.
        reference: Same shape, dtype and device.
        data_range: The value of white: 1 for images in [0, 1].

    Returns:
        (B,) at least 0; 1 for equal images, above 1 where contrast was raised, 1 for a flat reference, of which nothing
        can be lost. The wavelets are computed in the dtype given, the rest in float64: in float32 it is right to 1e-4.

    Raises:
        TypeError, ValueError: not images, neither grey nor RGB, different shapes, values outside the range by more than
            half of it, black in its range, or fewer than 72 pixels a side.

    Example:
        >>> x = torch.rand(1, 1, 72, 72, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> [round(vif(0.5 + a * (x - 0.5), x).item(), 3) for a in (1.0, 0.5, 0.0)]
        [1.0, 0.721, 0.0]
    """
    y, x = grey_pair(restored, reference, data_range=data_range, smallest=SMALLEST, metric="vif")

    def share(y: Tensor, x: Tensor) -> Tensor:
        kept, sent = x.new_zeros(len(x)), x.new_zeros(len(x))
        for band in mixtures(y, x, reference.dtype):
            kept = kept + band.information(band.gain, band.noise + EYE_NOISE)
            sent = sent + band.information(torch.ones_like(band.gain), torch.full_like(band.noise, EYE_NOISE))
        return _share(kept, sent, x[0].numel())

    return in_pieces(share, y, x).to(reference.dtype)


def vif_pixel(restored: Tensor, reference: Tensor, *, data_range: float = 1.0) -> Tensor:
    """The pixel-domain approximation of VIF, 'VIFp': a metric of its own, with values of its own.

    The formula of `vif` with one Gaussian-weighted variance for each pixel in place of wavelet blocks, at four scales:
    windows of N = 17, 9, 5, 3 with standard deviation N / 5, positions inside the image alone; between scales the image
    is smoothed with the next window and every second pixel taken; s2 = 2 on grey levels from 0 to 255.

    This is the authors' vifp_mscale.m, and piq.vif_p, whose MATLAB baselines it meets within 1e-3; torchmetrics and
    sewar are the same on grey images. Grey is that of `rgb2gray`, rounded where both images have 8 bits.

    Args:
        restored: (B, C, H, W) in [0, data_range], C = 1 or 3.
        reference: Same shape, dtype and device.
        data_range: The value of white: 1 for images in [0, 1].

    Returns:
        (B,) at least 0; 1 for equal images, above 1 where contrast was raised, 1 for a flat reference. Computed in
        float64, returned in the dtype given.

    Raises:
        TypeError, ValueError: not images, neither grey nor RGB, different shapes, values outside the range by more than
            half of it, black in its range, or fewer than 41 pixels a side.

    Example:
        >>> x = torch.rand(1, 1, 48, 64, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        >>> [round(vif_pixel(0.5 + a * (x - 0.5), x).item(), 3) for a in (1.0, 0.5, 0.0)]
        [1.0, 0.811, 0.0]
    """
    y, x = grey_pair(restored, reference, data_range=data_range, smallest=PIXEL_SMALLEST, metric="vif_pixel")
    return in_pieces(_pixel_share, y, x).to(reference.dtype)


def _pixel_share(y: Tensor, x: Tensor) -> Tensor:
    pixels = x[0].numel()
    x, y = x - 128, y - 128  # variances lose fewer digits around zero
    kept, sent = x.new_zeros(len(x)), x.new_zeros(len(x))
    for scale, size in enumerate(PIXEL_WINDOWS):
        if scale:
            x, y = (gaussian_means(t, size, size / 5)[..., ::2, ::2] for t in (x, y))
        means = gaussian_means(torch.cat([x, y, x * x, y * y, x * y], dim=1), size, size / 5)
        mean_x, mean_y, xx, yy, xy = means.unbind(dim=1)
        xx, yy = (xx - mean_x.square()).clamp(min=0), (yy - mean_y.square()).clamp(min=0)
        xy = xy - mean_x * mean_y
        gain = xy / (xx + PIXEL_TINY)
        noise = yy - gain * xy
        nothing_sent, nothing_received = xx < PIXEL_TINY, yy < PIXEL_TINY
        noise = torch.where(nothing_sent | (gain < 0), yy, noise).clamp(min=PIXEL_TINY)
        gain = torch.where(nothing_sent | nothing_received, 0, gain).clamp(min=0)
        kept = kept + (gain.square() * xx / (noise + PIXEL_EYE_NOISE)).log1p().sum(dim=(1, 2))
        sent = sent + (xx / PIXEL_EYE_NOISE).log1p().sum(dim=(1, 2))
    return _share(kept, sent, pixels)


def _share(kept: Tensor, sent: Tensor, pixels: int) -> Tensor:
    flat = sent < NO_INFORMATION * pixels
    return torch.where(flat, 1.0, kept / torch.where(flat, 1.0, sent))
