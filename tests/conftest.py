"""What all tests share."""

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository."""
    return ROOT


@pytest.fixture
def cuda() -> str:
    """The CUDA device; a test that asks for it is skipped where there is none."""
    import torch

    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device here")
    return "cuda"
