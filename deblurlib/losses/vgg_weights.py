"""Where VGG-19's weights come from, and what each set of them expects of an image."""

from pathlib import Path

import numpy as np
import safetensors
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from deblurlib.contracts import choice
from deblurlib.losses.vgg import LAYERS, vgg_index

ADDRESS = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
CHANNELS = tuple[float, float, float]
PREPROCESS: dict[str, tuple[CHANNELS, CHANNELS]] = {
    "torchvision": ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
    "caffe": ((123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255, 1 / 255, 1 / 255)),
    "signed": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
}
"""What a set of weights expects of an image in [0, 1]: the channels' means are subtracted, then divided by this.

torchvision's weights were trained on standardised channels; Oxford's own, which Caffe and Keras carry, on 0 to 255
minus the mean; 'signed' is [-1, 1], which DeblurGAN feeds (Kupyn et al. 2018, released code).
"""
OXFORD = 270.43
"""The sum of the magnitudes of conv1_1 in Oxford's weights: a file without a word is recognised by it."""


def torchvision_file(*, download: bool = False) -> Path:
    """Where torchvision keeps its weights of VGG-19 on this machine.

    Args:
        download: Fetch them, 548 MB, where they are not.

    Raises:
        FileNotFoundError: they are not there; the message names the alternatives.
    """
    path = Path(torch.hub.get_dir()) / "checkpoints" / ADDRESS.rsplit("/", 1)[-1]
    if not path.is_file():
        if not download:
            raise missing(f"{path}: torchvision's weights of VGG-19 are not on this machine")
        torch.hub.load_state_dict_from_url(ADDRESS, check_hash=True, weights_only=True)
    return path


def missing(what: str) -> FileNotFoundError:
    """The error of weights that are not there, with what else there is."""
    return FileNotFoundError(
        f'{what}. Alternatives: weights="random", which needs no file and is no VGG loss; '
        'weights="torchvision", download=True, which fetches 548 MB; weights=FILE, preprocess=... for a file of yours.'
    )


def load_vgg(layers: nn.Sequential, path: Path) -> str | None:
    """Load the first convolutions of VGG-19 from a file, named as torchvision does (features.14.weight) or as papers do
    (conv3_3_weight).

    Args:
        layers: As `vgg_layers` makes them; filled in place.
        path: .safetensors, .npz or .pth, read as plain tensors: nothing in it is ever run.

    Returns:
        The preprocessing that goes with these weights, a key of `PREPROCESS`; None where the file does not tell.

    Raises:
        FileNotFoundError: there is no such file; the message names the alternatives.
        ValueError: a pickled or damaged file, or weights that do not fit.
    """
    weights, said = _read(path)
    loaded: list[Tensor] = []
    for layer in LAYERS:
        index = vgg_index(layer)
        if index >= len(layers):
            break
        found = [t for key, t in weights.items() if key.startswith((f"features.{index}.", f"{layer}_", f"{layer}."))]
        for parameter in layers[index].parameters():
            fitting = [t for t in found if t.shape == parameter.shape]
            if len(fitting) != 1:
                raise ValueError(f"{path} holds no {tuple(parameter.shape)} for {layer} of VGG-19.")
            parameter.data.copy_(fitting[0])
            loaded.append(fitting[0])
    oxford = abs(float(loaded[0].double().abs().sum()) - OXFORD) < 0.1
    return said or ("caffe" if oxford else None)


def preprocessing(named: str | None, known: str | None, path: Path) -> tuple[CHANNELS, CHANNELS]:
    """The shift and the scale that weights go with: a wrong one would go unnoticed, so it is never guessed.

    Args:
        named: By the caller.
        known: By the file.
        path: For the messages.

    Raises:
        ValueError: neither names one, the two differ, or there is none of that name.
    """
    if named is not None and known is not None and named != known:
        raise ValueError(f"preprocess: the weights in {path} go with {known!r}, got {named!r}.")
    kind = named or known
    if kind is None:
        raise ValueError(f"preprocess: {path} does not say what it expects; name one of {', '.join(PREPROCESS)}.")
    return PREPROCESS[choice(kind, "preprocess", list(PREPROCESS))]


def _read(path: Path) -> tuple[dict[str, Tensor], str | None]:
    """The arrays of a file by name, and the preprocessing that its metadata name."""
    if not path.is_file():
        raise missing(f"{path}: there is no such file of weights")
    try:
        if path.suffix == ".safetensors":
            with safetensors.safe_open(path, framework="pt") as file:
                said = (file.metadata() or {}).get("preprocess")
            return load_file(path), said
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                return {name: torch.from_numpy(arrays[name]) for name in arrays.files}, None
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # each format has its own ways to be broken
        raise ValueError(
            f"{path} does not hold plain tensors ({type(error).__name__}: {str(error)[:200]}). "
            "Pickled objects are refused: loading them runs code."
        ) from error
    if not isinstance(loaded, dict):
        raise ValueError(f"{path}: expected tensors by name, got {type(loaded).__name__}.")
    return {name: t for name, t in loaded.items() if isinstance(t, Tensor)}, None
