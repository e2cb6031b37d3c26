"""A distance in the space of convolutional features, where a blurred edge costs more than it does in pixels."""

import warnings
from collections.abc import Callable
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deblurlib.contracts import choice
from deblurlib.losses.vgg import vgg_index, vgg_layers
from deblurlib.losses.vgg_weights import PREPROCESS, load_vgg, preprocessing, torchvision_file
from deblurlib.networks.filled import filled

SIGNED = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
"""[0, 1] to [-1, 1]."""


class FeatureDistance(nn.Module):
    """Mean squared distance between the features that a frozen network sees in two images.

    Args:
        features: A chain of layers; its parameters are frozen.
        shift: Subtracted from each channel of an image in [0, 1].
        scale: Divides each channel after that.
        normalize: Divide the distance by the variance of the reference's features, so that 1 means 'as different as
            two unrelated images', and one weight serves every network and layer. False: as papers print it.

    Attributes:
        variance: From the reference's features to the number that the distance is divided by. Where several processes
            share a batch, it is that of the whole batch, which one of them does not see.

    Shape:
        (B, 1 or 3, H, W) twice, in [0, 1], to a scalar.

    Example:
        >>> distance = FeatureDistance(nn.Sequential(nn.Identity()), normalize=False)
        >>> distance(torch.zeros(1, 3, 4, 4), torch.full((1, 3, 4, 4), 0.5)).item()
        0.25
    """

    shift: Tensor
    scale: Tensor

    def __init__(
        self,
        features: nn.Sequential,
        shift: tuple[float, float, float] = (0.0, 0.0, 0.0),
        scale: tuple[float, float, float] = (1.0, 1.0, 1.0),
        *,
        normalize: bool = True,
    ) -> None:
        super().__init__()
        self.features = features.requires_grad_(False)
        self.register_buffer("shift", torch.tensor(shift).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("scale", torch.tensor(scale).view(1, 3, 1, 1), persistent=False)
        self.normalize = normalize
        self.variance: Callable[[Tensor], Tensor] = _variance

    def maps(self, x: Tensor) -> Tensor:
        """The features of images in [0, 1]; they are brought to the network's own range here, and nowhere else."""
        x = (x.expand(-1, 3, -1, -1) - self.shift) / self.scale
        first = self.features[0]
        if torch.compiler.is_compiling() and isinstance(first, nn.Conv2d):
            features: Tensor = self.features[1:](filled(first, x))
        else:
            features = self.features(x)
        return features if features.dtype == torch.float64 else features.float()

    def forward(self, restored: Tensor, reference: Tensor) -> Tensor:
        """The distance; gradients flow to `restored` alone."""
        if restored.shape != reference.shape:
            raise ValueError(f"restored has shape {tuple(restored.shape)}, reference has {tuple(reference.shape)}.")
        if restored.ndim != 4 or restored.shape[1] not in (1, 3):
            raise ValueError(f"restored: expected shape (B, 1 or 3, H, W), got {tuple(restored.shape)}.")
        least = 2 ** sum(isinstance(layer, nn.MaxPool2d) for layer in self.features)
        if min(restored.shape[-2:]) < least:
            h, w = restored.shape[-2:]
            raise ValueError(
                f"restored: {h}x{w} pixels are too few for these features, at least {least}x{least} are needed."
            )
        with torch.no_grad():
            target = self.maps(reference)
        distance = F.mse_loss(self.maps(restored), target)
        return distance / self.variance(target).clamp_min(1e-12) if self.normalize else distance


def _variance(features: Tensor) -> Tensor:
    return features.var()


class RandomFeatures(FeatureDistance):
    """Mean squared distance between features of a *random* network in the shape of VGG-19.

    The layers are VGG-19's, a quarter as wide, with He-normal weights drawn from `seed`. No file is needed and nothing
    was learnt: that is why it is not called a VGG loss. The distance is divided by the variance of the reference's
    features, so 1 means 'as different as two unrelated images'.

    Args:
        seed: Of the random weights.
        width: Channels of the first block (VGG-19 has 64).
        layer: The convolution whose output is compared, before its ReLU.
        before_relu: As `Perceptual`.
        normalize: As `FeatureDistance`.

    Shape:
        (B, 1 or 3, H, W) twice, in [0, 1], to a scalar.

    Example:
        >>> distance = RandomFeatures()
        >>> x = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(0))
        >>> distance(x, x).item(), distance(x.mean(dim=1, keepdim=True).expand_as(x), x).item() > 0.01
        (0.0, True)
    """

    def __init__(
        self,
        seed: int = 0,
        width: int = 16,
        layer: str = "conv3_3",
        *,
        before_relu: bool = True,
        normalize: bool = True,
    ) -> None:
        layers = vgg_layers(layer, width=width, before_relu=before_relu)
        _draw(layers, seed)
        super().__init__(layers, *SIGNED, normalize=normalize)


class Perceptual(FeatureDistance):
    """The perceptual loss (Johnson et al. 2016, Eq. 2): the mean squared difference of VGG-19's features at one layer.

    Whose features they are stands in `source`, and is never guessed. By default they are those of torchvision's
    weights where this machine has them. Where it has not, they are *random features*, `RandomFeatures`: a warning says
    so, and `source` does. Every other way takes exactly what is named, or stops.

    Args:
        layer: 'conv1_1' to 'conv5_4'; the paper's sigma_(3, 3) is read as conv3_3.
        weights: 'default', as above; 'torchvision', or nothing; 'random', which needs no file and is no VGG loss; or a
            file: .safetensors, .npz, or .pth, read as plain tensors only.
        preprocess: What a file's weights expect: 'torchvision', 'caffe' or 'signed'. A wrong one would go unnoticed, so
            it has no default; needed where neither the file's metadata nor its first layer tell. Oxford's own weights,
            which Caffe and Keras carry, are recognised.
        before_relu: Compare the convolution itself (as the released code of Kupyn et al. 2018 does), not its ReLU.
        normalize: As `FeatureDistance`.
        download: Whether torchvision's weights may be fetched, 548 MB, where they are not.

    Attributes:
        source: 'VGG-19 (torchvision)', 'VGG-19 (the file's name)' or 'random features'.

    Shape:
        (B, 1 or 3, H, W) twice, in [0, 1], to a scalar.

    Raises:
        FileNotFoundError: the weights that were named are not there; the message names the alternatives.
        ValueError: an unknown layer, weights that do not fit, a pickled file, or no `preprocess`.

    Example:
        >>> distance = Perceptual(layer="conv2_2", weights="random")
        >>> x = torch.rand(1, 3, 16, 16, generator=torch.Generator().manual_seed(0))
        >>> distance(x, x).item(), distance.source
        (0.0, 'random features')
    """

    def __init__(
        self,
        layer: str = "conv3_3",
        weights: str | Path = "default",
        *,
        preprocess: str | None = None,
        before_relu: bool = True,
        normalize: bool = True,
        download: bool = False,
    ) -> None:
        vgg_index(layer)  # an unknown layer is the first thing to hear of
        if preprocess is not None:
            choice(preprocess, "preprocess", list(PREPROCESS))
        path = _file(weights, download)
        if path is None:
            layers, (shift, scale) = vgg_layers(layer, width=16, before_relu=before_relu), SIGNED
            _draw(layers, 0)
        else:
            layers = vgg_layers(layer, before_relu=before_relu)
            known = load_vgg(layers, path)
            known = "torchvision" if weights in ("default", "torchvision") else known
            shift, scale = preprocessing(preprocess, known, path)
        super().__init__(layers, shift, scale, normalize=normalize)
        name = "torchvision" if weights in ("default", "torchvision") else Path(weights).name
        self.layer, self.source = layer, "random features" if path is None else f"VGG-19 ({name})"

    def extra_repr(self) -> str:
        """Whose features these are, in what `print` shows."""
        return f"{self.source}, {self.layer}"


def _file(weights: str | Path, download: bool) -> Path | None:
    """The file that the features come from; None for random ones."""
    if weights == "random":
        return None
    if weights not in ("default", "torchvision"):
        return Path(weights)
    try:
        return torchvision_file(download=download)
    except FileNotFoundError as error:
        if weights == "torchvision":
            raise
        warnings.warn(
            f'Perceptual compares random features, not VGG-19\'s. Name weights="random" if that is meant. {error}',
            UserWarning,
            stacklevel=3,
        )
        return None


def _draw(layers: nn.Sequential, seed: int) -> None:
    """Fill the convolutions with He-normal weights from a seed."""
    generator = torch.Generator().manual_seed(seed)
    for layer in layers:
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu", generator=generator)
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
