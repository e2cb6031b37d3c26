"""Networks that deconvolve: one for every kernel, which corrects Wiener filters, and one built from a single kernel."""

import torch
from torch import Tensor, nn

from deblurlib.networks.conditioned_unet import ConditionedUNet

CONTRAST = 0.05
"""Of the fine detail in photographs: what a pseudo-inverse weighs the noise against (our choice)."""


class Deconvolver(ConditionedUNet):
    """A residual U-Net that corrects Wiener filters, for any kernel: after Wang & Tao (2018), in small.

    The filters have used the kernel already; what they leave, ringing and grain, looks much the same whichever kernel
    it came from, and a network can learn to tell it from a picture. It sees three filters, which believe the
    photograph as told, more and less, the photograph itself and the noise level, and corrects the first filter.

    Args:
        widths: Channels at a half, a quarter and an eighth of the resolution.
        blocks: Residual blocks at each of them, on the way down and again on the way up (once at the bottom).

    Shape:
        (B, 4, C, H, W), C = 1 or 3, and a noise level, to (B, C, H, W), for any H and W.

    Example:
        >>> network = Deconvolver()
        >>> sum(p.numel() for p in network.parameters())
        470176
        >>> x = torch.rand(1, 4, 1, 37, 50)
        >>> bool((network(x, 0.01) == x[:, 0]).all())
        True
    """

    def __init__(self, widths: tuple[int, int, int] = (32, 64, 96), blocks: tuple[int, int, int] = (2, 1, 1)) -> None:
        super().__init__(12, 1, 3, widths, blocks)

    def forward(self, estimates: Tensor, noise: float | Tensor) -> Tensor:
        """Correct the first of four pictures, given the noise of the last."""
        if estimates.ndim != 5 or estimates.shape[1] != 4:
            raise ValueError(f"Deconvolver: expected shape (B, 4, C, H, W), got {tuple(estimates.shape)}.")
        grey = estimates.shape[2] == 1
        x = estimates.expand(-1, -1, 3, -1, -1).flatten(1, 2)
        correction = self.correction(x, noise)
        if grey:
            correction = correction.mean(dim=1, keepdim=True)
        return estimates[:, 0] + correction


