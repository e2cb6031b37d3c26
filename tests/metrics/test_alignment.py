"""Alignment finds shifts that are known, as the protocol does and better; the error ratio does not mind them."""

import math

import pytest
import torch

from deblurlib import images, metrics
from deblurlib.blur import add_noise, camera_shake, delta, gaussian
from deblurlib.metrics.alignment import METHODS
from deblurlib.profile import seed

methods = pytest.mark.parametrize("method", METHODS)


def scene(dy=0, dx=0, channels=1):
    """A crop of 90x101 pixels that begins dy lower and dx further right."""
    x = images.bundled("camera")[..., 60 + dy : 150 + dy, 200 + dx : 301 + dx].double()
    return x.expand(-1, channels, -1, -1)


@methods
@pytest.mark.parametrize("by", [(0, 0), (3, -2), (-5, 5), (5, 0)])
def test_whole_pixels_are_found_exactly(method, by):
    x, y = scene(), scene(*(-s for s in by))
    found = metrics.find_shift(y, x, method=method)
    torch.testing.assert_close(found, torch.tensor([by], dtype=torch.float64), rtol=0, atol=1e-4)
    aligned = metrics.align(y, x, method=method)
    assert aligned.shape == x.shape and aligned.dtype == x.dtype
    torch.testing.assert_close(aligned[..., 6:-6, 6:-6], x[..., 6:-6, 6:-6], rtol=0, atol=1e-3)


@methods
@pytest.mark.parametrize("by", [(1.25, -2.5), (-0.75, 0.25), (4.75, 4.75)])
def test_quarters_of_pixels_are_found(method, by):
    """Made with bilinear interpolation, which the Fourier interpolant is not."""
    y, tolerance = scene(), 1e-9 if method == "levin" else 0.1
    x = metrics.shift(y, torch.tensor([by]))
    found = metrics.find_shift(y, x, method=method)[0]
    torch.testing.assert_close(found, torch.tensor(by).double(), rtol=0, atol=tolerance)


def test_the_search_in_two_stages_is_the_search_of_the_whole_grid():
    y = scene()
    x = add_noise(metrics.shift(y, torch.tensor([[1.4, -0.6]])), 0.02)
    grid = [(0.25 * i, 0.25 * j) for i in range(-12, 13) for j in range(-12, 13)]
    moved = [metrics.shift(y, torch.tensor([s]))[..., 15:-15, 15:-15] for s in grid]
    errors = [float((m - x[..., 15:-15, 15:-15]).square().sum()) for m in moved]
    assert tuple(metrics.find_shift(y, x, max_shift=3.0)[0].tolist()) == grid[errors.index(min(errors))]


def test_fourier_finds_any_shift_and_noise_does_not_mislead_it():
    t = [torch.arange(n, dtype=torch.float64) for n in (80, 90)]

    def waves(dy, dx):
        y, x = (t[0] + dy)[:, None], (t[1] + dx)[None]
        return 0.5 + 0.2 * (torch.sin(0.31 * y + 0.22 * x) + torch.cos(0.17 * y - 0.41 * x))[None, None]

    by = (2.37, -1.61)
    found = metrics.find_shift(waves(0, 0), waves(*by), method="fourier")[0]
    torch.testing.assert_close(found, torch.tensor(by).double(), rtol=0, atol=2e-3)
    noisy = add_noise(waves(0, 0), 0.02)
    found = metrics.find_shift(noisy, waves(*by), method="fourier")[0]
    torch.testing.assert_close(found, torch.tensor(by).double(), rtol=0, atol=3e-2)


@methods
def test_a_batch_is_a_loop_and_colours_count_together(method):
    y = torch.cat([scene(0, 1, 3), scene(-2, 0, 3), scene(0, 0, 3)])
    x = scene(channels=3).expand(3, -1, -1, -1)
    found = metrics.find_shift(y, x, method=method)
    torch.testing.assert_close(found, torch.tensor([[0, -1], [2, 0], [0, 0]]).double(), rtol=0, atol=1e-4)
    alone = torch.cat([metrics.align(a[None], b[None], method=method) for a, b in zip(y, x, strict=True)])
    torch.testing.assert_close(metrics.align(y, x, method=method), alone)


