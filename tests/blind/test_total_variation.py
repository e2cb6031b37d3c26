"""Total variation in turns: the exact steps fall, and drift to no blur; the projected ones find the kernel."""

from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F

from deblurlib import blind, blur, metrics
from deblurlib.blind.coarse_to_fine import scales
from deblurlib.blind.exact_alternation import exact_rounds, objective, picture_step, simplex_step
from deblurlib.blind.free_boundary import FreeBoundary
from deblurlib.blind.kernel_cleanup import follow, recentre
from deblurlib.blind.total_variation import SteadyPyramid, TotalVariationSettings, projected_step
from deblurlib.blind.variation import steps, steps_adjoint, variation, variation_gradient


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_free_boundary_is_a_valid_convolution_and_has_its_adjoint():
    y, k = FreeBoundary(noise(2, 1, 10, 13), 5), noise(2, 1, 5, 5, seed=1)
    x, v = noise(2, 1, 14, 17, seed=2), noise(2, 1, 10, 13, seed=3)
    transfer = y.spectrum(k)
    by_sum = torch.cat([F.conv2d(x[i : i + 1], k[i : i + 1].flip(-1, -2)) for i in range(2)])
    assert torch.allclose(y.forward(x, transfer), by_sum, atol=1e-12)
    left, right = (y.forward(x, transfer) * v).sum(), (x * y.adjoint(v, transfer)).sum()
    assert abs(float(left - right)) < 1e-10
    assert torch.equal(y.cut(y.around()), y.values)


def test_the_differences_have_their_adjoint_and_the_variation_its_gradient():
    u, v = noise(1, 1, 7, 9, seed=1).requires_grad_(), noise(1, 2, 7, 9)
    assert abs(float(((steps(u) * v).sum() - (u * steps_adjoint(v)).sum()).detach())) < 1e-12
    (slope,) = torch.autograd.grad(variation(u, 0.5).sum(), u)
    assert torch.allclose(variation_gradient(u.detach(), 0.5), slope, atol=1e-12)


def test_the_kernel_step_is_the_minimum_on_the_simplex(sharp, kernel):
    """With the true picture it is the true kernel; else no step along the simplex goes down."""
    x = sharp.double()[..., :60, :60]
    y = FreeBoundary(blur.Blur(kernel.double(), "valid")(x), 9)
    assert float((simplex_step(y, x) - kernel).abs().max()) < 1e-5
    wrong = x + 0.05 * noise(1, 1, 60, 60)
    k = simplex_step(y, wrong)
    assert float(k.min()) >= 0
    assert float(k.sum()) == pytest.approx(1)
    error = y.forward(wrong, y.spectrum(k)) - y.values
    slope = torch.fft.irfft2(y.unseen(error) * y.spectrum(wrong).conj(), s=y.shape)[..., :9, :9]
    assert float((slope - (slope * k).sum()).min()) > -1e-5 * float(slope.abs().max())


def test_the_objective_of_the_exact_alternation_falls_with_every_step(blurred, kernel):
    y = FreeBoundary(blurred.double()[..., :70, :70], 9)
    u, energies = y.around(), []
    for _ in range(6):
        u = picture_step(y, u, kernel.double(), 6e-3, lagged=1)
        energies.append(float(objective(y, u, kernel.double(), 6e-3)))
    assert all(b < a for a, b in pairwise(energies))
    turns = list(exact_rounds(y, kernel.double(), 6e-3, 3))
    energies = [float(e) for turn in turns for e in turn.energies]
    assert all(b < a + 1e-9 for a, b in pairwise(energies))


def test_the_exact_alternation_drifts_from_the_truth_to_a_point(blurred, kernel):
    """A flat kernel and the true one to begin with: each turn is nearer to no blur."""
    y = FreeBoundary(blurred.double()[..., :80, :80], 9)
    last = list(exact_rounds(y, kernel.double(), 0.02, 12))[-1]
    assert metrics.kernel_similarity(last.kernel, kernel.double()) < 0.8
    assert float(last.kernel.max()) > 1.5 * float(kernel.max())


def test_exact_is_a_setting(blurred):
    found = blind.estimate(blurred[..., :80, :80], 5, method="total_variation", alternation="exact", turns=3)
    assert found.kernel.shape == (1, 1, 5, 5)
    with pytest.raises(ValueError, match="alternation: unknown 'precise'"):
        blind.estimate(blurred, 5, method="total_variation", alternation="precise")


def test_a_projected_step_moves_as_far_as_it_says_and_hands_back_a_kernel(blurred):
    y, settings = FreeBoundary(blurred, 9), TotalVariationSettings()
    u, k = y.around(), torch.full((1, 1, 9, 9), 1 / 81)
    after, fresh = projected_step(y, u, k, 0.01, settings)
    assert float((after - u).abs().max() / u.max()) == pytest.approx(5e-3, rel=1e-3)
    assert float(fresh.min()) >= 0
    assert float(fresh.sum()) == pytest.approx(1)
    before = objective(y, u, k, 0.01)
    for _ in range(20):
        u, k = projected_step(y, u, k, 0.01, settings)
    assert float(objective(y, u, k, 0.01)) < float(before)


def test_the_picture_follows_a_kernel_that_is_moved_to_its_centre():
    k = torch.zeros(2, 1, 7, 7, dtype=torch.float64)
    k[0, 0, 1, 4], k[0, 0, 1, 5], k[1, 0, 3, 3] = 0.6, 0.4, 1.0
    y, u = FreeBoundary(noise(2, 1, 20, 22), 7), noise(2, 1, 26, 28, seed=1)
    before = y.forward(u, y.spectrum(k))
    after = y.forward(follow(u, k), y.spectrum(recentre(k)))
    assert torch.allclose(before[..., 4:-4, 4:-4], after[..., 4:-4, 4:-4])


def test_its_scales_are_those_of_the_release():
    y = torch.rand(1, 1, 255, 255)
    levels = list(scales(y, 19, SteadyPyramid()))
    assert [s.size for s in levels] == [3, 5, 7, 9, 11, 13, 15, 17, 19]
    assert all(s.blurred.shape[-1] % 2 for s in levels)
    assert levels[-1].blurred is y
