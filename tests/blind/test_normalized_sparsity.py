"""Normalised sparsity: what the ratio prefers, and that its steps go down."""

from itertools import pairwise

import pytest
import torch

from deblurlib import blur
from deblurlib.blind.edges import gradients
from deblurlib.blind.normalized_sparsity import Explained, length, shrink, sparsity, sparsity_cost
from deblurlib.blind.posterior import SeenGradients


def test_blur_raises_the_ratio_though_it_lowers_the_l1_norm(sharp, kernel):
    """The reason for the method: l1 alone prefers the blurred picture."""
    x, y = gradients(sharp)[..., 4:-4, 4:-4], gradients(blur.Blur(kernel, "valid")(sharp))
    assert (y.abs().sum(dim=(-2, -1)) < x.abs().sum(dim=(-2, -1))).all()
    assert (sparsity(y) > sparsity(x)).all()


def test_the_ratio_lies_between_one_and_the_root_of_the_number_of_values():
    x = torch.randn(2, 2, 6, 7, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert (sparsity(x) > 1).all()
    assert (sparsity(x) < 42**0.5).all()
    assert torch.allclose(sparsity(3 * x), sparsity(x))
    assert float(sparsity(torch.ones(1, 1, 6, 7)).squeeze()) == pytest.approx(42**0.5)
    assert float(sparsity(torch.zeros(1, 1, 6, 7)).squeeze()) == 0


def test_each_shrinkage_lowers_its_objective(blurred, kernel):
    """The data and the l1 norm over the l2 norm that the steps begin with; and so the cost with the true ratio."""
    y = SeenGradients(blurred.double()[..., :80, :80], 9)
    y.values = y.values * 6 / length(y.values)
    x, transfer, weight = y.around(), y.spectrum(kernel.double()), 40.0
    norm, step = length(x), torch.full_like(length(x), 1e-3)
    first = Explained(x, y.spectrum(x), y.forward(x, transfer) - y.values)
    costs = []
    for n in range(8):
        fresh = shrink(y, first, transfer, weight, step, n)
        error = y.forward(fresh.sharp, transfer) - y.values
        assert torch.allclose(fresh.error, error, atol=1e-12)
        data = weight / 2 * error.square().sum(dim=(-2, -1), keepdim=True)
        costs.append(float((data + fresh.sharp.abs().sum(dim=(-2, -1), keepdim=True) / norm).sum()))
    assert all(b < a for a, b in pairwise(costs))
    before, after = (float(sparsity_cost(v.sharp, v.error, weight).sum()) for v in (first, fresh))
    assert after < before