@methods
def test_flat_images_and_no_shift(method):
    flat = torch.full((1, 1, 40, 40), 0.5)
    assert metrics.find_shift(flat, flat, method=method).tolist() == [[0, 0]] or method == "fourier"
    torch.testing.assert_close(metrics.align(flat, flat, method=method), flat)
    x, y = scene(), scene(1, 1)
    torch.testing.assert_close(metrics.align(y, x, max_shift=0, method=method), y)


def test_what_alignment_refuses():
    x = scene()
    for options, error, message in (
        ({"max_shift": 15.0}, ValueError, "crop: 15 pixels are too few for a max_shift of 15"),
        ({"max_shift": -1}, ValueError, "max_shift"),
        ({"crop": 45}, ValueError, "90x101 pixels are too few, it needs more than 90"),
        ({"crop": 15.0}, TypeError, "crop: expected an integer"),
        ({"method": "phase"}, ValueError, "method: unknown 'phase', expected one of levin, fourier"),
        ({"data_range": 0.0}, ValueError, "data_range"),
    ):
        with pytest.raises(error, match=message):
            metrics.align(x, x, **options)
    with pytest.raises(ValueError, match=r"by: expected shape \(1, 2\), got \(2,\)"):
        metrics.shift(x, torch.zeros(2))


@methods
def test_alignment_brings_back_what_a_shift_cost(method):
    x, y = scene(), add_noise(scene(1, 0), 0.01)
    rim = (..., slice(15, -15), slice(15, -15))
    before, after = (metrics.ssim(z[rim], x[rim]) for z in (y, metrics.align(y, x, method=method)))
    assert before < 0.9 < 0.95 < after


class TestErrorRatio:
    def test_is_a_ratio_of_squares(self):
        x = scene()
        noise = torch.randn(x.shape, generator=seed(0), dtype=x.dtype)
        ratio = metrics.error_ratio(x + 0.03 * noise, x + 0.01 * noise, x, max_shift=0)
        torch.testing.assert_close(ratio, torch.tensor([9.0]).double())

    def test_does_not_mind_a_shift(self):
        x, worse, better = scene(), 0.9 * scene(2, -1), 0.95 * scene(-3, 4)
        expected = metrics.error_ratio(0.9 * x, 0.95 * x, x)
        torch.testing.assert_close(metrics.error_ratio(worse, better, x), expected)

    def test_perfect_restorations(self):
        x = scene()
        assert metrics.error_ratio(x, x, x).item() == 1
        assert metrics.error_ratio(0.9 * x, x, x).item() == math.inf


class TestKernelSimilarity:
    def test_equal_up_to_a_shift(self):
        k = camera_shake(3, 15, generator=seed(0))
        padded = torch.nn.functional.pad(k, (6, 2, 1, 5))
        torch.testing.assert_close(metrics.kernel_similarity(k, k), torch.ones(3))
        torch.testing.assert_close(metrics.kernel_similarity(k, padded), torch.ones(3))

    def test_symmetric_and_below_one_for_others(self):
        a, b = camera_shake(2, 15, generator=seed(0)).double(), camera_shake(2, 21, generator=seed(1)).double()
        value = metrics.kernel_similarity(a, b)
        torch.testing.assert_close(metrics.kernel_similarity(b, a), value)
        assert (value > 0).all() and (value < 0.99).all()

    def test_by_hand(self):
        k = gaussian(5, 1.0, dtype=torch.float64)
        expected = k.amax() / k.square().sum().sqrt()
        assert metrics.kernel_similarity(delta(3, dtype=torch.float64), k).item() == pytest.approx(expected.item())

    def test_gradients(self):
        a, b = gaussian(5, 1.0, dtype=torch.float64), gaussian(7, 1.7, dtype=torch.float64)
        logits = a.log().clone().requires_grad_()
        assert torch.autograd.gradcheck(
            lambda t: metrics.kernel_similarity(t.flatten().softmax(0).view(1, 1, 5, 5), b), logits
        )

    def test_what_it_refuses(self):
        k = gaussian(5, 1.0)
        with pytest.raises(ValueError, match="b: sums to 2"):
            metrics.kernel_similarity(k, 2 * k)
        with pytest.raises(ValueError, match=r"b is torch\.float64"):
            metrics.kernel_similarity(k, k.double())
        with pytest.raises(ValueError, match="a batch of 2 kernels does not go with one of 3"):
            metrics.kernel_similarity(k.expand(2, -1, -1, -1), k.expand(3, -1, -1, -1))
