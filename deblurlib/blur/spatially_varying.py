"""Blur that differs from place to place: the mean of a video's frames, and one kernel for each region of the image."""

import math
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib import contracts
from deblurlib.blur.circular import fast_length
from deblurlib.blur.operator import BOUNDARIES, extend, fold
from deblurlib.blur.sensor import from_linear, to_linear


def average_frames(frames: Tensor, *, weights: Tensor | None = None, curve: str = "srgb") -> Tensor:
    """The mean of the frames of a video: what one long exposure would have recorded (Nah et al. 2017).

    y = file(sum_t w_t light(x_t)). The mean is taken in linear light, because light adds and file values do not.

    Args:
        frames: (T, C, H, W) in [0, 1], one after another.
        weights: (T,), non-negative; None takes all frames alike. They are divided by their sum.
        curve: Of the files, see `to_linear`; 'gamma' is Nah et al.'s choice, 'none' takes the mean of file values.

    Returns:
        (1, C, H, W).

    Raises:
        TypeError, ValueError: the frames are not images, or the weights do not fit them.

    Example:
        >>> frames = torch.tensor([0.0, 1.0]).reshape(2, 1, 1, 1).expand(2, 1, 2, 2)
        >>> [round(float(average_frames(frames, curve=curve)[0, 0, 0, 0]), 3) for curve in ("srgb", "none")]
        [0.735, 0.5]
    """
    contracts.image(frames, "frames")
    w = shares(weights, len(frames), frames)
    return from_linear(torch.einsum("t,tchw->chw", w, to_linear(frames, curve))[None], curve)


def shares(weights: Tensor | None, count: int, like: Tensor) -> Tensor:
    """Weights that sum to one, one for each of `count` moments of the exposure; None makes them equal.

    Raises:
        ValueError: another number of weights, negative ones, or nothing but zeros.
    """
    if weights is None:
        return torch.full((count,), 1 / count, dtype=like.dtype, device=like.device)
    if not isinstance(weights, Tensor) or weights.shape != (count,):
        raise ValueError(f"weights: expected a tensor of shape ({count},), one for each moment, got {weights!r}.")
    total = float(weights.detach().sum())
    if float(weights.detach().min()) < 0 or not math.isfinite(total) or total <= 0:
        raise ValueError("weights: expected finite, non-negative numbers that do not all vanish.")
    return (weights / weights.sum()).to(like)


def smooth_windows(n: int, count: int, *, dtype: torch.dtype = torch.float32) -> Tensor:
    """Windows along one axis: `count` equal regions that pass smoothly into one another, and sum to one everywhere.

    Each window is 1 at the middle of its region, falls as cos^2 to 0 at the middle of the next one, and stays 1 from
    the middle of the first (last) region to the frame.

    Args:
        n: Pixels along the axis.
        count: Regions, from 1 to n.
        dtype: Of the result.

    Returns:
        (count, n).

    Raises:
        ValueError: `count` out of range.

    Example:
        >>> [round(v, 3) for v in smooth_windows(6, 2)[0].tolist()]
        [1.0, 1.0, 0.75, 0.25, 0.0, 0.0]
    """
    if not 1 <= count <= n:
        raise ValueError(f"count: expected from 1 to {n} regions for {n} pixels, got {count}.")
    # In units of regions, counted from the middle of the first one.
    place = ((torch.arange(n, dtype=torch.float64) + 0.5) * count / n - 0.5).clamp(0, count - 1)
    away = (place - torch.arange(count, dtype=torch.float64)[:, None]).abs().clamp(max=1)
    return (torch.cos(math.pi / 2 * away).square() * (away < 1)).to(dtype)


