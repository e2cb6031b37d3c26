"""The metrics give the numbers of their authors' own programs, where the images they were computed on are here."""

import csv

import pytest
import torch

from deblurlib import images, metrics

TOLERANCES = {"ssim_gray": 2e-4, "ms_ssim_gray": 5e-3, "vif_wavelet_gray": 5e-4}
FUNCTIONS = {"ssim_gray": metrics.ssim, "ms_ssim_gray": metrics.ms_ssim, "vif_wavelet_gray": metrics.vif}
PAIRS = ("I03", "I06", "I19")


@pytest.fixture(scope="module")
def official(material):
    with (material / "tid2013" / "official.csv").open() as file:
        rows = {row.pop("metric"): row for row in csv.DictReader(file)}
    return {metric: {pair: float(value) for pair, value in row.items()} for metric, row in rows.items()}


def pair_of(material, name, dtype=torch.float64):
    return [images.load(material / "tid2013" / kind / f"{name}.png").to(dtype) for kind in ("dist", "ref")]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("metric", FUNCTIONS)
@pytest.mark.parametrize("name", PAIRS)
def test_full_reference(name, metric, dtype, material, official):
    grey = [metrics.rgb2gray(x) for x in pair_of(material, name, dtype)]
    assert FUNCTIONS[metric](*grey).item() == pytest.approx(official[metric][name], abs=TOLERANCES[metric])


@pytest.mark.parametrize("name", PAIRS)
def test_vif_of_files_in_colour(name, material, official):
    assert metrics.vif(*pair_of(material, name)).item() == pytest.approx(official["vif_wavelet_gray"][name], abs=5e-4)


@pytest.mark.parametrize("name", PAIRS)
def test_psnr_of_colours(name, material, official):
    assert metrics.psnr(*pair_of(material, name)).item() == pytest.approx(official["psnr_rgb"][name], abs=5e-3)


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("parameters", ["niqe_pris_params.npz", "niqe_image_params.mat"])
def test_niqe_with_the_authors_parameters(name, parameters, material, official):
    model = metrics.load_niqe_model(material / parameters)
    distorted, _ = pair_of(material, name)
    expected = official["niqe_live"][name]
    assert metrics.niqe(distorted, model=model).item() == pytest.approx(expected, abs=0.1 if expected < 10 else 0.5)


@pytest.mark.parametrize(
    ("distorted", "reference", "expected"),
    [("goldhill_jpeg.gif", "goldhill.gif", 0.2665), ("i01_01_5.png", "I01.png", 0.3147)],
)
def test_vif_pixel(distorted, reference, expected, material):
    x, y = (images.load(material / "piq_assets" / name).double() for name in (distorted, reference))
    assert metrics.vif_pixel(x, y).item() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize(("name", "expected"), [("I03", 0.154), ("I06", 18.20), ("I19", 1.415)])
def test_ifc_stays_where_it_was_found(name, expected, material):
    """Values of another implementation, whose grey has the four-digit weights: two digits."""
    grey = [metrics.rgb2gray(x) for x in pair_of(material, name)]
    assert metrics.ifc(*grey).item() == pytest.approx(expected, rel=1e-2)
