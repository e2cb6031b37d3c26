"""Sparse codes: patches and their mean undo each other, the pursuit is least squares, few atoms say what is sharp."""

from itertools import pairwise

import pytest
import torch

from deblurlib import blur
from deblurlib.blind.latent_steps import Periodic
from deblurlib.blind.sparse_coding import (
    SparseCodingSettings,
    averaged,
    coded,
    dictionary,
    matched,
    patches,
    sparse_step,
)

ATOMS = dictionary(torch.device("cpu")).double()


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_atoms_have_length_one_and_mean_zero_and_differ():
    assert ATOMS.shape == (100, 25)
    assert torch.allclose(ATOMS.square().sum(dim=1), torch.ones(100, dtype=torch.float64), atol=1e-6)
    assert ATOMS.mean(dim=1).abs().max() < 1e-7
    alike = (ATOMS @ ATOMS.T - torch.eye(100, dtype=torch.float64)).abs()
    assert float(alike.max()) < 0.999
    assert int((torch.linalg.svdvals(ATOMS) > 1e-4).sum()) == 24  # of 25: all patches without a mean


@pytest.mark.parametrize("side", [3, 5])
def test_patches_and_their_mean_undo_each_other(side):
    x = noise(2, 1, 11, 14)
    columns = patches(x, side)
    assert columns.shape == (2, side**2, 11 * 14)
    assert torch.allclose(columns[1, :, 14 * 10 + 13], x[1, 0].roll((1, 1), (0, 1))[:side, :side].flatten())  # wraps
    assert torch.allclose(averaged(columns, side, x.shape[-2:]), x, atol=1e-12)
    v = noise(2, side**2, 11 * 14, seed=1)
    left, right = (patches(x, side) * v).sum(), (x * averaged(v, side, x.shape[-2:])).sum() * side**2
    assert abs(float(left - right)) < 1e-9


def test_the_pursuit_finds_what_a_patch_was_made_of():
    weights = torch.tensor([2.0, -1.0], dtype=torch.float64)
    far = int((ATOMS @ ATOMS[7]).abs().argmin())
    columns = (weights @ ATOMS[[7, far]])[None, :, None]
    assert torch.allclose(matched(columns, ATOMS, 1e-6, 2), columns, atol=1e-6)
    one = matched(columns, ATOMS, 1.5, 3)
    assert torch.allclose(one[0, :, 0] / one.square().sum().sqrt(), ATOMS[7], atol=1e-6)  # the weaker is not worth 1.5
    assert not matched(columns, ATOMS, 100.0, 3).any()


def test_the_coefficients_are_those_of_least_squares():
    columns = noise(1, 25, 40)
    columns = columns - columns.mean(dim=1, keepdim=True)
    found, r = matched(columns, ATOMS, 0.0, 3), columns
    for p in range(40):
        left, chosen = r[0, :, p], []
        for _ in range(3):
            chosen.append(int((ATOMS @ left).abs().argmax()))
            basis = ATOMS[chosen].T
            left = r[0, :, p] - basis @ torch.linalg.lstsq(basis, r[0, :, p, None]).solution[:, 0]
        assert torch.allclose(found[0, :, p], r[0, :, p] - left, atol=1e-9)


def test_more_atoms_say_more_and_all_of_them_everything():
    columns = noise(1, 25, 200)
    columns = columns - columns.mean(dim=1, keepdim=True)
    errors = [float((matched(columns, ATOMS, 0.0, most) - columns).square().sum()) for most in range(5)]
    assert all(b < a for a, b in pairwise(errors))
    assert torch.allclose(matched(columns, ATOMS, 0.0, 24), columns, atol=1e-6)


def test_a_picture_in_blocks_is_the_picture(monkeypatch):
    x = noise(2, 1, 12, 13)
    whole = coded(x, ATOMS, 0.1, 2)
    monkeypatch.setattr("deblurlib.blind.sparse_coding.BLOCK", 50)
    assert torch.allclose(coded(x, ATOMS, 0.1, 2), whole, atol=1e-12)


def test_a_sharp_picture_is_said_better_in_three_atoms_than_noise_of_its_power(sharp):
    x = sharp.double()
    columns = patches(x, 5)
    columns = columns - columns.mean(dim=1, keepdim=True)
    other = noise(*columns.shape)
    other = other - other.mean(dim=1, keepdim=True)

    def left(c):
        return float((matched(c, ATOMS, 0.0, 3) - c).square().sum() / c.square().sum())

    assert left(columns) < 0.1
    assert left(other) > 0.3


def test_the_latent_step_with_the_true_kernel_is_nearer_to_the_sharp_picture(sharp, blurred, kernel):
    y = Periodic(blurred.double(), 9)
    x = y.cut(sparse_step(y, kernel.double(), 1e-3, SparseCodingSettings()))
    true = sharp.double()[..., 4:-4, 4:-4]
    inner = (..., slice(15, -15), slice(15, -15))
    before, after = (float((z - true)[inner].square().mean()) for z in (blurred.double(), x))
    assert after < 0.3 * before


def test_the_latent_step_solves_its_equation(blurred, kernel):
    """After the last coding: (K'K + pull) x = K'y + pull z, z the codes of the picture before."""
    y = Periodic(blurred.double()[..., :60, :50], 9)
    one = SparseCodingSettings(codings=1, pull=0.05)
    x = sparse_step(y, kernel.double(), 0.01, one)
    z = coded(y.picture, ATOMS, 0.01, one.atoms)
    k = blur.Blur(kernel.double(), "wrap")
    assert torch.allclose(k.adjoint(k(x)) + 0.05 * x, k.adjoint(y.picture) + 0.05 * z, atol=1e-9)
