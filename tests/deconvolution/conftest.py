"""Where Levin's photographs are, if they are here."""

import os
from pathlib import Path

import pytest
import scipy.io
import torch

ERRORS = [
    [33.23, 37.88, 26.14, 50.42, 21.00, 15.82, 20.91, 26.21],
    [48.36, 51.71, 42.96, 73.51, 27.91, 20.36, 39.71, 40.97],
    [31.81, 36.58, 18.65, 39.50, 14.82, 10.05, 13.17, 23.41],
    [30.08, 44.17, 15.31, 40.31, 15.47, 17.94, 14.86, 23.21],
]
"""Squared error of the benchmark's final step with the true kernel: a row for each image, a column for each kernel."""


@pytest.fixture(scope="session")
def levin():
    """A list of (sharp, blurred, kernel, published error), float64; a test that asks for it is skipped without it."""
    data = Path(os.environ.get("DEBLUR_DATA", Path(__file__).parents[3] / "shared" / "data"))
    files = sorted((data / "levin").glob("im??_ker??.mat"))
    if not files:
        pytest.skip(f"{data / 'levin'} is not here: set DEBLUR_DATA to the folder that holds levin")
    scenes = []
    for file in files:
        x, y, k = (torch.as_tensor(scipy.io.loadmat(file)[name]).double()[None, None] for name in "xyf")
        k = k.flip(-2, -1)  # the files are made for correlation
        published = ERRORS[int(file.stem[2:4]) - 1][int(file.stem[9:11]) - 1]
        scenes.append((x, y, k / k.sum(), published))
    return scenes
