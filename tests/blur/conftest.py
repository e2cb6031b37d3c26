"""Where video frames for the tests are, if they are here."""

import os
from pathlib import Path

import pytest
import torch

from deblurlib import images


@pytest.fixture(scope="session")
def gopro_clip() -> torch.Tensor:
    """Sixteen consecutive frames of a hand-held camera, (16, 3, 360, 640); skipped where the data set is absent."""
    data = Path(os.environ.get("DEBLUR_DATA", Path(__file__).parents[3] / "shared" / "data"))
    files = sorted((data / "gopro_clip").glob("*.webp"))
    if not files:
        pytest.skip(f"{data / 'gopro_clip'} is not here: set DEBLUR_DATA to the folder that holds gopro_clip")
    return torch.cat([images.load(file) for file in files])
