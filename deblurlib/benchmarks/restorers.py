"""From the name of a method to what it makes of a picture: blurred, true-kernel, blind, learned."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from deblurlib import blind, deconvolution, networks
from deblurlib.benchmarks.picture_sets import Sample
from deblurlib.networks import Deblurrer

Restorer = Callable[[Sample], Tensor]
"""From a sample to its restoration, (1, C, H, W)."""

BLURRED, ORACLE, PREFIX = "blurred", "oracle", "oracle:"

ORACLES: dict[str, Restorer] = {
    "wiener": lambda s: deconvolution.wiener(s.blurred, _kernel(s), noise=max(s.noise, 1e-4)),
    "tikhonov": lambda s: deconvolution.tikhonov(s.blurred, _kernel(s)),
    "richardson_lucy": lambda s: deconvolution.richardson_lucy(s.blurred, _kernel(s)),
    "total_variation": lambda s: deconvolution.total_variation(s.blurred, _kernel(s)),
    "hyper_laplacian": lambda s: deconvolution.hyper_laplacian(s.blurred, _kernel(s)),
    "sparse": lambda s: deconvolution.sparse(s.blurred, _kernel(s)),
    "l0_gradient": lambda s: deconvolution.l0_gradient(s.blurred, _kernel(s)),
    "plug_and_play": lambda s: deconvolution.plug_and_play(s.blurred, _kernel(s), noise=max(s.noise, 1e-3)),
    "deep_deconvolution": lambda s: deconvolution.deep_deconvolution(s.blurred, _kernel(s), noise=max(s.noise, 1e-3)),
}
"""Methods that are told the true kernel; where they take the noise, that as well."""

ABSENT = dict.fromkeys(
    ("deblur_gan", "yuan", "yuan_printed", "pix2pix", "physics_gan"),
    "no trained weights of this system ship; name a file that training wrote",
)
"""Systems that a table has a row for all the same, and what that row says."""


@dataclass(frozen=True)
class Printed:
    """How one method of the paper's Tables 2 to 5 is called here."""

    title: str
    name: str


PAPER = (
    Printed("Pan [32]", "face_exemplar"),
    Printed("Pan [34]", "dark_channel"),
    Printed("Xu and Jia [46]", "two_phase"),
    Printed("Kupyn [23]", "deblur_gan"),
    Printed("Ours", "yuan"),
)


TITLES = {
    BLURRED: "blurred input",
    "pretrained": "Generator that ships",
    "short_shake": "Generator for short shakes",
    "regression": "Small network, L1",
    "pix2pix": "pix2pix",
    "deblur_gan": "Small network, DeblurGAN",
    "physics_gan": "Physics-based GAN",
    "cycle_gan": "Cycle-GAN, unpaired",
    "yuan": "Small network, Yuan et al.",
    "yuan_printed": "Yuan et al. as printed",
}
"""What a table calls rows that are neither blind methods nor told the kernel; a generator by another name keeps it."""


def title(name: str) -> str:
    """What a table calls a method.

    Example:
        >>> title("oracle:wiener"), title("dark_channel"), title("blurred"), title("runs/mine.safetensors")
        ('true kernel, wiener', 'Dark channel', 'blurred input', 'mine')
    """
    if name in TITLES:
        return TITLES[name]
    if name == ORACLE or name.startswith(PREFIX):
        return f"true kernel, {name.removeprefix(PREFIX) if name != ORACLE else 'hyper_laplacian'}"
    return blind.METHODS[name].title if name in blind.METHODS else Path(name).stem


def why_absent(name: str) -> str | None:
    """Why a method cannot be run, for the systems in `ABSENT`; None for one that can."""
    return ABSENT.get(name) if name not in blind.METHODS and name not in networks.shipped_names() else None


def check(name: str) -> str:
    """Check that a name is one of a method, and hand it back.

    Raises:
        ValueError: it is not; the message lists the names.
        FileNotFoundError: a weights file that is not there.
    """
    oracles = [ORACLE, *(f"{PREFIX}{n}" for n in ORACLES)]
    known = [BLURRED, *oracles, *blind.METHODS, *networks.shipped_names(), *ABSENT]
    if name in known:
        return name
    if Path(name).suffix != ".safetensors":
        raise ValueError(f"methods: unknown {name!r}, expected one of {', '.join(dict.fromkeys(known))}, or a path.")
    if not Path(name).is_file():
        raise FileNotFoundError(f"{name}: there is no such weights file.")
    return name


def restore(name: str, sample: Sample) -> Tensor:
    """What a method makes of a sample.

    Args:
        name: 'blurred'; 'oracle', which is `deconvolution.hyper_laplacian` with the true kernel, or 'oracle:'
            and one of `ORACLES`; a blind method, whose last step is `deconvolution.hyper_laplacian` too; a generator
            that ships, or the path of a trained one.
        sample: Whose kernel, or its size, the method is told if it needs it.

    Returns:
        (1, C, H, W) in [0, 1].

    Raises:
        ValueError: an unknown name, or an oracle where no kernel is known.
        FileNotFoundError: a weights file that is not there.

    Example:
        >>> from deblurlib.benchmarks.picture_sets import bundled_set
        >>> sample = bundled_set(crops=1, side=64, length=6.0).items[0].make()
        >>> bool((restore("oracle:wiener", sample) - sample.sharp).abs().mean() < 0.02)
        True
    """
    check(name)
    if name == BLURRED:
        restored = sample.blurred
    elif name == ORACLE or name.startswith(PREFIX):
        restored = ORACLES[name.removeprefix(PREFIX) if name != ORACLE else "hyper_laplacian"](sample)
    elif name in blind.METHODS:
        restored = blind.deblur(sample.blurred, sample.kernel_size, method=name).image
    elif reason := why_absent(name):
        raise ValueError(f"{name}: {reason}.")
    else:
        restored = _generator(name)(sample.blurred)
    return restored.clamp(0, 1)


def needs_kernel(name: str) -> bool:
    """Whether a method has to be told the true kernel."""
    return name == ORACLE or name.startswith(PREFIX)


def _kernel(sample: Sample) -> Tensor:
    if sample.kernel is None:
        raise ValueError(f"{sample.name}: an oracle needs the true kernel, and none is known.")
    return sample.kernel


@functools.cache
def _generator(name: str) -> Deblurrer:
    return networks.load_generator(name)
