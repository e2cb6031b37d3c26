"""A kernel from a network's restoration: the network sees the edges, least squares find what blurred them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from deblurlib import contracts
from deblurlib.blind.estimate import check_edges, check_kernel_size
from deblurlib.blind.refined_kernel import inner_edges, refine, three_ridges
from deblurlib.deconvolution import deep_deconvolution, plug_and_play
from deblurlib.networks import Deblurrer, KernelRefiner, load_generator, load_kernel_refiner

GENERATOR = "pretrained"
"""The generator that restores first."""


@dataclass(frozen=True)
class GuidedSettings:
    """What the method may be told.

    Raises:
        ValueError: a setting out of range.
    """

    mixed: float = 0.5  # of deep_deconvolution in the deconvolution; plug_and_play has the rest (our choice)
    share: float = 0.8  # of the deconvolution in the result; the generator has the rest (our choice)

    def __post_init__(self) -> None:
        contracts.number(self.mixed, "mixed", low=0, high=1)
        contracts.number(self.share, "share", low=0, high=1)


@dataclass(frozen=True)
class Guided:
    """What the method found.

    Attributes:
        kernel: (B, 1, size, size), non-negative, sum 1, its centroid in the middle.
        latent: (B, C, H, W), what the network made of the picture.
        divided: (B, C, H, W), the picture deconvolved with the kernel.
        image: (B, C, H, W), the result, in [0, 1].
    """

    kernel: Tensor
    latent: Tensor
    divided: Tensor
    image: Tensor


@torch.no_grad()
def guided(
    blurred: Tensor,
    kernel_size: int = 35,
    *,
    noise: float = 0.01,
    generator: Deblurrer | None = None,
    refiner: KernelRefiner | None = None,
    settings: GuidedSettings | None = None,
) -> Guided:
    """Deblur with a network and with the kernel that its restoration gives away.

    After Schuler, Hirsch, Harmeling, Schölkopf (2016): a network makes the latent picture l, and the kernel follows in
    closed form,

        k = argmin sum_i |d_i l * k - d_i y|^2 + w |k|^2,

    d_1 and d_2 being the two differences of the grey picture. Theirs is a cascade that is trained as a whole. Here the
    generator is any, and what its softness does to k is undone by a second network, the `KernelRefiner`: it sees k for
    three weights w, and no picture. With its kernel the picture is deconvolved twice, by `plug_and_play` and by
    `deep_deconvolution`. The generator hedges where it cannot tell, and each deconvolution rings in its own way where
    the kernel is wrong: their errors differ, and a mean of the three has less than any.

    Args:
        blurred: (B, C, H, W) in [0, 1], C = 1 or 3, blurred by one kernel.
        kernel_size: Odd; the whole kernel must fit.
        noise: Standard deviation, above 0.
        generator: That restores first; None takes `GENERATOR`, which ships.
        refiner: That corrects the kernel; None takes the one that ships.
        settings: To change something.

    Returns:
        Kernel and pictures.

    Raises:
        TypeError, ValueError: not a photograph, a flat one, a kernel that does not fit it, or no noise.

    Example:
        >>> from deblurlib import images
        >>> from deblurlib.blur import Blur, linear_motion
        >>> x = images.bundled("camera")[..., 100:228, 180:308]
        >>> found = guided(Blur(linear_motion(9, 0.0), "replicate")(x), 13)
        >>> found.kernel.shape, float(found.kernel[..., 6, :].sum()) > 0.5
        (torch.Size([1, 1, 13, 13]), True)
    """
    settings = settings or GuidedSettings()
    contracts.photograph(blurred, "blurred")
    check_edges(blurred)
    seen = inner_edges(blurred)
    check_kernel_size(kernel_size, seen, "the photograph within its rim")
    generator = generator or load_generator(GENERATOR).to(blurred.device)
    refiner = refiner or load_kernel_refiner().to(blurred.device)
    latent = generator(blurred)
    kernel = refine(three_ridges(inner_edges(latent), seen, kernel_size), refiner, noise)
    split, filtered = plug_and_play(blurred, kernel, noise=noise), deep_deconvolution(blurred, kernel, noise=noise)
    divided = torch.lerp(split, filtered, settings.mixed).clamp(0, 1)
    image = torch.lerp(latent, divided, settings.share)
    return Guided(kernel, latent, divided, image.clamp(0, 1))
