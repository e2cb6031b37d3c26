"""Motion that varies: the field is found, the picture gains, and bad pictures get one clear error."""

import time

import pytest
import torch
import torch.nn.functional as F

from deblurlib import images
from deblurlib.blind import MotionFieldSettings, motion_field
from deblurlib.blind.motion_field import _smoothed
from deblurlib.blur import Blur, motion_kernels
from deblurlib.deconvolution import sparse, sparse_varying
from deblurlib.metrics import psnr
from deblurlib.networks import MotionClassifier, straight_motions
from deblurlib.profile import seed

LEFT, RIGHT = (13.0, 0.0), (9.0, 90.0)


def scene(name="coffee"):
    """A photograph made small, so that it is sharp indeed."""
    x = F.interpolate(images.bundled(name).mean(dim=1, keepdim=True), scale_factor=0.5, mode="area")
    return x[..., :186, :226]


def two_motions(x):
    """Left half moved one way, right half another; and what was there."""
    kernels = motion_kernels(torch.tensor([LEFT, RIGHT]))
    margin = kernels.shape[-1] // 2
    left, right = (Blur(k[None], "valid")(x) for k in kernels)
    half = left.shape[-1] // 2
    y = torch.cat([left[..., :half], right[..., half:]], dim=-1)
    y = y + 0.004 * torch.randn(y.shape, generator=seed(1))
    return y.clamp(0, 1), x[..., margin:-margin, margin:-margin]


def vectors(lengths, angles):
    turn = torch.deg2rad(torch.as_tensor(angles))
    return (torch.as_tensor(lengths) - 1) * torch.stack([torch.cos(turn), torch.sin(turn)])


def error(lengths, angles, truth):
    """The mean distance in pixels between motions; a motion and its opposite are one."""
    found, true = vectors(lengths, angles), vectors(*truth).view(2, *[1] * lengths.ndim)
    return float(torch.minimum((found - true).norm(dim=0), (found + true).norm(dim=0)).mean())


@pytest.fixture(scope="module")
def example():
    y, x = two_motions(scene())
    return y, x, motion_field(y)


def test_the_field_beats_every_single_motion(example):
    _, _, found = example
    half = found.lengths.shape[-1] // 2

    def whole(lengths, angles):
        return (
            error(lengths[..., :half], angles[..., :half], LEFT) + error(lengths[..., half:], angles[..., half:], RIGHT)
        ) / 2

    alone = min(
        whole(torch.full_like(found.lengths, n), torch.full_like(found.angles, a))
        for n, a in straight_motions().tolist()
    )
    assert whole(found.lengths, found.angles) < 0.7 * alone
    assert found.angles[..., 8 : half - 8].median() == LEFT[1]
    assert found.angles[..., half + 8 : -8].median() == RIGHT[1]


def test_the_restoration_beats_the_input_and_every_single_kernel(example):
    y, x, found = example
    kernels = motion_kernels(straight_motions())[::3]
    single = max(float(psnr(sparse(y, k[None], iterations=40), x)) for k in kernels)
    assert found.image.shape == y.shape
    assert float(psnr(found.image, x)) > max(float(psnr(y, x)), single) + 0.5


def test_confidence_and_ranges(example):
    y, _, found = example
    assert found.lengths.shape == found.angles.shape == found.confidence.shape == (1, 1, *y.shape[-2:])
    assert 0 < found.confidence.min() <= found.confidence.max() <= 1
    assert set(found.lengths.unique().tolist()) <= set(straight_motions()[:, 0].tolist())
    torch.testing.assert_close(found.kernels.sum(dim=(-2, -1)), torch.ones(found.kernels.shape[:3]))
    assert 0 <= found.image.min() <= found.image.max() <= 1


QUICK = MotionFieldSettings(iterations=3)


def test_a_sharp_picture_is_left_almost_alone():
    x = scene()
    found = motion_field(x, settings=QUICK)
    assert found.lengths.median() <= 3


def test_batch_equals_loop_and_again_is_the_same():
    y, _ = two_motions(scene())
    pair = torch.cat([y, y.flip(-1)])
    whole, again = motion_field(pair, settings=QUICK), motion_field(pair, settings=QUICK)
    assert torch.equal(whole.image, again.image) and torch.equal(whole.lengths, again.lengths)
    for i in range(2):
        single = motion_field(pair[i : i + 1], settings=QUICK)
        for part in ("lengths", "angles", "confidence", "kernels", "image"):
            torch.testing.assert_close(getattr(single, part)[0], getattr(whole, part)[i], rtol=0, atol=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_colour_and_precision(dtype):
    y = two_motions(scene())[0][..., :60, :80].expand(-1, 3, -1, -1).to(dtype)
    found = motion_field(y, settings=QUICK)
    assert found.image.shape == y.shape
    assert found.image.dtype == found.lengths.dtype == found.confidence.dtype == dtype


def test_smoothing_outvotes_one_place_and_keeps_a_jump():
    motions = torch.tensor([LEFT, RIGHT])
    evidence = torch.zeros(1, 2, 7, 8)
    evidence[:, 0, :, :4] = evidence[:, 1, :, 4:] = 2.0
    jump = evidence.argmax(dim=1)
    evidence[:, 1, 3, 1] = 2.5
    rough, smooth = (_smoothed(evidence, motions, MotionFieldSettings(smoothness=s)).argmax(dim=1) for s in (0.0, 0.01))
    assert torch.equal(rough, evidence.argmax(dim=1))
    assert not torch.equal(rough, jump)
    assert torch.equal(smooth, jump)


def test_the_field_of_a_network_of_one_s_own():
    network = MotionClassifier(longest=5, angles=4, width=4, hidden=8)
    found = motion_field(scene()[..., :40, :50], network=network, settings=QUICK)
    assert set(found.angles.unique().tolist()) <= {0.0, 45.0, 90.0, 135.0}


def test_bad_pictures():
    with pytest.raises(ValueError, match="picture 1 is flat"):
        motion_field(torch.cat([scene()[..., :64, :64], torch.full((1, 1, 64, 64), 0.5)]))
    with pytest.raises(ValueError, match="29x64 pixels are fewer than a patch, 30x30"):
        motion_field(torch.rand(1, 1, 29, 64, generator=seed(0)))
    with pytest.raises(ValueError, match=r"expected 1 \(grey\) or 3"):
        motion_field(torch.rand(1, 2, 64, 64))
    with pytest.raises(TypeError):
        motion_field(torch.zeros(1, 1, 64, 64, dtype=torch.uint8))
    for wrong in ({"spread": 0.0}, {"smoothness": -1.0}, {"sweeps": -1}, {"region": 0}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            MotionFieldSettings(**wrong)


def test_it_is_quick(example):
    """CPU time of a picture of 160x200 pixels."""
    y, _, _ = example
    start = time.process_time()
    motion_field(y)
    assert time.process_time() - start < 8


def test_equal_kernels_are_one_kernel():
    y, k = two_motions(scene())[0][..., :60, :64], motion_kernels(torch.tensor([[7.0, 30.0]]))
    varying = sparse_varying(y, k.expand(3, 2, -1, -1), iterations=15)
    torch.testing.assert_close(varying, sparse(y, k, iterations=15), rtol=0, atol=1e-3)
    with pytest.raises(ValueError, match="weight"):
        sparse_varying(y, k, weight=0.0)
    with pytest.raises(ValueError, match="iterations"):
        sparse_varying(y, k, iterations=0)
