"""The free energy moves one way, and the pieces of both marginal methods agree with sums over everything."""

import math
import warnings
from itertools import pairwise
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F

from deblurlib import blind, blur, metrics
from deblurlib.blind.gradient_mixture import NATURAL, STREET, Mixture
from deblurlib.blind.kernel_posterior import KernelPrior, Rectified, kernel_energy, kernel_posterior_step
from deblurlib.blind.marginal_em import kernel_step, picture
from deblurlib.blind.nonnegative import nonnegative
from deblurlib.blind.posterior import Gaussian, SeenGradients, free_energy, posterior_step, residual_power
from deblurlib.blind.second_moments import kernel_equations, shifted_products

LEVIN = Path(__file__).resolve().parents[3] / "shared/data/levin"


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def tiny():
    """Two pictures of 9x11, whose gradients a kernel of 3x3 has blurred."""
    y = SeenGradients(0.5 + 0.2 * noise(2, 1, 9, 11), 3)
    k = noise(2, 1, 3, 3, seed=1).abs()
    return y, k / k.sum(dim=(-2, -1), keepdim=True)


def matrix(y, kernel):
    """M K of one picture, dense: (H W, H' W')."""
    units = torch.eye(y.tall * y.wide, dtype=torch.float64).view(-1, 1, y.tall, y.wide)
    return F.conv2d(units, kernel.flip(-1, -2)).flatten(1).T


def test_the_operator_is_the_dense_one_and_has_its_adjoint(tiny):
    y, k = tiny
    dense = matrix(y, k[:1])
    x, v = noise(1, 1, y.tall, y.wide), noise(1, 1, y.height, y.width, seed=3)
    transfer = y.spectrum(k[:1])
    assert torch.allclose(y.forward(x, transfer).flatten(), dense @ x.flatten(), atol=1e-12)
    assert torch.allclose(y.adjoint(v, transfer).flatten(), dense.T @ v.flatten(), atol=1e-12)
    assert torch.allclose(y.each_pixel(k[:1].square()).flatten(), dense.square().sum(dim=0), atol=1e-12)


def test_with_one_gaussian_the_posterior_is_the_dense_one(tiny):
    """The mean is exact; the variance is that of each pixel when all others are known, 1 over the diagonal."""
    y, k = tiny
    prior, sigma = Mixture((1.0,), (30.0,)), 0.1
    x = posterior_step(y, k, sigma, prior, iterations=200, rounds=1)
    for i in range(2):
        dense = matrix(y, k[i : i + 1])
        precision = dense.T @ dense / sigma**2 + 30 * torch.eye(dense.shape[1], dtype=torch.float64)
        mean = torch.linalg.solve(precision, dense.T @ y.values[i].flatten(1).T / sigma**2)
        assert torch.allclose(x.mean[i].flatten(1).T, mean, atol=1e-9)
        assert torch.allclose(x.variance[i].flatten(1), 1 / precision.diagonal().expand(2, -1), atol=1e-12)
        covariance = torch.linalg.inv(precision)
        assert bool((x.variance[i, 0].flatten() <= covariance.diagonal() + 1e-12).all())


def test_the_free_energy_is_a_bound_of_the_marginal_likelihood(tiny):
    """Never below -log p(y | k), which for one Gaussian is a determinant."""
    y, k = tiny
    prior, sigma = Mixture((1.0,), (30.0,)), 0.1
    x = posterior_step(y, k, sigma, prior, iterations=200, rounds=1)
    energy = free_energy(y, k, sigma, prior, x)
    for i in range(2):
        dense = matrix(y, k[i : i + 1])
        covariance = dense @ dense.T / 30 + sigma**2 * torch.eye(dense.shape[0], dtype=torch.float64)
        values = y.values[i].flatten(1).T
        exact = 0.5 * (values * torch.linalg.solve(covariance, values)).sum()
        exact += torch.logdet(2 * math.pi * covariance)  # half of it, for two gradients
        assert energy[i] > exact
        assert energy[i] < exact + 0.5 * abs(exact) + 100


