"""How natural an image looks, without a reference: NIQE."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import safetensors
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from deblurlib import contracts, images
from deblurlib.files import atomic
from deblurlib.metrics.luma import grey_levels
from deblurlib.metrics.natural_scenes import BLOCK, FEATURES, features
from deblurlib.metrics.pieces import in_pieces

SHIPPED = Path(__file__).with_name("niqe_model.safetensors")
SMALLEST = (BLOCK, 2 * BLOCK)
"""Two blocks: of one there is no covariance."""

SHARPNESS = 0.75
"""In fitting, blocks below this share of the image's sharpest are left out: Mittal et al. (2013), section II-C."""

AUTHORS_NAMES = (("mu_pris_param", "cov_pris_param"), ("mu_prisparam", "cov_prisparam"), ("pop_mu", "pop_cov"))


class FlatImageError(ValueError):
    """NIQE has fewer than two blocks with anything in them."""


@dataclass(frozen=True, eq=False)
class NiqeModel:
    """The normal distribution of NIQE's features over sharp photographs.

    Attributes:
        mean: (36,) float64.
        covariance: (36, 36) float64.
        notes: Free text on how it came about.
    """

    mean: Tensor
    covariance: Tensor
    notes: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, shape in (("mean", (FEATURES,)), ("covariance", (FEATURES, FEATURES))):
            value = getattr(self, name)
            if tuple(value.shape) != shape:
                raise ValueError(f"{name}: expected shape {shape}, got {tuple(value.shape)}.")
            if not bool(value.isfinite().all()):
                raise ValueError(f"{name}: contains NaN or infinite values.")
            object.__setattr__(self, name, value.double())

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write the model as a safetensors file.

        Raises:
            OutputExistsError, FileNotFoundError, ValueError: as `deblurlib.files.atomic`.
        """
        tensors = {"mean": self.mean.cpu().contiguous(), "covariance": self.covariance.cpu().contiguous()}
        with atomic(path, overwrite=overwrite) as temporary:
            save_file(tensors, temporary, self.notes)


def niqe(image: Tensor, *, data_range: float = 1.0, model: NiqeModel | None = None) -> Tensor:
    """Natural image quality evaluator of Mittal, Soundararajan and Bovik (2013); lower is more natural.

    With m, S mean and covariance of the features (`natural_scenes.features`) of the image's 96x96 blocks and m0, S0
    those of sharp photographs,

        NIQE = sqrt((m - m0)^T ((S + S0) / 2)^+ (m - m0))

    Given the authors' parameters (`load_niqe_model`) it meets their MATLAB release within 0.1 on ordinary photographs.
    The default is a model that this project fitted on other photographs, and its values are on a scale of their own:
    compare them with each other alone. MATLAB's built-in niqe is yet another model. Grey is rgb2gray, rounded to 256
    levels as there; blocks do not overlap; the half size is MATLAB's antialiased bicubic. A 256x256 image has four
    blocks, and so a poor estimate of S: sharp ones range over ten units. It is not differentiable.

    Args:
        image: (B, C, H, W) in [0, data_range], C = 1 or 3.
        data_range: The value of white: 1 for images in [0, 1].
        model: Of sharp photographs; None takes the one that ships with the package.

    Returns:
        (B,) at least 0. Computed in float64, returned in the dtype given.

    Raises:
        TypeError, ValueError: not an image, neither grey nor RGB, values outside the range by more than half of it,
            black in its range, fewer than 96x192 pixels (two blocks), or fewer than two blocks that are not flat.

    Example:
        >>> camera = images.bundled("camera")
        >>> noise = torch.randn(camera.shape, generator=torch.Generator().manual_seed(0))
        >>> bool(niqe(camera) < niqe(camera + 0.1 * noise))
        True
    """
    model = load_niqe_model() if model is None else model
    if not isinstance(model, NiqeModel):
        raise TypeError(f"model: expected a NiqeModel, got {type(model).__name__}. Load one: load_niqe_model(path).")
    with torch.no_grad():
        grey = grey_levels(image, "image", data_range=data_range, smallest=SMALLEST, metric="niqe").round()
        # A pseudo-inverse of 36x36 is work for the CPU, wherever the features were computed.
        blocks = in_pieces(lambda x, _: features(x)[0], grey, grey).cpu()
        values = [_distance(each, model) for each in blocks]
    return torch.stack(values).to(image)


def _distance(blocks: Tensor, model: NiqeModel) -> Tensor:
    whole = blocks[blocks.isfinite().all(dim=1)]
    if len(whole) < 2:
        raise FlatImageError(f"niqe: {len(whole)} of {len(blocks)} blocks are not flat, at least 2 are needed.")
    difference = blocks.nanmean(dim=0) - model.mean.to(blocks)
    spread = (whole.T.cov() + model.covariance.to(blocks)) / 2
    # NumPy's and MATLAB's cut-off, so that the rank of a poorly known covariance is judged as they judge it.
    inverse = torch.linalg.pinv(spread, rtol=FEATURES * torch.finfo(spread.dtype).eps)
    distance: Tensor = (difference @ inverse @ difference).clamp(min=0).sqrt()
    return distance


def fit_niqe(
    photographs: str | Path | Iterable[str | Path | Tensor], *, sharpness: float = SHARPNESS, data_range: float = 1.0
) -> NiqeModel:
    """Fit NIQE's model of sharp photographs.

    Args:
        photographs: A folder, or files, or images (1, C, H, W) in [0, data_range].
        sharpness: Of each photograph, blocks above this share of its sharpest block are used; the authors take 0.75.
        data_range: The value of white in images that are given as tensors.

    Returns:
        The model, with the number of photographs and of blocks in its notes.

    Raises:
        FileNotFoundError: there is no such folder or file.
        TypeError, ValueError: no photographs, one that is too small or unreadable, or no more blocks than features.

    Example:
        >>> model = fit_niqe([images.bundled(name) for name in ("astronaut", "coffee", "chelsea")], sharpness=0.0)
        >>> model.notes["blocks"]
        '61'
    """
    contracts.number(sharpness, "sharpness", low=0, high=1)
    kept, count = [], 0
    with torch.no_grad():
        for photograph in _photographs(photographs):
            loaded = not isinstance(photograph, Tensor)
            x = images.load(photograph) if not isinstance(photograph, Tensor) else photograph
            white = 1.0 if loaded else data_range
            grey = grey_levels(x, "photograph", data_range=white, smallest=(BLOCK, BLOCK), metric="fit_niqe").round()
            blocks, sharp = features(grey)
            kept.append(blocks[sharp > sharpness * sharp.amax(dim=1, keepdim=True)].cpu())
            count += len(grey)
    if not kept:
        raise ValueError("photographs: there are none.")
    blocks = torch.cat(kept)
    blocks = blocks[blocks.isfinite().all(dim=1)]
    if len(blocks) <= FEATURES:
        raise ValueError(f"photographs: {len(blocks)} blocks are too few, more than {FEATURES} are needed.")
    notes = {"photographs": str(count), "blocks": str(len(blocks)), "sharpness": f"{sharpness:g}"}
    return NiqeModel(blocks.mean(dim=0), blocks.T.cov(), notes)


def _photographs(given: str | Path | Iterable[str | Path | Tensor]) -> Iterable[str | Path | Tensor]:
    if not isinstance(given, str | Path):
        return given
    if not Path(given).is_dir():
        raise FileNotFoundError(f"{given}: there is no such folder.")
    return sorted(path for path in Path(given).iterdir() if path.suffix.lower() in images.SUFFIXES)


def load_niqe_model(path: str | Path | None = None) -> NiqeModel:
    """Read a model of sharp photographs for `niqe`.

    Args:
        path: A file of `NiqeModel.save` (.safetensors), or the authors' parameters as .mat or .npz (arrays of 36 and
            36x36 named mu_prisparam and cov_prisparam, mu_pris_param and cov_pris_param, or pop_mu and pop_cov); None
            reads the model that ships with the package.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: a file of another kind, or without these arrays.

    Example:
        >>> load_niqe_model().mean.shape
        torch.Size([36])
    """
    path = SHIPPED if path is None else Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file.")
    if path.suffix.lower() in (".mat", ".npz"):
        return _authors_model(path)
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            notes = dict(file.metadata() or {})
        tensors = load_file(path)
    except (safetensors.SafetensorError, OSError) as error:
        raise ValueError(f"{path} is not a model for NIQE (.safetensors, .mat or .npz): {error}") from error
    if not {"mean", "covariance"} <= tensors.keys():
        raise ValueError(f"{path} holds no model for NIQE: it has {', '.join(tensors)}, expected mean, covariance.")
    return NiqeModel(tensors["mean"], tensors["covariance"], notes)


def _authors_model(path: Path) -> NiqeModel:
    try:
        if path.suffix.lower() == ".mat":
            from scipy.io import loadmat

            arrays = loadmat(path)
        else:
            with np.load(path, allow_pickle=False) as file:  # a pickle could run code
                arrays = dict(file)
    except Exception as error:  # the two readers raise what they like
        raise ValueError(f"{path} is not readable: {error}") from error
    for mean, covariance in AUTHORS_NAMES:
        if mean in arrays and covariance in arrays:
            parts = (torch.from_numpy(np.asarray(arrays[name], dtype=np.float64)) for name in (mean, covariance))
            return NiqeModel(next(parts).flatten(), next(parts), {"source": path.name})
    raise ValueError(f"{path} holds no parameters of NIQE: expected one of {', '.join(m for m, _ in AUTHORS_NAMES)}.")
