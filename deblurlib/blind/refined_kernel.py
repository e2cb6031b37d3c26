"""The kernel between a restoration and the photograph: least squares, and a network that knows their faults."""

import torch
from torch import Tensor

from deblurlib.blind.edges import gradients
from deblurlib.blind.kernel_cleanup import normalise, recentre
from deblurlib.blind.window import grey
from deblurlib.least_squares import ridges
from deblurlib.networks import KernelRefiner

RIM = 3
"""Pixels at the frame that the kernel is not seen by (our choice)."""

WEIGHTS = (0.1, 1.0, 10.0)
"""Of the three ridges, in parts of the gradients' energy (our choice)."""

ITERATIONS = 40
"""Of conjugate gradients (our choice)."""

NOISE = (0.002, 0.015)
"""Standard deviations that the network that ships was trained on."""


def inner_edges(x: Tensor) -> Tensor:
    """Gradients of the grey picture without its rim: (B, C, H, W) -> (B, 2, H - 7, W - 7)."""
    return gradients(grey(x))[..., RIM:-RIM, RIM:-RIM]


def three_ridges(sharp: Tensor, blurred: Tensor, size: int) -> Tensor:
    """The kernels of three ridges, weak to strong: (B, 3, size, size), as they come.

    k = argmin sum_i |d_i l * k - d_i y|^2 + w |k|^2, where w is 0.1, 1 and 10 times sum_i |d_i l|^2.

    Args:
        sharp: (B, 2, H, W), gradients of the restoration.
        blurred: (B, 2, H, W), those of the photograph.
        size: Odd, of the kernels.

    Example:
        >>> from deblurlib.blur import Blur, gaussian
        >>> x = torch.randn(1, 2, 64, 64, generator=torch.Generator().manual_seed(0))
        >>> three_ridges(x, Blur(gaussian(5, 1.0))(x), 7).double().sum(dim=(-2, -1)).round(decimals=1).tolist()
        [[0.9, 0.5, 0.1]]
    """
    return ridges(sharp, blurred, size, WEIGHTS, iterations=ITERATIONS)


def refine(ridges: Tensor, network: KernelRefiner, noise: float) -> Tensor:
    """The mean of what the network makes of the ridges in their eight turns and mirrors, as a kernel.

    Args:
        ridges: (B, 3, size, size).
        network: That corrects them.
        noise: Standard deviation of the photograph's noise; outside of `NOISE` its nearer end is taken.

    Returns:
        (B, 1, size, size), non-negative, sum 1, its centroid in the middle.

    Example:
        >>> from deblurlib.blur import gaussian
        >>> k = gaussian(7, 1.0)
        >>> bool(torch.allclose(refine(k.expand(-1, 3, -1, -1), KernelRefiner(), 0.01), k, atol=1e-6))
        True
    """
    level = min(max(noise, NOISE[0]), NOISE[1])
    kernel = torch.zeros_like(ridges[:, :1])
    for seen, back in ((ridges, False), (ridges.flip(-1), True)):
        for turns in range(4):
            found = network(seen.rot90(turns, (-2, -1)).float(), level).to(kernel.dtype)
            found = normalise(found).rot90(-turns, (-2, -1))
            kernel += found.flip(-1) if back else found
    return recentre(kernel)