@pytest.mark.parametrize("prior", [NATURAL, STREET])
def test_every_step_of_em_lowers_the_free_energy(prior, blurred):
    y = SeenGradients(blurred[..., 60:140, 60:140].double(), 9)
    kernel = torch.full((1, 1, 9, 9), 1 / 81, dtype=torch.float64)
    x, energies = None, []
    for _ in range(6):
        for _ in range(2):
            x = posterior_step(y, kernel, 0.01, prior, start=x, rounds=1)
            energies.append(float(free_energy(y, kernel, 0.01, prior, x)))
        kernel, _ = kernel_step(y, x, sparsity=0.0)
        energies.append(float(free_energy(y, kernel, 0.01, prior, x)))
    steps = [b - a for a, b in pairwise(energies)]
    assert max(steps) < 1e-6 * abs(energies[0])
    assert energies[-1] < energies[0] - 100


def test_every_step_of_variational_bayes_lowers_the_free_energy(blurred):
    y = SeenGradients(blurred[..., 60:140, 60:140].double(), 9)
    prior = KernelPrior()
    kernel = torch.full((1, 1, 9, 9), 1 / 81, dtype=torch.float64)
    variance, x, q, energies = torch.zeros_like(kernel), None, None, []

    def note():
        if q is not None:
            both = free_energy(y, kernel, 0.01, NATURAL, x, kernel_variance=variance) + kernel_energy(q, prior)
            energies.append(float(both))

    for _ in range(6):
        x = posterior_step(y, kernel, 0.01, NATURAL, kernel_variance=variance, start=x, rounds=1)
        note()
        q = kernel_posterior_step(*kernel_equations(y, x), 0.01, prior, kernel.flatten(1), sweeps=2)
        kernel, variance = (m.view_as(kernel) for m in q.moments()[:2])
        note()
    steps = [b - a for a, b in pairwise(energies)]
    assert max(steps) < 1e-6 * abs(energies[0])
    assert energies[-1] < energies[0] - 100


@pytest.mark.parametrize("n", [3, 5])
def test_shifted_products_are_those_of_all_the_shifts(n):
    x = noise(2, 3, 12, 10)
    shifts = x.unfold(2, 13 - n, 1).unfold(3, 11 - n, 1).flatten(4).flatten(2, 3)  # (B, M, n n, pixels)
    dense = torch.einsum("bmsp,bmtp->bst", shifts, shifts)
    assert torch.allclose(shifted_products(x, n), dense, atol=1e-11)


def test_the_equations_of_the_kernel_are_the_expected_residual(tiny):
    y, _ = tiny
    x = Gaussian(noise(2, 2, y.tall, y.wide), noise(2, 2, y.tall, y.wide, seed=4).square(), torch.empty(0))
    k, spread = noise(2, 1, 3, 3, seed=5), noise(2, 1, 3, 3, seed=6).square()
    normal, target = kernel_equations(y, x)
    f, s = k.flatten(1), spread.flatten(1)
    power = y.values.square().sum(dim=(1, 2, 3))
    by_equations = torch.einsum("bs,bst,bt->b", f, normal, f) - 2 * (f * target).sum(dim=1) + power
    assert torch.allclose(by_equations, residual_power(y, k, x), rtol=1e-10)
    with_spread = by_equations + (s * normal.diagonal(dim1=1, dim2=2)).sum(dim=1)
    assert torch.allclose(with_spread, residual_power(y, k, x, kernel_variance=spread), rtol=1e-10)


def test_the_kernel_step_recovers_the_kernel_from_the_true_gradients(sharp, kernel):
    x = sharp.double()[..., 20:120, 20:120]
    y = SeenGradients(blur.Blur(kernel.double(), "valid")(x), 9)
    corner = x[..., :-1, :-1]
    true = torch.cat([x[..., :-1, 1:] - corner, x[..., 1:, :-1] - corner], dim=1)
    found, _ = kernel_step(y, Gaussian(true, torch.zeros_like(true), true), sparsity=0.0)
    assert float((found - kernel).abs().max()) < 1e-6


