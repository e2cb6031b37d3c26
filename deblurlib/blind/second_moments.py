"""What a kernel step needs of the sharp gradients: the products of their shifts, summed over the frame, exactly."""

import torch
from torch import Tensor

from deblurlib.blind.free_boundary import FreeBoundary
from deblurlib.blind.posterior import Gaussian, SeenGradients
from deblurlib.blur.circular import fast_length


def kernel_equations(y: SeenGradients, x: Gaussian) -> tuple[Tensor, Tensor]:
    """A and b of E |y - M (k * x)|^2 = k' A k - 2 b' k + const, over both gradients (Levin et al. 2011, Eq. 16).

    Args:
        y: The blurred gradients.
        x: Their posterior: A has the products of the means, and the sums of the variances on its diagonal.

    Returns:
        (B, n n, n n) and (B, n n), float64.
    """
    normal, target = least_squares(y, x.mean)
    spread = _window_sums(x.variance.double(), y.size).sum(dim=1).flatten(1).flip(1)
    return normal + torch.diag_embed(spread), target


def least_squares(y: FreeBoundary, x: Tensor) -> tuple[Tensor, Tensor]:
    """A and b of |y - M (k * x)|^2 = k' A k - 2 b' k + const, for sharp maps that are certain.

    Args:
        y: The blurred maps.
        x: (B, C, H + n - 1, W + n - 1), the sharp ones.

    Returns:
        (B, n n, n n) and (B, n n), float64.
    """
    n = y.size
    target: Tensor = torch.fft.irfft2((y.spectrum(y.values).conj() * y.spectrum(x)).sum(dim=1), s=y.shape)
    return shifted_products(x, n).flip(1, 2), target[..., :n, :n].double().flatten(1).flip(1)


def _window_sums(x: Tensor, n: int) -> Tensor:
    """The sums over the n x n windows of a picture that leave n - 1 rows and columns out, (B, M, n, n)."""
    total = torch.nn.functional.pad(x, (1, 0, 1, 0)).cumsum(-1).cumsum(-2)
    h, w = x.shape[-2] - n + 1, x.shape[-1] - n + 1
    return total[..., h:, w:] - total[..., :n, w:] - total[..., h:, :n] + total[..., :n, :n]


def shifted_products(x: Tensor, n: int) -> Tensor:
    """G(s, t) = sum over maps and over the p of a frame of x(p + s) x(p + t), for all shifts s, t below n.

    G(s + 1, t + 1) differs from G(s, t) by one line at each end of the frame only. So transforms give the first line,
    and the ends all others: as exact as the matrix of all shifts times itself, without its P^2 N products.

    Args:
        x: (B, M, H + n - 1, W + n - 1).
        n: Side of the kernel.

    Returns:
        (B, n n, n n), float64.

    Example:
        >>> x = torch.tensor([[[[1.0, 2.0, 3.0, 4.0]] * 3]])
        >>> shifted_products(x, 3)[0, :3, :3].round().tolist()  # 1 and 2, 2 and 3, 3 and 4
        [[5.0, 8.0, 11.0], [8.0, 13.0, 18.0], [11.0, 18.0, 25.0]]
    """
    batch, h, w = x.shape[0], x.shape[-2] - n + 1, x.shape[-1] - n + 1
    shape = (fast_length(x.shape[-2]), fast_length(x.shape[-1]))

    def correlation(a: Tensor, b: Tensor) -> Tensor:
        product = torch.fft.rfft2(a, s=shape).conj() * torch.fft.rfft2(b, s=shape)
        lags: Tensor = torch.fft.irfft2(product.sum(dim=1), s=shape)
        return lags.double()[:, :n]

    line = x.new_zeros(batch, n, n, n, dtype=torch.float64)  # of s = (0, j), t = (i', j')
    line[:, 0] = correlation(x[..., :h, :w], x)[..., :n]
    backwards = correlation(x[..., :h, :], x[..., :w])
    line[:, 1:, :, 0] = backwards[..., -(n - 1) :].flip(-1).mT
    left, right = (c.unfold(2, h, 1) for c in (x[..., : n - 1], x[..., w:]))  # (B, M, n, n - 1, h)
    left_end, right_end = (torch.einsum("bmjp,bmikp->bjik", c[:, :, 0], c).double() for c in (left, right))
    ends = right_end - left_end
    for j in range(n - 1):
        line[:, j + 1, :, 1:] = line[:, j, :, :-1] + ends[:, j]
    products = line.new_zeros(batch, n, n, n, n)
    products[:, 0] = line
    products[:, :, :, 0] = line.permute(0, 2, 3, 1)
    top, bottom = (c.unfold(3, w, 1).flatten(2, 3) for c in (x[..., : n - 1, :], x[..., h:, :]))
    top_end, bottom_end = (torch.einsum("bmsq,bmtq->bst", c, c).double() for c in (top, bottom))
    steps = (bottom_end - top_end).view(batch, n - 1, n, n - 1, n)
    for i in range(n - 1):
        products[:, i + 1, :, 1:] = products[:, i, :, :-1] + steps[:, i]
    return products.view(batch, n * n, n * n)
