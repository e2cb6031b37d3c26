"""Batches of real pairs: a function of the seed and the step, of the same places; and data that do not serve."""

import pytest
import torch

from deblurlib import images
from deblurlib.profile import seed
from deblurlib.training import fit
from deblurlib.training.real_pairs import RealPairs

CPU = torch.device("cpu")


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


def real(tiny, folder, **changes):
    return tiny(photographs=str(folder), data="pairs", **changes)


def test_pairs_with_an_unreadable_picture(folder, tiny):
    for i in (0, 2):
        (folder / "sharp" / f"{i}.png").write_text("no picture")
    with pytest.raises(ValueError, match="2 of 6 pictures cannot be read"):
        RealPairs(real(tiny, folder), CPU)
    with pytest.warns(UserWarning, match="2 of 6 pictures"):
        supply = RealPairs(real(tiny, folder, skip_unreadable=True), CPU)
    assert len(supply.sharp) == len(supply.blurred) == 1


def test_a_batch_of_pairs_is_of_the_same_places(folder, tiny):
    supply = RealPairs(real(tiny, folder, batch=5), CPU)
    batch = supply.batch(3)
    assert batch.sharp.shape == batch.blurred.shape == (5, 3, 32, 32)
    torch.testing.assert_close(batch.blurred, 0.5 * batch.sharp, rtol=0, atol=1 / 255)
    assert torch.equal(batch.sharp, RealPairs(real(tiny, folder, batch=5), CPU).batch(3).sharp)
    assert not torch.equal(batch.sharp, supply.batch(4).sharp)
    other = supply.batch(3, paired=False)
    assert (other.blurred - 0.5 * other.sharp).abs().mean() > 0.05


def test_processes_share_a_batch(folder, tiny):
    whole = RealPairs(real(tiny, folder, batch=4), CPU).batch(1)
    shares = [RealPairs(real(tiny, folder), CPU, rank=rank, processes=2).batch(1) for rank in (0, 1)]
    assert torch.equal(torch.cat([share.blurred for share in shares]), whole.blurred)


def test_pairs_of_two_sizes_are_named(folder, tiny):
    picture(folder / "blur" / "3.png", 3, (48, 50))
    picture(folder / "sharp" / "3.png", 3)
    with pytest.raises(ValueError, match=r"blur.3.png has 48x50 pixels, .*sharp.3.png has 48x60: they are no pair"):
        RealPairs(real(tiny, folder), CPU)


def test_pictures_smaller_than_a_crop(folder, tiny):
    with pytest.raises(ValueError, match=r"no picture in .* is as large as a crop of 50"):
        RealPairs(real(tiny, folder, crop=50), CPU)


@pytest.mark.parametrize(
    ("data", "system"),
    [("pairs", "regression"), ("pairs", "cycle_gan"), ("gopro", "regression"), ("unpaired", "cycle_gan")],
)
def test_training_on_real_pictures(data, system, folder, tiny):
    run = fit(tiny(photographs=str(folder), data=data, system=system, steps=3), progress=False)
    assert {len(values) for values in run.losses.values()} == {3}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"data": "unpaired"}, "regression learns from pairs, and 'unpaired' has none; cycle_gan does without"),
        ({"system": "deep_deconvolution"}, "deep_deconvolution must know the kernels"),
        ({"system": "kernel_guided"}, "kernel_guided must know the kernels"),
        ({"photographs": "bundled"}, "needs a folder with blur/ and sharp/ in it"),
        ({"data": "film"}, "data: unknown 'film'"),
    ],
)
def test_data_that_do_not_serve(changes, message, folder, tiny, tmp_path):
    with pytest.raises(ValueError, match=message):
        fit(tiny(**{"photographs": str(folder), "data": "pairs"} | changes), tmp_path / "run", progress=False)
    assert not (tmp_path / "run").exists()
