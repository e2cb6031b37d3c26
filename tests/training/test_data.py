"""Training batches: a function of the seed and the step, true pairs, and photographs that may be missing."""

import sys

import pytest
import torch

from deblurlib import images
from deblurlib.blur import camera_shake
from deblurlib.profile import seed
from deblurlib.training import BlurredPairs, held_out
from deblurlib.training.data import photographs

CPU = torch.device("cpu")


def test_a_batch_is_a_function_of_the_seed_and_the_step(tiny):
    first, again, other = (BlurredPairs(tiny(seed=n), CPU) for n in (3, 3, 4))
    late = [again.batch(step) for step in (7, 2, 0)]  # in any order
    for step, batch in zip((7, 2, 0), late, strict=True):
        same = first.batch(step)
        assert torch.equal(batch.blurred, same.blurred)
        assert torch.equal(batch.sharp, same.sharp)
        assert not torch.equal(batch.sharp, other.batch(step).sharp)
    assert not torch.equal(late[0].sharp, late[1].sharp)


def test_the_global_source_of_random_numbers_is_left_alone(tiny):
    state = torch.get_rng_state()
    BlurredPairs(tiny(), CPU).batch(0)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("paired", [True, False])
def test_shapes_and_range(tiny, paired):
    config = tiny(batch=5)
    batch = BlurredPairs(config, CPU).batch(0, paired=paired)
    for x in (batch.blurred, batch.sharp):
        assert x.shape == (5, 3, config.crop, config.crop)
        assert x.dtype == torch.float32
        assert -0.1 < x.min() < x.max() < 1.1


def test_pairs_are_aligned(tiny):
    """Where nothing moves and nothing is noisy, blurred and sharp are the same picture."""
    still = tiny(path_length=(0.0, 0.0), noise=(0.0, 0.0), batch=6)
    batch = BlurredPairs(still, CPU).batch(0)
    torch.testing.assert_close(batch.blurred, batch.sharp, rtol=0, atol=1e-5)
    other = BlurredPairs(still, CPU).batch(0, paired=False)
    assert (other.blurred - other.sharp).abs().mean() > 0.05
    torch.testing.assert_close(other.blurred, batch.blurred)


def test_the_noise_is_as_asked_for(tiny):
    still = tiny(path_length=(0.0, 0.0), noise=(0.05, 0.05), batch=20)
    batch = BlurredPairs(still, CPU).batch(0)
    assert (batch.blurred - batch.sharp).std().item() == pytest.approx(0.05, rel=0.03)
    varied = BlurredPairs(tiny(path_length=(0.0, 0.0), noise=(0.01, 0.09), batch=4), CPU)
    found = [(b.blurred - b.sharp).std().item() for b in map(varied.batch, range(30))]
    assert 0.009 < min(found) < 0.03 < 0.07 < max(found) < 0.092


def test_crops_are_whole_and_bright_enough(tiny):
    """Of a photograph of one colour every crop is that colour, at 80 to 100 % of its brightness, channels shuffled."""
    flat = torch.tensor([0.2, 0.4, 0.8]).view(1, 3, 1, 1).expand(1, 3, 60, 70)
    batch = BlurredPairs(tiny(batch=30), CPU, [flat]).batch(0)
    levels = batch.sharp.mean(dim=(2, 3))
    assert (batch.sharp - levels[..., None, None]).abs().max() < 1e-6
    gains = levels.sum(1) / 1.4
    assert 0.79 < gains.min() < 0.85 < 0.95 < gains.max() < 1.01
    assert (levels.sort(dim=1).values / gains[:, None] - torch.tensor([0.2, 0.4, 0.8])).abs().max() < 0.01
    assert len({tuple(row.argsort().tolist()) for row in levels}) > 3


def test_every_orientation_is_drawn(tiny):
    """A photograph that is bright in one corner is bright in each corner of some crop."""
    x = torch.zeros(1, 3, 40, 40)  # the only crop there is
    x[..., :10, :20] = 1
    crops = BlurredPairs(tiny(batch=64), CPU, [x]).batch(0).sharp.mean(dim=1)
    seen = {tuple((c.unfold(0, 16, 16).unfold(1, 16, 16).mean(dim=(2, 3)) > 0.2).flatten().tolist()) for c in crops}
    assert len(seen) >= 4


def test_large_photographs_are_used_at_three_sizes(tiny):
    x = torch.rand(1, 3, 100, 120, generator=seed(0))
    assert [tuple(p.shape[-2:]) for p in BlurredPairs(tiny(), CPU, [x]).pyramid] == [(100, 120), (75, 90), (50, 60)]


def test_photographs_that_are_all_too_small(tiny):
    with pytest.raises(ValueError, match=r"no photograph is as large as a crop of 200 .* 208"):
        BlurredPairs(tiny(crop=200), CPU)


