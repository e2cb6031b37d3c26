"""The distance between a restoration and the truth, in the measure that we judge by: ratios."""

from torch import Tensor

FLOOR = 1e-3
"""Added to an error before its logarithm: a quarter of a grey level, below which nothing is gained (our choice)."""


def log_error(restored: Tensor, reference: Tensor) -> Tensor:
    """The mean over images of the logarithm of the mean absolute error, E_i log(E |restored_i - reference_i| + 0.001).

    PSNR is a logarithm, so a tenth less error is worth the same on a smooth crop as on a busy one. A plain mean of
    absolute errors is ruled by the busy crops; this one is not (our choice, in the spirit of the PSNR loss of
    Chen et al. 2021).

    Args:
        restored: (B, C, H, W).
        reference: Same shape.

    Returns:
        A scalar: less by 0.1 means about a tenth less error.

    Raises:
        ValueError: different shapes.

    Example:
        >>> import torch
        >>> x = torch.zeros(2, 3, 8, 8)
        >>> round(log_error(x + 0.02, x).item() - log_error(x + 0.04, x).item(), 2)
        -0.67
    """
    if restored.shape != reference.shape:
        raise ValueError(f"restored has shape {tuple(restored.shape)}, reference has {tuple(reference.shape)}.")
    error = (restored - reference).abs().mean(dim=(1, 2, 3))
    return (error + FLOOR).log().mean()
