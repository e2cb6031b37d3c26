"""A network that sees kernels only: it corrects what least squares make of an imperfect restoration."""

import torch
from torch import Tensor

from deblurlib.networks.conditioned_unet import ConditionedUNet

CANDIDATES = 3
"""Kernels that it sees, from a weak ridge to a strong one; it corrects the middle one."""

TINY = 1e-12
"""Where a kernel has no light, what its scale is taken for."""


class KernelRefiner(ConditionedUNet):
    """A residual U-Net that corrects the kernel of a ridge regression.

    A network's restoration is too soft, and wrong in places: the least squares between it and the photograph give a
    kernel with dust, gaps and too much light in the middle, more or less so by the weight of the ridge. What shakes
    look like, and what such mistakes look like, can be learnt. The network sees the kernels of three ridges and the
    noise level, and corrects the middle one. Kernels multiplied by a positive number give that multiple of the output.

    Args:
        widths: Channels at a half, a quarter and an eighth of the resolution.
        blocks: Residual blocks at each of them, on the way down and again on the way up (once at the bottom).

    Shape:
        (B, 3, h, w) and a noise level, to (B, 1, h, w), any sum and values below 0.

    Example:
        >>> network = KernelRefiner()
        >>> sum(p.numel() for p in network.parameters())
        214872
        >>> kernels = torch.rand(2, 3, 19, 19)
        >>> torch.allclose(network(kernels, 0.01), kernels[:, 1:2])
        True
    """

    def __init__(self, widths: tuple[int, int, int] = (24, 48, 64), blocks: tuple[int, int, int] = (1, 1, 1)) -> None:
        super().__init__(CANDIDATES, 1, 1, widths, blocks)

    def forward(self, kernels: Tensor, noise: float | Tensor) -> Tensor:
        """Correct the middle one of three kernels, given the noise of the photograph."""
        if kernels.ndim != 4 or kernels.shape[1] != CANDIDATES:
            raise ValueError(f"KernelRefiner: expected shape (B, {CANDIDATES}, h, w), got {tuple(kernels.shape)}.")
        middle = kernels[:, 1:2]
        scale = middle.amax(dim=(-2, -1), keepdim=True).clamp_min(TINY)
        level = 100 * torch.as_tensor(noise, dtype=kernels.dtype, device=kernels.device)
        return middle + scale * self.correction(kernels / scale, level)
