"""The settings of a training run, saved with the run."""

import dataclasses
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deblurlib.contracts import choice, number, odd_size
from deblurlib.losses.adversarial import FORMS
from deblurlib.networks import GENERATORS
from deblurlib.networks.architectures import PLAIN
from deblurlib.networks.discriminators import LAYERS
from deblurlib.training.schedule import SCHEDULES

RECIPES = Path(__file__).parent / "recipes"

PRECISIONS = ("auto", "float32", "bfloat16")
CONTENTS = ("log_error", "l1", "l2", "perceptual")

LARGEST_SEED = 2**40
"""A million times as many batches as this have a seed of their own in torch's 64 bits."""

COUNTS = (
    *("steps", "batch", "crop", "kernel_size", "kernels", "width", "levels", "discriminator_width", "pool", "seed"),
    *("blocks", "judge_steps", "micro_batch", "validate_every", "checkpoint_every"),
)
PAIRS = ("path_length", "noise", "strengths", "betas")
POSITIVE = ("learning_rate", "discriminator_learning_rate", "clip")
WEIGHTS = ("average", "content_weight", "adversarial_weight", "cycle_weight", "identity_weight", "reblur_weight")
DATA = ("camera_shake", "gopro", "pairs", "unpaired")
SWITCHES = ("skip_unreadable", "discriminator_norm", "generator_norm", "residual")
TEXTS = ("system", "photographs", "features", "preprocess", "device")


