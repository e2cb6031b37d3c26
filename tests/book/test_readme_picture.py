"""The README's picture is small, and shows what the library computes today."""

import re

import numpy as np
import pytest
from PIL import Image
from readme_picture import DESCRIPTION, LARGEST, TARGET, description, picture, restorations


@pytest.fixture(scope="module")
def parts() -> list:
    return restorations()


def test_size() -> None:
    with Image.open(TARGET) as stored:
        assert stored.format == "WEBP" and stored.width >= 800
    assert TARGET.stat().st_size <= LARGEST


def test_its_numbers_are_those_of_today(parts: list) -> None:
    """After a change of the network or of the filter: python tools/readme_picture.py."""
    with Image.open(TARGET) as stored:
        then, now = str(stored.getexif()[DESCRIPTION]), description(parts)
    number = re.compile(r"-?\d+\.\d")
    assert number.sub("", then) == number.sub("", now)
    assert [float(n) for n in number.findall(then)] == pytest.approx([float(n) for n in number.findall(now)], abs=0.11)


def test_its_pixels_are_those_of_today(parts: list) -> None:
    with Image.open(TARGET) as stored:
        then = np.asarray(stored.convert("RGB"), dtype=float)
    now = np.asarray(picture(parts), dtype=float)
    assert then.shape == now.shape and np.abs(then - now).mean() < 3
