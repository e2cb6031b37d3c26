"""From the name of a method on the command line to a function, blurred -> sharp."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from deblurlib import blur, contracts, deconvolution, networks

CLASSICAL = ("richardson_lucy", "tikhonov", "wiener")
"""Methods that need the kernel."""

NOISE, GRADIENT = 0.01, 0.1
"""The noise that Wiener and Tikhonov expect unless it is given, and the size of the gradients of photographs (our
choice): Tikhonov's weight is the square of their ratio, so that both start from the library's defaults."""


def restorer(method: str, kernel: Path | None, noise: float | None) -> Callable[[Tensor], Tensor]:
    """The function that a method's name stands for.

    Args:
        method: A shipped generator, a weights file, the folder of a run, or one of CLASSICAL.
        kernel: An image of the kernel, for CLASSICAL.
        noise: Standard deviation, for CLASSICAL.

    Raises:
        ValueError: an unknown method, one without its kernel, or an option that it does not take.
        FileNotFoundError: a weights file or a kernel that is not there.
    """
    if method in CLASSICAL:
        if kernel is None:
            raise ValueError(f"{method} needs to know the blur: give an image of the kernel with --kernel.")
        k = blur.load_kernel(kernel)
        if noise is not None:
            contracts.number(noise, "noise", low=0, open_low=True)
        sigma = NOISE if noise is None else noise
        if method == "wiener":
            return lambda x: deconvolution.wiener(x, k, noise=sigma)
        if method == "tikhonov":
            return lambda x: deconvolution.tikhonov(x, k, weight=(sigma / GRADIENT) ** 2)
        return lambda x: deconvolution.richardson_lucy(x, k, damping=noise or 0.0)
    shipped = networks.shipped_names()
    path = Path(method)
    if method not in shipped and not path.exists() and path.suffix != ".safetensors":
        known = ", ".join([*shipped, *CLASSICAL])
        raise ValueError(f"method: unknown {method!r}, expected one of {known}, or the path of a .safetensors file.")
    for name, value in (("--kernel", kernel), ("--noise", noise)):
        if value is not None:
            raise ValueError(f"{name} goes with {', '.join(CLASSICAL)}; the generator {method} does without.")
    if path.is_dir() and method not in shipped:
        path = path / "generator.safetensors"  # the folder of a run
    generator = networks.load_generator(method if method in shipped else path)
    return generator.to("cuda" if torch.cuda.is_available() else "cpu")
