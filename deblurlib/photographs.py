"""The photographs that come with the library's dependencies: where they lie, what they are used for, whose they are."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Photograph:
    """One photograph.

    Attributes:
        package: The installed package that holds it.
        file: Its path inside the package.
        role: 'train', 'validation', 'test', or 'demonstration' for one that is really blurred. No scene has two roles.
        credit: Author and licence, as the package states them.
        weight: How often training draws from it, relative to the others.
        shrink: Factor by which it is averaged down when loaded, because the file is soft at full size.
    """

    package: str
    file: str
    role: str
    credit: str
    weight: float = 1.0
    shrink: int = 1


def _skimage(file: str, role: str, credit: str, weight: float = 1.0, shrink: int = 1) -> Photograph:
    return Photograph("skimage", f"data/{file}", role, credit, weight, shrink)


def _sklearn(file: str, role: str, credit: str, weight: float = 1.0) -> Photograph:
    return Photograph("sklearn", f"datasets/images/{file}", role, credit, weight)


PHOTOGRAPHS: dict[str, Photograph] = {
    "astronaut": _skimage("astronaut.png", "train", "NASA, public domain", 4),
    "motorcycle": _skimage(
        "motorcycle_left.png", "train", "Daniel Scharstein et al., free to use and publish with citation", 4
    ),
    "flower": _sklearn("flower.jpg", "train", "vultilion, CC BY 2.0", 3),
    "rocket": _skimage("rocket.jpg", "train", "SpaceX, public domain", 3),
    "immunohistochemistry": _skimage(
        "ihc.png", "train", "Center for Microscopy And Molecular Imaging, no known copyright restrictions"
    ),
    "hubble": _skimage("hubble_deep_field.jpg", "train", "NASA, public domain"),
    "retina": _skimage("retina.jpg", "train", "Mikael Häggström, CC0", shrink=2),
    "brick": _skimage("brick.png", "train", "CC0Textures, CC0"),
    "grass": _skimage("grass.png", "train", "linolafett, CC0"),
    "gravel": _skimage("gravel.png", "train", "CC0Textures, CC0"),
    "coins": _skimage("coins.png", "train", "Brooklyn Museum, no known copyright restrictions"),
    "moon": _skimage("moon.png", "train", "author not stated, BSD 3-Clause as all of scikit-image", 0.5),
    "page": _skimage("page.png", "train", "author not stated, BSD 3-Clause as all of scikit-image"),
    "coffee": _skimage("coffee.png", "validation", "Rachel Michetti, CC0"),
    "camera": _skimage("camera.png", "validation", "Lav Varshney, CC0"),
    "chelsea": _skimage("chelsea.png", "test", "Stéfan van der Walt, CC0"),
    "china": _sklearn("china.jpg", "test", "danielbuechele, CC BY 2.0"),
    "clock": _skimage("clock_motion.png", "demonstration", "Stéfan van der Walt, public domain"),
}
"""Name -> photograph. Checked against scikit-image's docstrings and scikit-learn's images/README.txt."""
