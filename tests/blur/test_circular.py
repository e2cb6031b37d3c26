"""Convolution on a circle, rows and columns apart, against the plain transforms."""

import pytest
import torch

from deblurlib.blur import Blur, transfer_function
from deblurlib.blur import circular as room
from deblurlib.blur.circular import circular, in_columns
from deblurlib.profile import seed


def draw(*shape, number=0):
    return torch.rand(shape, generator=seed(number), dtype=torch.float64)


def scene(kernels, size):
    k = draw(kernels, 1, 7, 5, number=1)
    return draw(2, 3, *size), k / k.sum(dim=(-2, -1), keepdim=True)


# Small ones go together, large ones one after another; with 256 rows the columns are transposed in between.
@pytest.mark.parametrize("size", [(15, 20), (16, 17), (256, 256), (256, 301), (270, 250)])
@pytest.mark.parametrize("kernels", [1, 2])
def test_equals_the_plain_transforms(size, kernels):
    x, k = scene(kernels, size)
    transfer = transfer_function(k, size)
    expected = torch.fft.irfft2(torch.fft.rfft2(x) * transfer, s=size)
    for laid_out in (transfer, in_columns(transfer)):
        torch.testing.assert_close(circular(x, laid_out), expected, rtol=0, atol=1e-13)
    assert torch.equal(in_columns(transfer), transfer)


def test_large_images_have_an_adjoint_and_gradients(monkeypatch):
    monkeypatch.setattr(room, "LARGE", 1)
    x, k = scene(2, (10, 12))
    x.requires_grad_()
    k.requires_grad_()
    assert torch.autograd.gradcheck(lambda x, k: Blur(k)(x), (x, k))
    y = draw(2, 3, 10, 12, number=2) - 0.5
    blur = Blur(k.detach())
    error = ((blur(x) * y).sum() - (x * blur.adjoint(y)).sum()).abs() / (x.norm() * y.norm())
    assert error < 1e-10


def test_a_large_image_does_not_depend_on_its_batch():
    x, k = scene(1, (256, 300))
    blur = Blur(k)
    together = blur(x)
    assert all(torch.equal(blur(x[i : i + 1]), together[i : i + 1]) for i in range(2))
