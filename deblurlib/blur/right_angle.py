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
    Columns may be halved in the same way: (B, C, H', M, 2).

    Args:
        kernel: (B or 1, 1, h, w), odd.
        shape: (H, W), what the canvas must hold at least, no smaller than the kernel; `shape` is what it holds.
        halved: -2 halves the rows, which packs in less time; -1 the columns, which transforms in less (measured).

    Example:
        >>> x, k = torch.zeros(1, 1, 6, 5), torch.tensor([[[[0.25, 0.5, 0.25]]]])
        >>> x[0, 0, 4, 2] = 1.0
        >>> canvas = RightAngle(k, (6, 5))
        >>> y = canvas.unpack(canvas.forward(canvas.pack(x)), (4, 0), (1, 5))
        >>> canvas.shape, [abs(round(v, 4)) for v in y.flatten().tolist()]
        ((8, 8), [0.0, 0.25, 0.5, 0.25, 0.0])
    """

    def __init__(self, kernel: Tensor, shape: tuple[int, int], halved: int = -2) -> None:
        self._halved, self._other = halved, -3 - halved
        self._half, length = _length(-(-shape[halved] // 2)), _length(shape[self._other])
        self.shape = (2 * self._half, length) if halved == -2 else (length, 2 * self._half)
        angle = torch.arange(self._half, dtype=kernel.dtype, device=kernel.device) * (math.pi / (2 * self._half))
        phase = torch.polar(torch.ones_like(angle), angle)
        self._phase = phase[:, None] if halved == -2 else phase
        self._back = self._phase.conj().resolve_conj()
        across = kernel.movedim(halved, -1)
        n, m = across.shape[-1], across.shape[-2]
        before, rest = across[..., : n // 2], across[..., n // 2 :]  # of its centre, which comes to the origin
        turned = phase.new_zeros(*across.shape[:-1], self._half)
        turned[..., : n - n // 2] += rest * phase[: n - n // 2]
        turned[..., self._half - n // 2 :] -= before * (1j * phase[self._half - n // 2 :])
        # The inverse transform's 1 / (M W') is in here, so that it makes no pass of its own.
        lines = F.pad(torch.fft.fft(turned, norm="forward"), (0, 0, 0, length - m)).roll(-(m // 2), dims=-2)
        self._transfer: Tensor = torch.fft.fft(lines, dim=-2, norm="forward").movedim(-1, halved).contiguous()
        self._conjugate = self._transfer.conj().resolve_conj()

    def pack(self, x: Tensor, at: tuple[int, int] = (0, 0)) -> Tensor:
        """(B, C, H, W) -> (B, C, M, W', 2), the first pixel of `x` at row and column `at`; beyond `x` it is zero."""
        if x.shape[-2:] == self.shape:
            return torch.view_as_real(torch.complex(*x.chunk(2, self._halved)))
        packed = x.new_zeros(*x.shape[:-2], *self._transfer.shape[-2:], 2)
        for part, rows, columns, own in self._halves(at, (x.shape[-2], x.shape[-1])):
            packed[..., rows, columns, part] = x.narrow(self._halved, *own)
        return packed

    def unpack(self, packed: Tensor, at: tuple[int, int], size: tuple[int, int]) -> Tensor:
        """(B, C, M, W', 2) -> (B, C, H, W): of the canvas the part of `size` whose first pixel lies at `at`."""
        parts = [packed[..., rows, columns, part] for part, rows, columns, _ in self._halves(at, size)]
        return torch.cat(parts, dim=self._halved)

    def _halves(
        self, at: tuple[int, int], size: tuple[int, int]
    ) -> Iterator[tuple[int, slice, slice, tuple[int, int]]]:
        """Where an image of `size` at `at` lies: part, rows and columns of the packed canvas; what of its own it is."""
        first, last = at[self._halved], at[self._halved] + size[self._halved]
        along = slice(at[self._other], at[self._other] + size[self._other])
        for part, start in enumerate((0, self._half)):
            begin, end = (min(max(i, start), start + self._half) for i in (first, last))
            lines = slice(begin - start, end - start)
            rows, columns = (lines, along) if self._halved == -2 else (along, lines)
            yield part, rows, columns, (begin - first if end > begin else 0, end - begin)

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
