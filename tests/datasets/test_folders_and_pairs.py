"""Data sets on disk: what is found, in which layout, and what is said of files that do not fit."""

import os
from pathlib import Path

import pytest
import torch

from deblurlib import images
from deblurlib.datasets import gopro, pairs, pictures, read, unpaired
from deblurlib.profile import seed

DATA = Path(os.environ.get("DEBLUR_DATA", Path(__file__).parents[2] / ".." / "shared" / "data"))


def picture(path, number=0, size=(48, 60)):
    path.parent.mkdir(parents=True, exist_ok=True)
    images.save(path, torch.rand(1, 3, *size, generator=seed(number)))


@pytest.fixture
def folder(tmp_path):
    """Three pairs, in which the blurred picture is the sharp one at half its brightness."""
    for i in range(3):
        picture(tmp_path / "sharp" / f"{i}.png", i)
        (tmp_path / "blur").mkdir(exist_ok=True)
        images.save(tmp_path / "blur" / f"{i}.png", 0.5 * images.load(tmp_path / "sharp" / f"{i}.png"))
    return tmp_path


def test_pictures_and_pairs(folder):
    (folder / "blur" / "notes.txt").write_text("no picture")
    (folder / "blur" / ".0.png").write_text("no picture either")
    assert [path.name for path in pictures(folder / "blur")] == ["0.png", "1.png", "2.png"]
    assert [(a.parent.name, a.stem, b.parent.name, b.stem) for a, b in pairs(folder)] == [
        ("blur", str(i), "sharp", str(i)) for i in range(3)
    ]


def test_pictures_without_a_partner_are_named(folder):
    picture(folder / "blur" / "left.png")
    picture(folder / "sharp" / "right.png")
    picture(folder / "sharp" / "other.png")
    with pytest.raises(ValueError, match=r"1 in blur/ .* sharp/: left.png; 2 in sharp/ .* blur/: other.png, right.png"):
        pairs(folder)
    blurred, sharp = unpaired(folder)
    assert (len(blurred), len(sharp)) == (4, 5)


def test_folders_that_are_not_there(folder, tmp_path):
    for door in (pairs, unpaired, gopro, pictures):
        with pytest.raises(FileNotFoundError, match="no such folder"):
            door(tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError, match=r"expected the folders blur/ and sharp/ in it, found no blur/"):
        pairs(folder / "sharp")
    with pytest.raises(ValueError, match="holds no sequence of GoPro"):
        gopro(folder / "sharp")
    with pytest.raises(ValueError, match="split: unknown 'validation'"):
        gopro(folder, "validation")


def test_gopro_in_its_official_layout(tmp_path):
    for split, sequence in (("train", "GOPR0372_07_00"), ("train", "GOPR0372_07_01"), ("test", "GOPR0384_11_00")):
        for kind in ("blur", "blur_gamma", "sharp"):
            picture(tmp_path / split / sequence / kind / "000047.png")
    assert [pair.sharp.parts[-4:] for pair in gopro(tmp_path)] == [
        ("train", "GOPR0372_07_00", "sharp", "000047.png"),
        ("train", "GOPR0372_07_01", "sharp", "000047.png"),
    ]
    assert [pair.blurred.parts[-3:] for pair in gopro(tmp_path, "test")] == [("GOPR0384_11_00", "blur", "000047.png")]
    assert gopro(tmp_path / "test") == gopro(tmp_path, "test")


def test_gopro_pairs_of_the_shared_data():
    if not (DATA / "gopro_pairs").is_dir():
        pytest.skip("the development data are not here (DEBLUR_DATA)")
    found = gopro(DATA / "gopro_pairs")
    assert len(found) == 16
    assert all(pair.blurred.name == pair.sharp.name for pair in found)


def test_unreadable_pictures_are_all_listed_and_skipped_only_on_request(folder):
    for i in (0, 2):
        (folder / "sharp" / f"{i}.png").write_text("no picture")
    with pytest.raises(ValueError, match=r"0.png is not a readable image.*2 of 3 pictures .*: 0.png, 2.png.*skip_unr"):
        read(pictures(folder / "sharp"))
    with pytest.warns(UserWarning, match=r"2 of 3 pictures cannot be read: 0.png, 2.png; they are left out"):
        assert [path.name for path in read(pictures(folder / "sharp"), skip=True)] == ["1.png"]
    (folder / "sharp" / "1.png").write_text("no picture")
    with pytest.raises(ValueError, match="3 of 3"):
        read(pictures(folder / "sharp"), skip=True)