@dataclass(frozen=True)
class TrainingConfig:
    """Everything that decides what a training run computes. The defaults are the pocket run of the book.

    Raises:
        ValueError: a setting out of range; the message names it.

    Example:
        >>> TrainingConfig(steps=100).steps
        100
    """

    system: str = "regression"  # what one step does: a name from training.SYSTEMS
    photographs: str = "bundled"  # "bundled", or a folder of sharp photographs; for other data, of blur/ and sharp/
    data: str = "camera_shake"  # blurred on the device; or real: "gopro", "pairs", "unpaired" (cycle_gan)
    skip_unreadable: bool = False  # leave out pictures that cannot be read, with a warning
    steps: int = 1200  # updates of the generator
    batch: int = 10  # crops a step
    crop: int = 40  # side of a crop, pixels
    kernel_size: int = 17  # side of the camera-shake kernels, pixels
    path_length: tuple[float, float] = (4.0, 9.0)  # of the shake, pixels, drawn uniformly
    noise: tuple[float, float] = (0.004, 0.004)  # standard deviation, drawn uniformly for each batch
    strengths: tuple[float, float] = (0.0, 50 / 255)  # of the noise that the system "denoiser" learns to remove
    kernels: int = 2048  # in the bank that batches draw from; deconvolution_cnn has one
    width: int = 16  # channels of the networks at their highest resolution
    generator: str = "unet"  # the book's own "unet", "residual_unet"; pix2pix's "unet256"; Johnson's "resnet"
    levels: int = 2  # how often the U-Nets halve the resolution
    blocks: int = 9  # residual blocks of "resnet", and of "residual_unet" at each level on either way
    generator_norm: bool = False  # instance normalisation in "unet256" and "resnet"; the papers have it
    residual: bool = True  # output = input + correction; False, in "unet256" and "resnet": the output is made anew
    discriminator_width: int = 16  # channels of the discriminators' first layer
    receptive_field: int = 34  # of a discriminator's score, pixels
    discriminator_norm: bool = False  # instance normalisation in the discriminators
    judge_steps: int = 1  # steps of the discriminators for each of the generators
    learning_rate: float = 4e-3  # of the generators, at its highest
    discriminator_learning_rate: float = 1e-3  # likewise
    betas: tuple[float, float] = (0.9, 0.999)  # Adam's averages
    schedule: str = "cosine"  # "cosine", or "linear": constant for 4/5 of the run, then to zero
    clip: float = 1.0  # largest norm of a gradient
    average: float = 0.99  # decay of the running average of the generator's weights; 0 keeps none
    content: str = "log_error"  # distance to the truth (paired systems): "log_error", "l1", "l2" or "perceptual"
    content_weight: float = 1.0  # of that distance beside an adversarial loss
    features: str = "random"  # of a perceptual distance: "random", "torchvision", or a file of VGG-19's weights
    preprocess: str = ""  # what a file of weights expects, unless it says so itself: "torchvision", "caffe" or "signed"
    adversarial: str = "least_squares"  # form of the adversarial loss
    adversarial_weight: float = 1.0  # of the generators' adversarial loss
    cycle_weight: float = 10.0  # of cycle consistency (Zhu et al. 2017: 10)
    identity_weight: float = 5.0  # of leaving alone what is already right (Zhu et al. 2017: half of cycle_weight)
    reblur_weight: float = 50.0  # of giving the input back when blurred again (physics_gan)
    pool: int = 50  # past fakes that a discriminator is shown again (Zhu et al. 2017: 50)
    validate_every: int = 250  # steps between scores on the held-out crops
    checkpoint_every: int = 250  # steps between checkpoints, where there is a run folder
    micro_batch: int = 0  # crops that are computed at a time; 0: all of a batch, fewer where memory runs out
    compile: bool | str = "auto"  # the networks: true, false, or "auto": on CUDA, where it pays
    precision: str = "auto"  # "float32", "bfloat16", or "auto": bfloat16 where the hardware has it
    device: str = "auto"  # "cpu", "cuda", or "auto": CUDA where there is one
    seed: int = 0  # of the weights, the kernels and every batch

    def __post_init__(self) -> None:
        if isinstance(self.photographs, Path):
            object.__setattr__(self, "photographs", str(self.photographs))
        for name in COUNTS:
            value, least = getattr(self, name), 0 if name in ("pool", "seed", "micro_batch") else 1
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise ValueError(f"{name}: expected an integer of at least {least}, got {value!r}.")
        if self.seed >= LARGEST_SEED:
            raise ValueError(f"seed: expected an integer below {LARGEST_SEED}, got {self.seed}.")
        for name in PAIRS:
            pair = getattr(self, name)
            if not (isinstance(pair, list | tuple) and len(pair) == 2):
                raise ValueError(f"{name}: expected two numbers, got {pair!r}.")
            low, high = (number(value, name, low=0) for value in pair)
            if low > high:
                raise ValueError(f"{name}: expected low <= high, got {(low, high)}.")
            object.__setattr__(self, name, (low, high))
        for name in POSITIVE:
            number(getattr(self, name), name, low=0, open_low=True)
        for name in WEIGHTS:
            number(getattr(self, name), name, low=0)
        for names, kind in ((SWITCHES, bool), (TEXTS, str)):
            for name in names:
                if not isinstance(getattr(self, name), kind):
                    raise TypeError(f"{name}: expected a {kind.__name__}, got {getattr(self, name)!r}.")
        if not (self.average < 1 and self.betas[1] < 1):
            raise ValueError(f"average, betas: expected numbers below 1, got {self.average}, {self.betas}.")
        odd_size(self.kernel_size, "kernel_size")
        if self.path_length[1] > self.kernel_size - 3:
            raise ValueError(
                f"path_length: {self.path_length[1]} pixels do not fit a kernel of {self.kernel_size}; "
                f"at most {self.kernel_size - 3} do."
            )
        choice(self.precision, "precision", PRECISIONS)
        choice(self.data, "data", DATA)
        if not isinstance(self.compile, bool):
            choice(self.compile, "compile", ("auto",))
        choice(self.generator, "generator", list(GENERATORS))
        choice(self.adversarial, "adversarial", list(FORMS))
        if self.receptive_field not in LAYERS:
            fields = ", ".join(map(str, LAYERS))
            raise ValueError(f"receptive_field: expected one of {fields}, got {self.receptive_field!r}.")
        if self.generator in PLAIN and (self.generator_norm or not self.residual):
            raise ValueError(
                f"generator: {self.generator!r} has no normalisation and corrects its input; "
                "generator_norm = true and residual = false need 'unet256' or 'resnet'."
            )
        choice(self.schedule, "schedule", SCHEDULES)
        choice(self.content, "content", CONTENTS)

    def to_dict(self) -> dict[str, Any]:
        """The settings as a dictionary of plain values."""
        return dataclasses.asdict(self)


