"""Where the reference material of the metrics is, if it is here."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of data sets, which does not belong to the project."""
    return Path(os.environ.get("DEBLUR_DATA", Path(__file__).parents[3] / "shared" / "data"))


@pytest.fixture(scope="session")
def material(shared_data: Path) -> Path:
    """Image pairs with the values of the authors' own programs; a test that asks for them is skipped without them."""
    folder = shared_data / "metrics"
    if not folder.is_dir():
        pytest.skip(f"{folder} is not here: set DEBLUR_DATA to the folder that holds metrics")
    return folder