@pytest.mark.parametrize("seed", range(4))
def test_nonnegative_least_squares_meets_its_conditions(seed):
    a, b = noise(3, 30, 20, seed=seed), noise(3, 20, seed=seed + 10)
    normal = a.mT @ a
    x, passive = nonnegative(normal, b)
    slope = (normal @ x[..., None])[..., 0] - b
    assert float(x.min()) >= 0
    assert float(slope.min()) > -1e-8
    assert float((x * slope).abs().max()) < 1e-8
    again, _ = nonnegative(normal, b, passive=~passive)
    assert torch.allclose(again, x, atol=1e-9)


@pytest.mark.parametrize(("precision", "pull"), [(1.0, 0.0), (4.0, 8.0), (1.0, -5.0), (1.0, -29.9), (1.0, -30.1)])
def test_moments_of_a_rectified_gaussian_are_its_integrals(precision, pull):
    k = torch.linspace(0, 12, 1_200_001, dtype=torch.float64)
    density = torch.exp(-precision / 2 * k.square() + pull * k)
    total = torch.trapezoid(density, k)
    mean = torch.trapezoid(density * k, k) / total
    variance = torch.trapezoid(density * (k - mean).square(), k) / total
    one = torch.ones(1, 1, dtype=torch.float64)
    found = Rectified(precision * one, pull * one).moments()
    for given, expected in zip(found, (mean, variance, total.log()), strict=True):
        assert float(given) == pytest.approx(float(expected), rel=1e-4, abs=1e-6)


def test_a_responsibility_is_the_one_of_bayes():
    mixture, d = Mixture((0.25, 0.75), (4.0, 100.0)), torch.linspace(-1, 1, 21, dtype=torch.float64)
    likelihoods = [
        w * math.sqrt(p / (2 * math.pi)) * torch.exp(-p * d.square() / 2) for w, p in ((0.25, 4.0), (0.75, 100.0))
    ]
    precision, energy = mixture.responsibilities(d.square())
    total = likelihoods[0] + likelihoods[1]
    assert torch.allclose(precision, (4 * likelihoods[0] + 100 * likelihoods[1]) / total)
    assert torch.allclose(energy, -total.log())


def test_the_picture_of_true_gradients_is_the_picture(sharp, kernel):
    x = sharp[..., 4:-4, 4:-4]
    corner = x[..., :-1, :-1]
    true = torch.cat([x[..., :-1, 1:] - corner, x[..., 1:, :-1] - corner], dim=1)
    u = picture(blur.Blur(kernel, "valid")(sharp), kernel, true)
    assert float(metrics.psnr(u[..., 10:-10, 10:-10], x[..., 10:-10, 10:-10])) > 30


@pytest.mark.parametrize("method", ["marginal_em", "variational_bayes"])
def test_the_kernel_of_a_synthetic_case_from_afar(method, blurred, kernel):
    """In float64 and float32 alike; a batch is what its pictures are alone."""
    found = blind.estimate(blurred, 13, method=method)
    assert metrics.kernel_similarity(found.kernel, kernel) > 0.8
    assert found.latent.shape == blurred.shape
    double = blind.estimate(blurred.double(), 13, method=method)
    assert metrics.kernel_similarity(found.kernel, double.kernel.float()) > 0.99
    both = blind.estimate(torch.cat([blurred.flip(-2), blurred]), 13, method=method)
    assert metrics.kernel_similarity(both.kernel[1:], found.kernel) > 0.99
    assert torch.equal(blind.estimate(blurred, 13, method=method).kernel, found.kernel)


@pytest.mark.skipif(not LEVIN.is_dir(), reason="the files of Levin et al. (2009) are not at hand")
@pytest.mark.parametrize(("method", "seconds"), [("marginal_em", 14), ("variational_bayes", 60)])
def test_one_of_levins_photographs(method, seconds):
    from deblurlib.benchmarks import levin_files
    from deblurlib.benchmarks.levin import score_photograph

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        row = next(score_photograph(levin_files.read(LEVIN / "im03_ker03.mat"), {method: None}))
    assert row.error_ratio < 1.6
    assert row.seconds < seconds