class FilterFlow:
    """Blur with one kernel for each region of the image, y = sum_r k_r * (w_r x): the efficient filter flow.

    Hirsch et al. (2010). The windows w_r are those of `smooth_windows` along rows and columns and sum to one, so a
    point of light at p leaves the mark sum_r w_r(p) k_r, which passes smoothly from one kernel to the next and
    keeps its light. All regions are convolved in one batched FFT. With equal kernels it is `Blur`.

    Args:
        kernels: (R, S, h, w), R rows and S columns of regions; each odd, non-negative, sum 1.
        boundary: What lies beyond the frame, as for `Blur`; it is blurred like the region next to it, and for 'wrap'
            like the region that it repeats.

    Raises:
        TypeError, ValueError: a kernel breaks its contract, or the boundary is unknown.

    Example:
        >>> k = torch.zeros(1, 2, 1, 3)
        >>> k[0, 0, 0, 1] = k[0, 1, 0, 2] = 1.0  # on the left nothing happens, on the right all moves by a pixel
        >>> x = torch.zeros(1, 1, 2, 8)
        >>> x[..., 0, 1] = x[..., 0, 5] = 1.0
        >>> [abs(round(v, 3)) for v in FilterFlow(k)(x)[0, 0, 0].tolist()]
        [0.0, 1.0, 0.0, 0.0, 0.0, 0.038, 0.962, 0.0]
    """

    def __init__(self, kernels: Tensor, boundary: str = "wrap") -> None:
        if not isinstance(kernels, Tensor) or kernels.ndim != 4:
            found = tuple(kernels.shape) if isinstance(kernels, Tensor) else type(kernels).__name__
            raise ValueError(f"kernels: expected a tensor of shape (rows, columns, h, w), got {found}.")
        contracts.kernel(kernels.reshape(-1, 1, *kernels.shape[-2:]), "kernels")
        self.kernels = kernels
        self.boundary = contracts.choice(boundary, "boundary", BOUNDARIES)
        self._kept: dict[tuple[int, int], Tensor] = {}

    def __repr__(self) -> str:
        return f"FilterFlow(kernels={tuple(self.kernels.shape)}, boundary={self.boundary!r})"

    def __call__(self, x: Tensor) -> Tensor:
        """Blur an image: `forward`."""
        return self.forward(x)

    def kernel_at(self, row: float, column: float, shape: tuple[int, int]) -> Tensor:
        """The mark that a point of light at this pixel of an H x W image leaves: (1, 1, h, w)."""
        u, v = (
            smooth_windows(n, count, dtype=self.kernels.dtype).to(self.kernels.device)[:, int(at)]
            for n, count, at in zip(shape, self.kernels.shape[:2], (row, column), strict=True)
        )
        k: Tensor = torch.einsum("r,s,rshw->hw", u, v, self.kernels)
        return k[None, None]

    def forward(self, x: Tensor) -> Tensor:
        """Blur an image (B, C, H, W); 'valid' makes it smaller by h - 1 and w - 1.

        Raises:
            TypeError, ValueError: `x` breaks its contract, or does not go with the kernels.
        """
        self._check(x)
        p, q = self._margin()
        wide = x if self.boundary == "wrap" else extend(x, (p, q), self.boundary)
        shape = (wide.shape[-2], wide.shape[-1])
        tiles, windows, (tall, broad) = self._tiles(shape)
        cut = torch.stack([wide[..., r : r + tall, s : s + broad] for r, s in tiles], dim=2)
        spread = self._convolve(cut * windows, (tall, broad), conjugate=False)
        y = x.new_zeros(*x.shape[:2], shape[0] + 2 * p, shape[1] + 2 * q)
        for i, (r, s) in enumerate(tiles):
            y[..., r : r + tall + 2 * p, s : s + broad + 2 * q] += spread[:, :, i]
        if self.boundary == "wrap":  # what leaves the frame comes in at the other side
            return fold(y, (p, q), "wrap")
        return y[..., 2 * p : shape[0], 2 * q : shape[1]]

    def adjoint(self, y: Tensor) -> Tensor:
        """Apply the exact adjoint: correlate each region, weigh it by its window, and fold back from beyond the frame.

        Args:
            y: (B, C, H, W), the shape that `forward` returns.

        Raises:
            TypeError, ValueError: as `forward`.
        """
        p, q = self._margin()
        if self.boundary == "valid":
            contracts.image(y, operator=True, smallest=1)
            contracts.goes_with(y, self.kernels[:1, :1])
        else:
            self._check(y)
        wrap = self.boundary == "wrap"
        spread = extend(y, (p, q), "wrap") if wrap else F.pad(y, (2 * q, 2 * q, 2 * p, 2 * p))
        shape = (spread.shape[-2] - 2 * p, spread.shape[-1] - 2 * q)
        tiles, windows, (tall, broad) = self._tiles(shape)
        cut = torch.stack([spread[..., r : r + tall + 2 * p, s : s + broad + 2 * q] for r, s in tiles], dim=2)
        back = self._convolve(cut, (tall, broad), conjugate=True)[..., :tall, :broad] * windows
        x = y.new_zeros(*y.shape[:2], *shape)
        for i, (r, s) in enumerate(tiles):
            x[..., r : r + tall, s : s + broad] += back[:, :, i]
        return x if wrap else fold(x, (p, q), self.boundary)

    def _margin(self) -> tuple[int, int]:
        return self.kernels.shape[-2] // 2, self.kernels.shape[-1] // 2

    def _check(self, x: Tensor) -> None:
        contracts.image(x, operator=True)
        contracts.fits(x, self.kernels[:1, :1])
        for name, n, count in zip(("rows", "columns"), x.shape[-2:], self.kernels.shape[:2], strict=True):
            if count > n:
                raise ValueError(f"kernels: {count} {name} of regions are more than the image's {n} {name}.")

    def _tiles(self, shape: tuple[int, int]) -> tuple[list[tuple[int, int]], Tensor, tuple[int, int]]:
        """The first pixel of each tile of the extended image, its windows (tiles, tall, broad), and the tiles' size."""
        axes = []
        for n, count, margin in zip(shape, self.kernels.shape[:2], self._margin(), strict=True):
            beyond = 0 if self.boundary in ("wrap", "valid") else margin
            w = smooth_windows(n - 2 * beyond, count, dtype=self.kernels.dtype)
            w = F.pad(w[None], (beyond, beyond), mode="replicate")[0]
            lit = [row.nonzero() for row in w]
            length = max(int(places[-1] - places[0]) + 1 for places in lit)
            starts = [min(int(places[0]), n - length) for places in lit]
            axes.append((starts, torch.stack([w[i, a : a + length] for i, a in enumerate(starts)]), length))
        (rows, u, tall), (columns, v, broad) = axes
        windows = torch.einsum("ri,sj->rsij", u, v).flatten(0, 1).to(self.kernels.device)
        return [(r, s) for r in rows for s in columns], windows, (tall, broad)

    def _convolve(self, x: Tensor, size: tuple[int, int], *, conjugate: bool) -> Tensor:
        """Convolve (or correlate) each tile of (B, C, tiles, ., .) with its own kernel, without wrapping round."""
        h, w = self.kernels.shape[-2:]
        full = (size[0] + h - 1, size[1] + w - 1)
        shape = (fast_length(full[0]), fast_length(full[1]))
        k = self._transfer(shape)
        spectrum = torch.fft.rfft2(x, s=shape)
        multiply = torch.mul if k.requires_grad else Tensor.mul_  # as in `Blur`
        y: Tensor = torch.fft.irfft2(multiply(spectrum, k.conj() if conjugate else k), s=shape)
        return y[..., : full[0], : full[1]]

    def _transfer(self, shape: tuple[int, int]) -> Tensor:
        """The spectra of the kernels, their corner at the origin, computed once: (tiles, ., .) complex."""
        if not self.kernels.requires_grad and shape in self._kept:
            return self._kept[shape]
        with torch.inference_mode(False):  # what is kept must also serve a later call that takes gradients
            k: Tensor = torch.fft.rfft2(self.kernels.flatten(0, 1), s=shape)
        if not self.kernels.requires_grad:  # a kept one would keep the graph of the first call
            self._kept[shape] = k
        return k


