"""The photographs that ship: all there, each with a role, a credit and a message where its package is missing."""

import pytest

from deblurlib import images
from deblurlib.photographs import PHOTOGRAPHS


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_bundled(name):
    """Every photograph is there, offline, in range, and of some size."""
    x = images.bundled(name)
    assert x.shape[1] in (1, 3)
    assert min(x.shape[-2:]) >= 180
    assert 0 <= x.min() < x.max() <= 1
    assert PHOTOGRAPHS[name].credit


def test_bundled_roles():
    roles = ("train", "validation", "test", "demonstration")
    by_role = [images.bundled_names(role) for role in roles]
    assert [name for names in by_role for name in names] == images.bundled_names()  # each in one role, none without
    assert all(by_role)
    assert len(set(images.bundled_names())) == len(PHOTOGRAPHS)
    with pytest.raises(ValueError, match="expected one of train, validation, test, demonstration"):
        images.bundled_names("exam")
    with pytest.raises(ValueError, match=r"unknown 'lena', expected one of astronaut"):
        images.bundled("lena")


def test_a_photograph_whose_package_is_missing(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(FileNotFoundError, match="comes with skimage, which is not installed"):
        images.bundled("camera")
