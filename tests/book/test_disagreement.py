"""What the chapter 'When metrics disagree' says that other libraries answer is what they answer, where installed."""

import functools
from pathlib import Path
from typing import Any

import nbformat
import pytest

CHAPTER = Path(__file__).parents[2] / "book" / "2-judging" / "disagreement.ipynb"
CELLS = ("setup", "moments", "ssim-with", "libraries", "pixel-vif", "greys")
"""The cells that make the pair of pictures, and reproduce the libraries."""


@functools.cache
def chapter() -> dict[str, Any]:
    """The names that those cells define."""
    names: dict[str, Any] = {}
    sources = {cell["id"]: cell.source for cell in nbformat.read(CHAPTER, as_version=4).cells}
    for identity in CELLS:
        exec(compile(sources[identity], f"{CHAPTER.name}:{identity}", "exec"), names)
    return names


def answer(library: str) -> float:
    return float(chapter()["answers"][library])


def pair() -> tuple[Any, Any]:
    return chapter()["blurred"], chapter()["sharp"]


def test_skimage_ssim() -> None:
    metrics = pytest.importorskip("skimage.metrics")
    x, y = (t[0].numpy() for t in pair())
    assert metrics.structural_similarity(x, y, channel_axis=0, data_range=1.0) == pytest.approx(
        answer("scikit-image"), abs=1e-6
    )


def test_kornia_ssim() -> None:
    kornia = pytest.importorskip("kornia.metrics")
    assert float(kornia.ssim(*pair(), 11).mean()) == pytest.approx(answer("kornia, torchmetrics"), abs=1e-4)


def test_torchmetrics_ssim() -> None:
    image = pytest.importorskip("torchmetrics.functional.image")
    value = float(image.structural_similarity_index_measure(*pair(), data_range=1.0))
    assert value == pytest.approx(answer("kornia, torchmetrics"), abs=1e-4)


def test_piq_ssim() -> None:
    piq = pytest.importorskip("piq")
    assert float(piq.ssim(*pair())) == pytest.approx(answer("piq"), abs=1e-5)
    assert float(piq.ssim(*pair(), downsample=False)) == pytest.approx(answer("Wang 2004, deblurlib"), abs=1e-5)


def test_pytorch_msssim_ssim() -> None:
    library = pytest.importorskip("pytorch_msssim")
    assert float(library.ssim(*pair())) == pytest.approx(answer("pytorch-msssim"), abs=1e-5)
    assert float(library.ssim(*pair(), data_range=1)) == pytest.approx(answer("Wang 2004, deblurlib"), abs=1e-5)


def test_pyiqa_ssim_and_vif() -> None:
    pyiqa = pytest.importorskip("pyiqa")
    x, y = pair()
    ssim, vif = (float(pyiqa.create_metric(name)(x.float(), y.float())) for name in ("ssim", "vif"))
    assert ssim == pytest.approx(answer("pyiqa"), abs=1e-3)
    assert vif == pytest.approx(chapter()["db"].metrics.vif(x, y).item(), abs=1e-3)


def test_piq_vif() -> None:
    piq, vif, luma = pytest.importorskip("piq"), chapter()["pixel_vif"], chapter()["luma"]
    x, y = pair()
    assert float(piq.vif_p(x, y)) == pytest.approx(vif(x, y, grey=luma), abs=1e-4)
    assert float(piq.vif_p(y, x)) == pytest.approx(vif(y, x, grey=luma), abs=1e-4)


@pytest.mark.parametrize("white", [1.0, 255.0])
def test_torchmetrics_vif(white: float) -> None:
    image, vif = pytest.importorskip("torchmetrics.functional.image"), chapter()["pixel_vif"]
    x, y = pair()
    value = float(image.visual_information_fidelity(white * x, white * y))
    assert value == pytest.approx(vif(x, y, grey=chapter()["colour"], white=white), abs=1e-4)