def test_bundled_photographs_for_training():
    found, weights = photographs("bundled")
    assert len(found) == len(weights) == len(images.bundled_names("train"))
    assert all(x.shape[:2] == (1, 3) for x in found)
    assert min(weights) > 0


def test_a_folder_of_photographs(tiny):
    found, weights = photographs(tiny().photographs)
    assert len(found) == 2  # neither the notes nor the hidden file
    assert weights == [1.0, 1.0]


def test_folders_without_photographs_are_refused(tmp_path):
    with pytest.raises(FileNotFoundError, match="no such folder of photographs"):
        photographs(str(tmp_path / "nowhere"))
    with pytest.raises(ValueError, match="holds no images"):
        photographs(str(tmp_path))
    (tmp_path / "broken.jpg").write_text("no photograph")
    with pytest.raises(ValueError, match=r"broken.jpg is not a readable image"):
        photographs(str(tmp_path))


def scene(number):
    return torch.rand(1, 3 if number else 1, 80, 90, generator=seed(number))


def test_the_examination_is_a_function_of_its_arguments(tiny):
    pictures = [("a", scene(0)), ("b", scene(1))]
    state = torch.get_rng_state()
    first, again, other = (held_out(pictures, config=tiny(), side=40, crops=3, seed=n) for n in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(first.blurred, again.blurred)
    assert not torch.equal(first.blurred, other.blurred)
    assert first.blurred.shape == first.sharp.shape == (6, 3, 40, 40)
    assert first.kernels.shape == (6, 1, 9, 9)
    assert first.names == ("a", "a", "a", "b", "b", "b")
    torch.testing.assert_close((first.blurred * 255).round(), first.blurred * 255, rtol=0, atol=1e-4)  # 8 bits


def test_the_examination_s_kernels_grow(tiny):
    """From short to long paths in equal steps, so that every photograph meets all of them."""
    k = held_out([("a", scene(1))], config=tiny(path_length=(0.5, 6.0)), side=40, crops=4).kernels[:, 0].double()
    grid = torch.arange(9, dtype=torch.float64) - 4
    spreads = ((k.sum(1) + k.sum(2)) * grid**2).sum(1)
    assert spreads[0] < spreads[-1]
    assert (k.sum(2) * grid).sum(1).abs().max() < 0.01  # centred: no restoration is asked to shift the picture


def test_with_one_crop_each_they_grow_from_photograph_to_photograph(tiny, monkeypatch):
    """All of one length would examine the middle of the world, and nothing else."""
    pictures, lengths = [(name, scene(i)) for i, name in enumerate("abcde")], []

    def shake(*sizes, length, **settings):
        lengths.append(length)
        return camera_shake(*sizes, length=length, **settings)

    monkeypatch.setattr(sys.modules["deblurlib.training.held_out"], "camera_shake", shake)  # the name is a function's
    held_out(pictures, config=tiny(path_length=(1.0, 6.0)), side=40, crops=1)
    assert lengths == pytest.approx([1.5, 2.5, 3.5, 4.5, 5.5])
    with pytest.raises(ValueError, match="expected photographs and crops of them, got 0 and 1"):
        held_out([], config=tiny(), crops=1)
    with pytest.raises(ValueError, match="got 5 and 0"):
        held_out(pictures, config=tiny(), crops=0)


def test_gains(tiny):
    examination = held_out([("a", scene(1))], config=tiny(), side=40, crops=2)
    assert examination.gain(lambda x: x).abs().max() < 1e-6
    assert examination.ssim_gain(lambda x: x).abs().max() < 1e-6
    assert (examination.gain(lambda x: 0.5 * (x + examination.sharp)) > 5.9).all()  # half the error is 6 dB
    assert (examination.ssim_gain(lambda x: 0.5 * (x + examination.sharp)) > 0).all()


def test_the_bundled_examination():
    """Photographs that training never sees."""
    examination = held_out()
    assert set(examination.names) == set(images.bundled_names("validation") + images.bundled_names("test"))
    assert not set(examination.names) & set(images.bundled_names("train"))
    assert examination.blurred.shape == (16, 3, 192, 192)


def test_a_photograph_that_is_too_small_is_named(tiny):
    with pytest.raises(ValueError, match="b: 80x90 pixels are fewer than a crop and its margin, 108"):
        held_out([("b", scene(1))], config=tiny(), side=100)


def test_cuda(tiny, cuda):
    here, there = (BlurredPairs(tiny(noise=(0.0, 0.0)), torch.device(d)).batch(0) for d in ("cpu", cuda))
    torch.testing.assert_close(there.sharp.cpu(), here.sharp, rtol=0, atol=1e-6)
    torch.testing.assert_close(there.blurred.cpu(), here.blurred, rtol=0, atol=1e-5)
