"""Blur as a linear operator: y = k * x, true convolution by FFT, with its exact adjoint."""

from functools import cached_property

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib import contracts
from deblurlib.blur.circular import circular, fast_length, in_columns, keep_freed_blocks
from deblurlib.blur.right_angle import RightAngle, support

BOUNDARIES = ("wrap", "reflect", "replicate", "zero", "valid")
"""What lies beyond the frame: the other side, a mirror, the edge pixel, darkness; or only pixels that need nothing."""


def transfer_function(kernel: Tensor, shape: tuple[int, int]) -> Tensor:
    """The optical transfer function K: what the kernel does to each frequency of an image of this shape.

    K = rfft2 of the kernel, zero-padded to the image and rolled so that its centre h // 2 lies at the origin.

    Args:
        kernel: (B, 1, h, w), odd, non-negative, sum 1.
        shape: (H, W) of the image, no smaller than the kernel.

    Returns:
        (B, 1, H, W // 2 + 1) complex, K[..., 0, 0] = 1.

    Raises:
        TypeError, ValueError: the kernel breaks its contract, or is larger than the image.

    Example:
        >>> k = torch.tensor([[[[0.25, 0.5, 0.25]]]])
        >>> transfer_function(k, (1, 4)).real.flatten().tolist()
        [1.0, 0.5, 0.0]
    """
    h, w = contracts.kernel(kernel).shape[-2:]
    if h > shape[0] or w > shape[1]:
        raise ValueError(f"kernel: {h}x{w} is larger than the image, {shape[0]}x{shape[1]}.")
    padded = F.pad(kernel, (0, shape[1] - w, 0, shape[0] - h))
    transfer: Tensor = torch.fft.rfft2(padded.roll((-(h // 2), -(w // 2)), dims=(-2, -1)))
    return transfer


def _is_fast(x: Tensor) -> bool:
    return all(fast_length(n) == n for n in x.shape[-2:])


def extend(x: Tensor, margin: tuple[int, int], boundary: str, size: tuple[int, int] = (0, 0)) -> Tensor:
    """Say what lies beyond the frame: `margin` rows above and below, columns left and right ('valid': nothing).

    Below and to the right it goes on towards `size`, as far as the boundary lets it: what fills the canvas of an FFT
    need not be copied into it.

    Example:
        >>> extend(torch.arange(4.0)[None, None, None], (0, 2), "reflect").flatten().tolist()
        [2.0, 1.0, 0.0, 1.0, 2.0, 3.0, 2.0, 1.0]
    """
    if boundary == "valid":
        return x
    mode = {"wrap": "circular", "zero": "constant"}.get(boundary, boundary)
    reach = {"wrap": 0, "reflect": -1}  # a mirror shows all pixels but the first; the others go on for ever
    bottom, right = (
        max(m, min(goal - n - m, n + reach[boundary] if boundary in reach else goal))
        for n, m, goal in zip(x.shape[-2:], margin, size, strict=True)
    )
    return F.pad(x, (margin[1], right, margin[0], bottom), mode=mode)


def fold(y: Tensor, margin: tuple[int, int], boundary: str) -> Tensor:
    """The adjoint of `extend`: what was copied out of the frame is added back where it came from. Uses `y` up."""
    if boundary == "valid":
        return y
    return _fold(_fold(y, margin[0], -2, boundary), margin[1], -1, boundary)


def _fold(y: Tensor, pad: int, dim: int, boundary: str) -> Tensor:
    """Adjoint of padding one axis by `pad` on both sides, in place."""
    if pad == 0:
        return y
    n = y.shape[dim] - 2 * pad
    head, tail = y.narrow(dim, 0, pad), y.narrow(dim, pad + n, pad)
    body = y.narrow(dim, pad, n)
    if boundary == "wrap":
        body.narrow(dim, n - pad, pad).add_(head)
        body.narrow(dim, 0, pad).add_(tail)
    elif boundary == "reflect":
        body.narrow(dim, 1, pad).add_(head.flip(dim))
        body.narrow(dim, n - 1 - pad, pad).add_(tail.flip(dim))
    elif boundary == "replicate":
        body.narrow(dim, 0, 1).add_(head.sum(dim, keepdim=True))
        body.narrow(dim, n - 1, 1).add_(tail.sum(dim, keepdim=True))
    return body


class Blur:
    """The blur of one kernel (or one for each image of the batch), y = k * x, as a linear operator.

    True convolution, y[i] = sum_j k[j] x[i - j], with the kernel's centre at h // 2, computed by FFT; the transfer
    function is computed once for each image size. `adjoint` is exact for every boundary:
    <forward(x), y> = <x, adjoint(y)>.

    Args:
        kernel: (B or 1, 1, h, w), odd, non-negative, sum 1.
        boundary: What lies beyond the frame: 'wrap' (the image repeats), 'reflect' (a mirror that does not repeat the
            edge pixel), 'replicate' (the edge pixel goes on), 'zero' (darkness), or 'valid' (only pixels that need
            nothing from beyond: the result is smaller by h - 1 and w - 1).

    Raises:
        TypeError, ValueError: the kernel breaks its contract, or the boundary is unknown.

    Example:
        >>> x = torch.zeros(1, 1, 3, 4)
        >>> x[0, 0, 1, 1] = 1.0
        >>> k = torch.tensor([[[[0.0, 0.25, 0.75]]]])
        >>> [abs(round(v, 4)) for v in Blur(k, "zero")(x)[0, 0, 1].tolist()]
        [0.0, 0.25, 0.75, 0.0]
        >>> [abs(round(v, 4)) for v in Blur(k, "zero").adjoint(x)[0, 0, 1].tolist()]
        [0.75, 0.25, 0.0, 0.0]
    """

    def __init__(self, kernel: Tensor, boundary: str = "wrap") -> None:
        self.kernel = contracts.kernel(kernel)
        self.boundary = contracts.choice(boundary, "boundary", BOUNDARIES)
        keep_freed_blocks()
        self._transfer: dict[tuple[int, int], Tensor] = {}
        self._conjugate: dict[tuple[int, int], Tensor] = {}
        self._canvases: dict[tuple[int, int], RightAngle] = {}

    def __repr__(self) -> str:
        return f"Blur(kernel={tuple(self.kernel.shape)}, boundary={self.boundary!r})"

    def __call__(self, x: Tensor) -> Tensor:
        """Blur an image: `forward`."""
        return self.forward(x)

    def transfer_function(self, shape: tuple[int, int]) -> Tensor:
        """The transfer function at an image size (H, W), computed once: (B, 1, H, W // 2 + 1) complex."""
        if self.kernel.requires_grad:  # a cached one would keep the graph of the first call
            return transfer_function(self.kernel, shape)
        if shape not in self._transfer:
            with torch.inference_mode(False):  # what is kept must also serve a later call that takes gradients
                self._transfer[shape] = in_columns(transfer_function(self.kernel, shape))
        return self._transfer[shape]

    def forward(self, x: Tensor) -> Tensor:
        """Blur an image.

        Args:
            x: (B, C, H, W), no smaller than the kernel, dtype and device of the kernel.

        Returns:
            (B, C, H, W); for 'valid' (B, C, H - h + 1, W - w + 1).

        Raises:
            TypeError, ValueError: `x` breaks its contract, or does not go with the kernel.
        """
        self._check(x)
        p, q = self._margin()
        if self.boundary == "wrap" and _is_fast(x):
            return circular(x, self.transfer_function((x.shape[-2], x.shape[-1])))
        edge = (0, 0) if self.boundary == "valid" else (p, q)
        height, width = (n + 2 * m for n, m in zip(x.shape[-2:], edge, strict=True))
        canvas = self._canvas((height, width))
        packed = canvas.forward(canvas.pack(extend(x, edge, self.boundary, canvas.shape)), keep=False)
        return canvas.unpack(packed, (p, q), (height - 2 * p, width - 2 * q))

    def adjoint(self, y: Tensor) -> Tensor:
        """Apply the exact adjoint: correlate with the kernel, and fold what was read beyond the frame back into it.

        Args:
            y: (B, C, H, W), the shape that `forward` returns.

        Returns:
            (B, C, H, W); for 'valid' (B, C, H + h - 1, W + w - 1).

        Raises:
            TypeError, ValueError: as `forward`.
        """
        p, q = self._margin()
        if self.boundary == "valid":  # a kernel as large as the image leaves one pixel
            contracts.image(y, operator=True, smallest=1)
            contracts.goes_with(y, self.kernel)
        else:
            self._check(y)
        if self.boundary == "wrap" and _is_fast(y):
            return circular(y, self._conjugate_of((y.shape[-2], y.shape[-1])))
        size = (y.shape[-2] + 2 * p, y.shape[-1] + 2 * q)
        canvas = self._canvas(size)
        x = canvas.unpack(canvas.adjoint(canvas.pack(y, (p, q))), (0, 0), size)
        return fold(x, (p, q), self.boundary)

    @cached_property
    def _near(self) -> Tensor:
        """The kernel as far as it reaches."""
        return support(self.kernel)

    def _margin(self) -> tuple[int, int]:
        kernel = self.kernel if self.boundary == "valid" else self._near
        return kernel.shape[-2] // 2, kernel.shape[-1] // 2

    def _check(self, x: Tensor) -> None:
        contracts.image(x, operator=True)
        contracts.fits(x, self.kernel)

    def _conjugate_of(self, shape: tuple[int, int]) -> Tensor:
        """The transfer function's conjugate, kept as well: one that waits to be taken makes a copy in every call."""
        if self.kernel.requires_grad:
            return self.transfer_function(shape).conj()
        if shape not in self._conjugate:
            with torch.inference_mode(False):
                self._conjugate[shape] = self.transfer_function(shape).conj().resolve_conj()
        return self._conjugate[shape]

    def _canvas(self, shape: tuple[int, int]) -> RightAngle:
        """What holds an image of this shape with all that lies beyond its frame, made once."""
        if self.kernel.requires_grad:
            return RightAngle(self._near, shape)
        if shape not in self._canvases:
            with torch.inference_mode(False):
                self._canvases[shape] = RightAngle(self._near, shape)
        return self._canvases[shape]
