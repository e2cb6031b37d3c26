"""Right-angle convolution: true convolution on a canvas, by complex transforms of half its height."""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blur.circular import fast_length


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
        >>> y = canvas.unpack(canvas.forward(canvas.pack(x)), (4, 0), (1, 5))
        >>> canvas.shape, [abs(round(v, 4)) for v in y.flatten().tolist()]
        ((8, 8), [0.0, 0.25, 0.5, 0.25, 0.0])
    """

    def __init__(self, kernel: Tensor, shape: tuple[int, int]) -> None:
        self.rows = _length(-(-shape[0] // 2))
        self.shape = (2 * self.rows, _length(shape[1]))
        angle = torch.arange(self.rows, dtype=kernel.dtype, device=kernel.device)[:, None] * (math.pi / self.shape[0])
        self._phase = torch.polar(torch.ones_like(angle), angle)
        self._back = self._phase.conj().resolve_conj()
        h, w = kernel.shape[-2:]
        above, rest = kernel[..., : h // 2, :], kernel[..., h // 2 :, :]  # of its centre, which comes to the origin
        turned = self._phase.new_zeros(*kernel.shape[:2], self.rows, w)
        turned[..., : h - h // 2, :] += rest * self._phase[: h - h // 2]
        turned[..., self.rows - h // 2 :, :] -= above * (1j * self._phase[self.rows - h // 2 :])
        # The inverse transform's 1 / (M W') is in here, so that it makes no pass of its own.
        columns = torch.fft.fft(turned, dim=-2, norm="forward")
        wide = F.pad(columns, (0, self.shape[1] - w)).roll(-(w // 2), dims=-1)
        self._transfer: Tensor = torch.fft.fft(wide, norm="forward")
        self._conjugate = self._transfer.conj().resolve_conj()

    def pack(self, x: Tensor, at: tuple[int, int] = (0, 0)) -> Tensor:
        """(B, C, H, W) -> (B, C, M, W', 2), the first pixel of `x` at row and column `at`; beyond `x` it is zero."""
        if x.shape[-2:] == self.shape:
            return torch.view_as_real(torch.complex(x[..., : self.rows, :], x[..., self.rows :, :]))
        packed = x.new_zeros(*x.shape[:-2], self.rows, self.shape[1], 2)
        for rows, part, columns, own in self._halves(at, (x.shape[-2], x.shape[-1])):
            packed[..., rows, columns, part] = x[..., own, :]
        return packed

    def unpack(self, packed: Tensor, at: tuple[int, int], size: tuple[int, int]) -> Tensor:
        """(B, C, M, W', 2) -> (B, C, H, W): of the canvas the part of `size` whose first pixel lies at `at`."""
        return torch.cat(
            [packed[..., rows, columns, part] for rows, part, columns, _ in self._halves(at, size)], dim=-2
        )

    def _halves(self, at: tuple[int, int], size: tuple[int, int]) -> Iterator[tuple[slice, int, slice, slice]]:
        """Where an image of `size` at `at` lies: rows and part of the packed canvas, columns, and its own rows."""
        first, last, middle = at[0], at[0] + size[0], max(self.rows - at[0], 0)
        columns = slice(at[1], at[1] + size[1])
        yield slice(first, min(last, self.rows)), 0, columns, slice(0, middle)
        yield slice(max(first - self.rows, 0), max(last - self.rows, 0)), 1, columns, slice(middle, None)

    def forward(self, packed: Tensor, *, keep: bool = True) -> Tensor:
        """Convolve a packed canvas with the kernel; use it up if it need not be kept: one array less for the cache."""
        turned = torch.view_as_complex(packed)
        spectrum = torch.fft.fft2(turned * self._phase if keep else turned.mul_(self._phase))
        del packed, turned  # where they were the result may go
        return self._multiplied(spectrum, self._transfer)

    def adjoint(self, packed: Tensor) -> Tensor:
        """Correlate a packed canvas with the kernel. Uses `packed` up."""
        spectrum = torch.fft.fft2(torch.view_as_complex(packed).mul_(self._phase))
        del packed
        return self._multiplied(spectrum, self._conjugate)

    def _multiplied(self, spectrum: Tensor, transfer: Tensor) -> Tensor:
        spectrum = spectrum * transfer if transfer.requires_grad else spectrum.mul_(transfer)
        return torch.view_as_real(torch.fft.ifft2(spectrum, norm="forward").mul_(self._back))


def support(kernel: Tensor) -> Tensor:
    """The kernel without the zeros round it, still odd and centred: a narrower strip beyond the frame does.

    Args:
        kernel: (B or 1, 1, h, w), odd, non-negative.

    Returns:
        (B or 1, 1, h', w'), odd, with the same centre; the kernel itself where it learns, as its zeros may.

    Example:
        >>> support(torch.tensor([[[[0.0, 0.0, 0.25, 0.75, 0.0]] * 3]])).shape
        torch.Size([1, 1, 3, 3])
    """
    if kernel.requires_grad:
        return kernel
    h, w = kernel.shape[-2] // 2, kernel.shape[-1] // 2
    p, q = (_reach(kernel.amax(dim=(0, 1, across)).tolist()) for across in (-1, -2))
    return kernel[..., h - p : h + p + 1, w - q : w + q + 1]


def _reach(profile: list[float]) -> int:
    """How far from the middle the numbers are not zero."""
    return max((abs(i - len(profile) // 2) for i, value in enumerate(profile) if value != 0), default=0)


def _length(n: int) -> int:
    """A multiple of four, where transforms are quickest; with a factor of 7 they take up to a sixth less (measured)."""
    return 4 * fast_length(-(-n // 4), (2, 3, 5, 7))
