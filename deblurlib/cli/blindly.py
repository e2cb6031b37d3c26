"""Blind methods on the command line: a kernel size and a window unless they are given, and what was chosen, said."""

from collections.abc import Callable

import torch
import typer
from torch import Tensor
from tqdm import tqdm

from deblurlib import blind, contracts, deconvolution
from deblurlib.blind import Estimate

WINDOW_KERNELS = 12
"""Sides of the kernel that the side of the automatic window has, at least SMALLEST_WINDOW (our choice)."""

SMALLEST_WINDOW = 512


def estimate(photograph: Tensor, method: str, kernel_size: int | None, window: int | None) -> Estimate:
    """Estimate a kernel, with a bar; what was not given is chosen and said.

    Raises:
        TypeError, ValueError, FloatingPointError: as `blind.estimate`.
    """
    contracts.choice(method, "method", list(blind.METHODS))
    x = photograph.to("cuda" if torch.cuda.is_available() else "cpu")
    if kernel_size is None:
        kernel_size = blind.kernel_size_hint(x)
        typer.echo(
            f"Kernel size {kernel_size}, a guess from the photograph; give another with --kernel-size.", err=True
        )
    side = max(SMALLEST_WINDOW, WINDOW_KERNELS * kernel_size) if window is None else window
    with tqdm(unit="round", disable=None, leave=False) as bar:

        def tell(step: blind.Round) -> None:
            bar.set_postfix_str(f"scale {step.scale + 1}, kernel {step.kernel.shape[-1]}")
            bar.update()

        found = blind.estimate(x, kernel_size, method=method, window=side or None, callback=tell)
    if found.window is not None:
        w = found.window
        typer.echo(
            f"The kernel is seen in the window of {w.width}x{w.height} pixels at {w.left} from the left, "
            f"{w.top} from the top; --window 0 takes the whole photograph.",
            err=True,
        )
    return found


def restorer(method: str, kernel_size: int | None, window: int | None) -> Callable[[Tensor], Tensor]:
    """The function, blurred -> sharp, of a blind method: `estimate`, then `deconvolution.hyper_laplacian`."""

    def restore(x: Tensor) -> Tensor:
        found = estimate(x, method, kernel_size, window)
        return deconvolution.hyper_laplacian(x.to(found.kernel.device), found.kernel).cpu()

    return restore