PAPERS: dict[str, dict[str, Any]] = {
    "pix2pix": {"adversarial": "cross_entropy", "content": "l1", "content_weight": 100.0},
    "deblur_gan": {
        "generator": "resnet",
        "adversarial": "wasserstein",
        "judge_steps": 5,
        "content": "perceptual",
        "content_weight": 100.0,
    },
    "physics_gan": {"adversarial": "cross_entropy", "content": "l1", "content_weight": 50.0},
    "yuan": {"judge_steps": 10},
    "yuan_printed": {"judge_steps": 10},
}
"""Name of a system -> the settings of its paper that differ from the pocket run. Size and pace are not among them."""


def recipe(system: str, **settings: Any) -> TrainingConfig:
    """The settings of a system as its paper plays the game: losses, weights, judges; size and pace are the pocket's.

    Args:
        system: A name from `SYSTEMS`.
        settings: To change, by name.

    Raises:
        TypeError, ValueError: as `TrainingConfig`.

    Example:
        >>> recipe("deblur_gan").judge_steps, recipe("pix2pix", content_weight=10.0).content_weight
        (5, 10.0)
    """
    return TrainingConfig(**{"system": system, **PAPERS.get(system, {}), **settings})


def shipped_recipes() -> list[str]:
    """The names of the recipes that ship: runs for a CUDA device, each a file of settings with its command."""
    return sorted(path.stem for path in RECIPES.glob("*.toml"))


def read_setting(text: str) -> dict[str, Any]:
    """Read one setting, NAME=VALUE as a TOML file has it; the quotes of a text may be left out.

    Raises:
        ValueError: not of that form, or an unknown setting.

    Example:
        >>> read_setting("noise=[0, 0.01]") | read_setting("generator=resnet")
        {'noise': [0, 0.01], 'generator': 'resnet'}
    """
    name, equals, value = (part.strip() for part in text.partition("="))
    if not equals:
        raise ValueError(f"{text!r}: expected a setting as NAME=VALUE.")
    choice(name, "setting", [field.name for field in dataclasses.fields(TrainingConfig)])
    try:
        return {name: tomllib.loads(f"value = {value}")["value"]}
    except tomllib.TOMLDecodeError:
        return {name: value}


def read_config(path: str | Path) -> TrainingConfig:
    """Read settings from a TOML or JSON file; those that it leaves out are as `recipe` has them for its system.

    Args:
        path: A .toml or .json file of `name = value` at the top level; or the name of a recipe that ships.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: not TOML or JSON, an unknown setting, or a value out of range.
    """
    path = RECIPES / f"{path}.toml" if str(path) in shipped_recipes() else Path(path)
    if not path.is_file():
        shipped = ", ".join(shipped_recipes())
        raise FileNotFoundError(f"{path}: there is no such configuration file, and recipes that ship are {shipped}.")
    try:
        text = path.read_text(encoding="utf-8")
        values = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        kind = "JSON" if path.suffix == ".json" else "TOML"
        raise ValueError(f"{path} is not readable as {kind}: {error}") from error
    if not isinstance(values, dict):
        raise ValueError(f"{path}: expected settings by name, got {values!r}.")
    known = [field.name for field in dataclasses.fields(TrainingConfig)]
    for name in values:
        choice(name, f"{path}: setting", known)
    try:
        return recipe(**{"system": "regression", **values})
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error
