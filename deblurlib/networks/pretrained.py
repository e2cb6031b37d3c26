"""Weights: how they are stored, and the generators that ship inside the package."""

import copy
import functools
import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from deblurlib import contracts
from deblurlib.files import atomic
from deblurlib.networks.architectures import GENERATORS
from deblurlib.networks.deconvolver import Deconvolver, KernelCNN
from deblurlib.networks.denoiser import Denoiser
from deblurlib.networks.guided_unet import WINDOW, GuidedUNet
from deblurlib.networks.motion_classifier import MotionClassifier
from deblurlib.networks.tiling import tiled

FOLDER = Path(__file__).parent / "weights"
ARCHITECTURES: dict[str, type[nn.Module]] = {kind.__name__: kind for kind in (*GENERATORS.values(), GuidedUNet)}
KNOWN_KERNEL: dict[str, type[nn.Module]] = {"Denoiser": Denoiser, "Deconvolver": Deconvolver, "KernelCNN": KernelCNN}
"""Networks that serve where the kernel is known: they are no generators, blurred -> sharp."""

CLASSIFIERS: dict[str, type[nn.Module]] = {"MotionClassifier": MotionClassifier}
"""Networks that see how a photograph is blurred, and leave the restoration to a deconvolution."""

WHOLE = 2**21
"""Pixels of the largest picture that a network with normalisation is given whole (our choice)."""

Kind = TypeVar("Kind", bound=nn.Module)


def save_weights(
    path: str | Path,
    network: nn.Module,
    *,
    half: bool = False,
    notes: dict[str, str] | None = None,
    overwrite: bool = False,
) -> None:
    """Write a network's weights and what is needed to build it again, as one safetensors file.

    Args:
        path: To write to.
        network: One of this library's generators.
        half: Store half precision, which halves the file and changes restored pixels by less than a grey level.
        notes: Free text that travels with the weights: data, command, scores.
        overwrite: Whether an existing file may be replaced.

    Raises:
        OutputExistsError, FileNotFoundError, ValueError: as `deblurlib.files.atomic`.
    """
    weights = {
        name: (t.detach().half() if half else t.detach()).cpu().contiguous() for name, t in network.state_dict().items()
    }
    metadata = {
        **(notes or {}),
        "architecture": type(network).__name__,
        "settings": json.dumps(getattr(network, "settings", {})),
    }
    with atomic(path, overwrite=overwrite) as temporary:
        save_file(weights, temporary, metadata)


