"""Every proximal step against brute force: the best of all points of a fine grid."""

import pytest
import torch

from deblurlib.deconvolution import HyperLaplacian, L0Gradient, TotalVariation
from deblurlib.profile import seed

GRID = torch.linspace(-3, 3, 60001, dtype=torch.float64)
VALUES = torch.linspace(-2.5, 2.5, 41, dtype=torch.float64)


@pytest.mark.parametrize("penalty", [0.3, 1.0, 20.0])
@pytest.mark.parametrize("exponent", [0.3, 0.5, 2 / 3, 0.8, 0.9, 1.0])
def test_a_step_in_one_dimension_is_the_minimum(exponent, penalty):
    prior = TotalVariation(0.7) if exponent == 1.0 else HyperLaplacian(0.7, exponent)
    found = prior(VALUES, penalty)

    def cost(w, v):
        return 0.7 * w.abs() ** exponent + penalty * (w - v).square()

    best = cost(GRID, VALUES[:, None]).min(dim=-1).values
    mine = cost(found, VALUES)
    assert (mine <= best + 1e-9).all() and (mine >= best - 1e-4).all()


def test_steps_in_two_dimensions_are_minima():
    side = torch.linspace(-2, 2, 401, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(side, side, indexing="ij")).reshape(2, 1, -1)
    grid[:, :, grid.shape[-1] // 2] = 0  # exactly
    v = 2 * torch.rand(2, 30, 1, generator=seed(0), dtype=torch.float64) - 1
    for prior, cost in [
        (TotalVariation(0.6, isotropic=True), lambda w: 0.6 * w.square().sum(0).sqrt()),
        (L0Gradient(0.3), lambda w: 0.3 * (w != 0).any(0)),
    ]:
        w = prior(v.reshape(2, 30, 1, 1, 1), 0.8).reshape(2, 30, 1)
        best = (cost(grid) + 0.8 * (grid - v).square().sum(0)).min(dim=-1).values
        mine = (cost(w) + 0.8 * (w - v).square().sum(0))[:, 0]
        assert (mine <= best + 1e-9).all() and (mine >= best - 1e-2).all()


def test_l0_decides_for_all_channels_together():
    v = torch.zeros(2, 1, 3, 1, 1)
    v[0, 0, :, 0, 0] = torch.tensor([0.3, 0.3, 0.3])
    assert (L0Gradient(0.25)(v, 1.0)[0] > 0).all() and not L0Gradient(0.28)(v, 1.0).any()


@pytest.mark.parametrize("prior", [TotalVariation(0.2), TotalVariation(0.2, True), HyperLaplacian(0.2)])
def test_gradients_of_the_steps(prior):
    v = torch.randn(2, 1, 1, 4, 4, generator=seed(3), dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda v: prior(v, 1.0), v)


@pytest.mark.parametrize(
    "prior", [TotalVariation(0.2), TotalVariation(0.2, True), HyperLaplacian(0.2), L0Gradient(1.0)]
)
def test_what_is_zero_stays_zero(prior):
    v = torch.zeros(2, 1, 3, 4, 5)
    assert not prior(v, 1.0).any() and not prior.value(v).any()