class KernelCNN(nn.Module):
    """A network for one kernel (Xu, Ren, Liu & Jia 2014): separable filters, then a few small ones.

    The pseudo-inverse of a kernel is large, but nearly of low rank: its singular value decomposition,
    sum_j s_j u_j v_j', turns it into columns u_j and rows s_j v_j. These are the first two layers. The
    small layers behind them, our three for the paper's outlier part, start with a last one of zeros. Untrained, the
    network is the Wiener filter to within the rank and the taps that it leaves out.

    Args:
        kernel: (1, 1, h, w), odd, non-negative, sum 1; or its (height, width), for weights that are loaded afterwards.
        taps: Length of the columns and rows, odd (Xu et al.: 121).
        rank: How many of them (Xu et al.: 38).
        width: Channels of the small layers.
        noise: Standard deviation that the pseudo-inverse is built for: (noise / 0.05)^2 stands for N / S (our choice).

    Shape:
        (B, 1, H, W) to the same, zeros wrapped round: the image is taken to repeat.

    Example:
        >>> kernel = torch.zeros(1, 1, 5, 5)
        >>> kernel[..., 2, 1:4] = 1 / 3
        >>> network = KernelCNN(kernel, taps=31, rank=8, noise=0.01)
        >>> network(torch.full((1, 1, 40, 40), 0.5)).shape
        torch.Size([1, 1, 40, 40])
    """

    kernel: Tensor

    def __init__(
        self,
        kernel: Tensor | tuple[int, int],
        taps: int = 61,
        rank: int = 16,
        width: int = 24,
        noise: float = 0.01,
    ) -> None:
        super().__init__()
        if taps < 3 or taps % 2 == 0 or not 1 <= rank <= taps or width < 1:
            raise ValueError(
                f"KernelCNN: expected odd taps >= 3, 1 <= rank <= taps, width >= 1: {taps}, {rank}, {width}."
            )
        size = tuple(kernel.shape[-2:]) if isinstance(kernel, Tensor) else (int(kernel[0]), int(kernel[1]))
        self.settings = {"kernel": list(size), "taps": taps, "rank": rank, "width": width, "noise": noise}
        self.taps = taps
        self.columns = nn.Conv2d(1, rank, (taps, 1), bias=False)
        self.rows = nn.Conv2d(rank, rank, (1, taps), groups=rank, bias=False)
        self.small = nn.Sequential(
            nn.Conv2d(rank + 1, width, 5, padding=2, padding_mode="circular"),
            nn.ReLU(),
            nn.Conv2d(width, width, 3, padding=1, padding_mode="circular"),
            nn.ReLU(),
            nn.Conv2d(width, 1, 3, padding=1, padding_mode="circular"),
        )
        nn.init.zeros_(self.small[-1].weight)  # type: ignore[arg-type]
        nn.init.zeros_(self.small[-1].bias)  # type: ignore[arg-type]
        self.register_buffer("kernel", torch.zeros(1, 1, *size))
        if isinstance(kernel, Tensor):
            self.kernel.copy_(kernel.float())
            columns, rows = separable_inverse(kernel, taps, rank, noise)
            with torch.no_grad():
                self.columns.weight.copy_(columns.T[:, None, :, None].flip(-2))  # Conv2d correlates
                self.rows.weight.copy_(rows[:, None, None, :].flip(-1))

    def forward(self, x: Tensor) -> Tensor:
        """Deconvolve planes, one channel each."""
        half = self.taps // 2
        tall = _wrapped(x, half, -2)
        parts = self.rows(_wrapped(self.columns(tall), half, -1))
        restored: Tensor = parts.sum(dim=1, keepdim=True)
        return restored + self.small(torch.cat([parts, x], dim=1))  # type: ignore[no-any-return]


def _wrapped(x: Tensor, margin: int, dim: int) -> Tensor:
    """Continue an image periodically on both sides of one axis, however small it is."""
    index = torch.arange(-margin, x.shape[dim] + margin, device=x.device) % x.shape[dim]
    return x.index_select(dim, index)


def separable_inverse(kernel: Tensor, taps: int, rank: int, noise: float) -> tuple[Tensor, Tensor]:
    """Columns (taps, rank) and rows (rank, taps) whose product is the pseudo-inverse of a kernel, cut to taps and rank.

    k_inv = F^-1(conj(K) / (|K|^2 + (noise / 0.05)^2)), centred, and scaled to sum 1 after the cut, so that the mean of
    a picture stays (Xu et al. 2014, section 3.2).

    Example:
        >>> kernel = torch.zeros(1, 1, 3, 3)
        >>> kernel[..., 1, 1] = 1
        >>> columns, rows = separable_inverse(kernel, 5, 2, 0.001)
        >>> (columns @ rows).round(decimals=3)[2].tolist()
        [0.0, 0.0, 1.0, 0.0, 0.0]
    """
    side = 4 * (taps + max(kernel.shape[-2:]))
    padded = torch.zeros(side, side, dtype=torch.float64)
    height, width = kernel.shape[-2:]
    padded[:height, :width] = kernel[0, 0].double().cpu()
    transfer = torch.fft.rfft2(padded.roll((-(height // 2), -(width // 2)), dims=(0, 1)))
    inverse = torch.fft.irfft2(transfer.conj() / (transfer.abs().square() + (noise / CONTRAST) ** 2), s=(side, side))
    half = taps // 2
    cut = inverse.roll((half, half), dims=(0, 1))[:taps, :taps]
    u, s, v = torch.linalg.svd(cut)
    columns, rows = u[:, :rank], s[:rank, None] * v[:rank]
    rows = rows / (columns @ rows).sum()
    return columns.float(), rows.float()