def load_weights(path: str | Path) -> nn.Module:
    """Build the network that a safetensors file describes, and load its weights.

    Args:
        path: A file that `save_weights` wrote.

    Returns:
        The network in float32 on the CPU, in evaluation mode, its file's notes in `network.notes`.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not a safetensors file (a pickled one is refused: it could run code), or a foreign one.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such weights file.")
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        weights = load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise ValueError(
            f"{path} is not a readable safetensors file ({error}). Pickled weights are refused: loading them runs code."
        ) from error
    architectures = ARCHITECTURES | KNOWN_KERNEL | CLASSIFIERS
    if metadata.get("architecture") not in architectures:
        raise ValueError(
            f"{path} holds no generator of this library: its architecture is {metadata.get('architecture')!r}, "
            f"expected one of {', '.join(ARCHITECTURES)}."
        )
    try:
        with torch.random.fork_rng(devices=[]):  # the weights that it starts with are replaced
            network = architectures[metadata["architecture"]](**json.loads(metadata["settings"]))
        network.load_state_dict({name: t.float() for name, t in weights.items()})
    except (RuntimeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} does not fit the network that it describes: {error}") from error
    network.eval()
    network.notes = {k: v for k, v in metadata.items() if k not in ("architecture", "settings")}  # type: ignore[assignment]
    return network


class Deblurrer:
    """A generator ready for use: blurred photograph in, sharp one out, grey or colour, any size, bounded memory.

    A local network runs tile by tile, and the tiles make the same picture as the whole. A network with instance
    normalisation is not local: every tile has statistics of its own. It is given the whole picture up to `WHOLE`
    pixels; a larger one is cut all the same, into large tiles, and a warning says that seams may show.

    Args:
        network: A generator for three channels.

    Raises:
        ValueError: the generator is for another number of channels.

    Example:
        >>> Deblurrer(GENERATORS["unet"]())(torch.rand(1, 1, 20, 30)).shape
        torch.Size([1, 1, 20, 30])
    """

    def __init__(self, network: nn.Module) -> None:
        if type(network).__name__ in CLASSIFIERS:
            raise ValueError(f"{type(network).__name__} restores nothing by itself: use deblurlib.blind.motion_field.")
        if type(network).__name__ in KNOWN_KERNEL:
            door = {"Denoiser": "plug_and_play", "Deconvolver": "deep_deconvolution", "KernelCNN": "deconvolution_cnn"}
            name = type(network).__name__
            raise ValueError(f"{name} needs the kernel: use deblurlib.deconvolution.{door[name]}.")
        channels = getattr(network, "settings", {}).get("channels", 3)
        if channels != 3:
            raise ValueError(f"The generator is for images of {channels} channels, expected one for 3 (RGB).")
        self.network = network.eval()

    @torch.inference_mode()
    def __call__(self, blurred: Tensor) -> Tensor:
        """Restore images.

        Args:
            blurred: (B, C, H, W) in [0, 1], C = 1 or 3.

        Returns:
            Same shape and dtype, clipped to [0, 1].

        Raises:
            TypeError, ValueError: not a photograph.
        """
        contracts.photograph(blurred, "blurred")
        x = blurred.float().expand(-1, 3, -1, -1)
        device = next(self.network.parameters()).device
        reach = getattr(self.network, "reach", 64)
        x = x.to(device)
        sharp = tiled(self._restore(x), x, tile=self._tile(*x.shape[-2:]), overlap=reach).clamp(0, 1)
        if blurred.shape[1] == 1:
            sharp = sharp.mean(dim=1, keepdim=True)
        return sharp.to(device=blurred.device, dtype=blurred.dtype)

    def _restore(self, x: Tensor) -> Callable[[Tensor], Tensor]:
        """What restores a tile of a batch: the network, told the kernel if it looks for one in the whole picture."""
        if not isinstance(self.network, GuidedUNet) or max(x.shape[-2:]) <= WINDOW:
            return self.network
        kernel, noise = self.network.find(x)
        return functools.partial(self.network.restore, kernel=kernel, noise=noise)

    def _tile(self, height: int, width: int) -> int:
        if getattr(self.network, "local", True):
            return 768  # a picture of 1280x720 makes two, of 12 megapixels two dozen (our choice)
        if height * width <= WHOLE:
            return max(height, width)
        warnings.warn(
            f"blurred: {height}x{width} pixels are cut into tiles, which this network normalises one by one: "
            "seams may show. A network without normalisation has none.",
            UserWarning,
            stacklevel=4,
        )
        return 1024

    def to(self, device: torch.device | str) -> "Deblurrer":
        """Move the network to a device, and hand the deblurrer back."""
        self.network.to(device)
        return self


def shipped_names() -> list[str]:
    """The names of the generators that ship inside the package."""
    return sorted(path.stem for path in FOLDER.glob("*.safetensors"))


def load_generator(name_or_path: str | Path = "pretrained") -> Deblurrer:
    """A trained generator, ready for use.

    Args:
        name_or_path: 'pretrained' (ships with the package, works offline) or another of `shipped_names()`; or the path
            of a safetensors file that training wrote.

    Returns:
        A callable, blurred (B, C, H, W) -> sharp (B, C, H, W).

    Raises:
        FileNotFoundError: neither a shipped name nor a file; the message lists the names.
        ValueError: a foreign file.
    """
    shipped = FOLDER / f"{name_or_path}.safetensors"
    path = shipped if str(name_or_path) in shipped_names() else Path(name_or_path)
    if not path.is_file():
        raise FileNotFoundError(
            f"{name_or_path}: neither a weights file nor one of the shipped generators ({', '.join(shipped_names())})."
        )
    deblurrer = Deblurrer(load_weights(path))
    if getattr(deblurrer.network, "local", False):  # instance normalisation is slow in this layout
        deblurrer.network.to(memory_format=torch.channels_last)  # 1.4 times faster on a CPU
    return deblurrer


@functools.cache
def _shipped(name: str) -> nn.Module:
    return load_weights(FOLDER / "known_kernel" / f"{name}.safetensors").requires_grad_(False)


def load_known_kernel(name_or_path: str | Path, kind: type[Kind]) -> Kind:
    """A trained network that works beside a known kernel.

    Args:
        name_or_path: 'denoiser' or 'deep_deconvolution', which ship; or a file that training wrote.
        kind: The class that is expected.

    Returns:
        The network in evaluation mode, without gradients for its weights; a copy that is yours.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a foreign file, or one of another kind.
    """
    names = [path.stem for path in (FOLDER / "known_kernel").glob("*.safetensors")]
    network = _shipped(str(name_or_path)) if str(name_or_path) in names else load_weights(name_or_path)
    return _of_kind(copy.deepcopy(network), kind, name_or_path)


def load_motion_classifier(path: str | Path | None = None) -> MotionClassifier:
    """A trained classifier of motions, for `deblurlib.blind.motion_field`.

    Args:
        path: A file that training wrote; None takes the one that ships.

    Returns:
        The network in evaluation mode, without gradients for its weights; a copy that is yours.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a foreign file, or one of another kind.
    """
    path = path or FOLDER / "classifier" / "motion_classifier.safetensors"
    return _of_kind(load_weights(path), MotionClassifier, path)


def _of_kind(network: nn.Module, kind: type[Kind], source: str | Path) -> Kind:
    """A loaded network as the kind that its caller expects, without gradients for its weights."""
    if not isinstance(network, kind):
        raise ValueError(f"{source} holds a {type(network).__name__}, expected a {kind.__name__}.")
    return network.requires_grad_(False)