def local_kernels(
    blur: Callable[[Tensor], Tensor],
    shape: tuple[int, int],
    grid: tuple[int, int],
    size: int,
    *,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Ask a blur for its kernels: a star in the middle of each region, and what becomes of it.

    Args:
        blur: A linear blur of images (B, 1, H, W) that keeps their size.
        shape: (H, W) of the image.
        grid: (R, S) regions along rows and columns.
        size: Side of the kernels, odd; light that falls outside is left out.
        dtype: Of the stars and the kernels.

    Returns:
        (R, S, size, size) kernels, each divided by its sum, as `FilterFlow` takes them.

    Raises:
        ValueError: an even size, more regions than pixels, or a blur that leaves no light near a star.

    Example:
        >>> from deblurlib.blur import Blur, gaussian
        >>> k = gaussian(9, 1.5)
        >>> found = local_kernels(Blur(k, "zero"), (32, 48), (2, 3), 9)
        >>> found.shape, bool(torch.allclose(found, k.expand_as(found), atol=1e-6))
        (torch.Size([2, 3, 9, 9]), True)
    """
    half = contracts.odd_size(size) // 2
    found = []
    for r in range(grid[0]):
        for s in range(grid[1]):
            row, column = ((2 * i + 1) * n // (2 * count) for i, n, count in zip((r, s), shape, grid, strict=True))
            star = torch.zeros(1, 1, *shape, dtype=dtype)
            star[..., row, column] = 1
            mark = F.pad(blur(star), [half] * 4)[0, 0, row : row + size, column : column + size]
            found.append(mark.clamp(min=0))
    kernels = torch.stack(found).reshape(*grid, size, size)
    light = kernels.sum(dim=(-2, -1), keepdim=True)
    if float(light.min()) < 0.5:
        raise ValueError(f"size: {float(1 - light.min()):.0%} of a star's light falls outside {size}x{size} pixels.")
    return kernels / light
