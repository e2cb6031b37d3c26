"""Right-angle convolution: true convolution on a canvas, by complex transforms of half its height."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blur.operator import fast_length


class RightAngle:
    """Convolution and correlation with a kernel where nothing that is read wraps round.

    On a canvas of N = 2 M rows, what leaves below may come back above with its sign turned: z^N = -1. The real rows
    x[n] and x[n + M] then are the two parts of one complex row (x[n] + i x[n + M]) exp(i pi n / N), n < M, and the
    convolution is the circular one of M rows: the right-angle convolution of Crandall & Fagin (1994), here in two
    dimensions. A complex transform of half the size takes less time than a real one of the whole, and nothing has to
    be cut or padded between one convolution and the next. The unit between calls is a packed canvas (B, C, M, W', 2).

    Args:
        kernel: (B or 1, 1, h, w), odd.
        shape: (H, W), what the canvas must hold at least, no smaller than the kernel; `shape` is what it holds.

    Example:
        >>> x, k = torch.zeros(1, 1, 6, 5), torch.tensor([[[[0.25, 0.5, 0.25]]]])
        >>> x[0, 0, 4, 2] = 1.0
        >>> canvas = RightAngle(k, (6, 5))
        >>> y = canvas.unpack(canvas.forward(canvas.pack(x)))
        >>> canvas.shape, [abs(round(v, 4)) for v in y[0, 0, 4].tolist()]
        ((8, 8), [0.0, 0.25, 0.5, 0.25, 0.0, 0.0, 0.0, 0.0])
    """

    def __init__(self, kernel: Tensor, shape: tuple[int, int]) -> None:
        self.rows = 4 * fast_length(-(-shape[0] // 8))  # a factor of four at least: transforms like it
        self.shape = (2 * self.rows, 4 * fast_length(-(-shape[1] // 4)))
        angle = torch.arange(self.rows, dtype=kernel.dtype, device=kernel.device)[:, None] * (math.pi / self.shape[0])
        self._phase = torch.polar(torch.ones_like(angle), angle)
        self._back = self._phase.conj().resolve_conj()
        h, w = kernel.shape[-2:]
        padded = F.pad(kernel, (0, self.shape[1] - w, 0, self.shape[0] - h))
        padded = padded.roll((-(h // 2), -(w // 2)), dims=(-2, -1))  # its centre at the origin
        sign = torch.ones_like(padded[0, 0, :, :1])
        sign[self.shape[0] - h // 2 :] = -1
        packed = torch.view_as_complex(self.pack(padded * sign))
        # The inverse transform's 1 / (M W') is in here, so that it makes no pass of its own.
        self._transfer: Tensor = torch.fft.fft2(packed * self._phase, norm="forward")
        self._conjugate = self._transfer.conj().resolve_conj()

    def pack(self, x: Tensor, at: tuple[int, int] = (0, 0)) -> Tensor:
        """(B, C, H, W) -> (B, C, M, W', 2), the first pixel of `x` at row and column `at`; beyond `x` it is zero."""
        below, right = (whole - start - n for whole, start, n in zip(self.shape, at, x.shape[-2:], strict=True))
        if any((*at, below, right)):
            x = F.pad(x, (at[1], right, at[0], below))
        return torch.view_as_real(torch.complex(x[..., : self.rows, :], x[..., self.rows :, :]))

    def unpack(self, packed: Tensor) -> Tensor:
        """The inverse of `pack`: (B, C, M, W', 2) -> (B, C, 2 M, W')."""
        return torch.cat([packed[..., 0], packed[..., 1]], dim=-2)

    def forward(self, packed: Tensor) -> Tensor:
        """Convolve a packed canvas with the kernel."""
        return self._multiplied(packed, self._transfer)

    def adjoint(self, packed: Tensor) -> Tensor:
        """Correlate a packed canvas with the kernel."""
        return self._multiplied(packed, self._conjugate)

    def _multiplied(self, packed: Tensor, transfer: Tensor) -> Tensor:
        spectrum = torch.fft.fft2(torch.view_as_complex(packed) * self._phase)
        spectrum = spectrum * transfer if transfer.requires_grad else spectrum.mul_(transfer)
        return torch.view_as_real(torch.fft.ifft2(spectrum, norm="forward").mul_(self._back))
