"""From the name of a method on the command line to a function, blurred -> sharp."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from deblurlib import blind, blur, contracts, deconvolution, networks
from deblurlib.cli import blindly

CLASSICAL = (
    *("richardson_lucy", "tikhonov", "wiener", "hyper_laplacian"),
    *("plug_and_play", "deep_deconvolution", "deconvolution_cnn"),
)
"""Methods that need the kernel; those of the second line are learned."""

NOISE, GRADIENT = 0.01, 0.1
"""The noise that Wiener and Tikhonov expect unless it is given, and the size of the gradients of photographs (our
choice): Tikhonov's weight is the square of their ratio, so that both start from the library's defaults."""

EDGES = 8e-4
"""Weight of the hyper-Laplacian prior at noise of NOISE, the library's default; it grows with the noise's square."""

LEARNED: dict[str, Callable[..., Tensor]] = {
    "plug_and_play": deconvolution.plug_and_play,
    "deep_deconvolution": deconvolution.deep_deconvolution,
    "deconvolution_cnn": deconvolution.deconvolution_cnn,
}


def restorer(
    method: str,
    kernel: Path | None,
    noise: float | None,
    *,
    kernel_size: int | None = None,
    window: int | None = None,
) -> Callable[[Tensor], Tensor]:
    """The function that a method's name stands for.

    Args:
        method: A shipped generator, a weights file, the folder of a run, one of CLASSICAL, or a blind method.
        kernel: An image of the kernel, for CLASSICAL.
        noise: Standard deviation, for CLASSICAL.
        kernel_size: For blind methods; a guess from the photograph without one.
        window: For blind methods: side of the window that the kernel is seen in.

    Raises:
        ValueError: an unknown method, one without its kernel, or an option that it does not take.
        FileNotFoundError: a weights file or a kernel that is not there.
    """
    if method in blind.METHODS:
        _refuse({"--kernel": kernel, "--noise": noise}, ", ".join(CLASSICAL), f"{method} finds the kernel itself")
        return blindly.restorer(method, kernel_size, window)
    _refuse({"--kernel-size": kernel_size, "--window": window}, ", ".join(blind.METHODS), f"{method} does without")
    if method in CLASSICAL:
        if kernel is None:
            raise ValueError(f"{method} needs to know the blur: give an image of the kernel with --kernel.")
        k = blur.load_kernel(kernel)
        if noise is not None:
            contracts.number(noise, "noise", low=0, high=1, open_low=True)
        sigma = NOISE if noise is None else noise
        if method == "wiener":
            return lambda x: deconvolution.wiener(x, k, noise=sigma)
        if method == "tikhonov":
            return lambda x: deconvolution.tikhonov(x, k, weight=(sigma / GRADIENT) ** 2)
        if method == "hyper_laplacian":
            return lambda x: deconvolution.hyper_laplacian(x, k, weight=EDGES * (sigma / NOISE) ** 2)
        if method in LEARNED:
            learned = LEARNED[method]
            return lambda x: learned(x, k, noise=sigma)
        return lambda x: deconvolution.richardson_lucy(x, k, damping=noise or 0.0)
    shipped = networks.shipped_names()
    path = Path(method)
    if method not in shipped and not path.exists() and path.suffix != ".safetensors":
        known = ", ".join([*shipped, *blind.METHODS, *CLASSICAL])
        raise ValueError(f"method: unknown {method!r}, expected one of {known}, or the path of a .safetensors file.")
    _refuse({"--kernel": kernel, "--noise": noise}, ", ".join(CLASSICAL), f"the generator {method} does without")
    if path.is_dir() and method not in shipped:
        path = path / "generator.safetensors"  # the folder of a run
    generator = networks.load_generator(method if method in shipped else path)
    return generator.to("cuda" if torch.cuda.is_available() else "cpu")


def _refuse(given: dict[str, object], others: str, why: str) -> None:
    """Say that an option does not go with the method."""
    for name, value in given.items():
        if value is not None:
            raise ValueError(f"{name} goes with {others}; {why}.")
