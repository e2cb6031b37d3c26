"""The right-angle convolution against loops over the kernel, its adjoint, its gradients."""

import numpy as np
import pytest
import scipy.signal
import torch

from deblurlib.blur.right_angle import RightAngle, support
from deblurlib.profile import seed

SIZES = pytest.mark.parametrize(
    ("image", "kernel"),
    [((16, 16), (5, 5)), ((15, 25), (3, 7)), ((7, 9), (7, 1)), ((2, 2), (1, 1)), ((11, 30), (9, 21))],
)


HALVED = pytest.mark.parametrize("halved", [-2, -1], ids=["rows", "columns"])


def draw(*shape, number=0):
    return torch.rand(shape, generator=seed(number), dtype=torch.float64)


def scene(image, kernel):
    k = draw(2, 1, *kernel, number=1) + 0.01
    return draw(2, 3, *image) - 0.5, k / k.sum(dim=(-2, -1), keepdim=True)


@SIZES
@HALVED
@pytest.mark.parametrize("correlate", [False, True])
def test_equals_scipy_in_the_dark(image, kernel, halved, correlate):
    """A canvas with room for half a kernel on each side: nothing that is read wraps round."""
    x, k = scene(image, kernel)
    p, q = kernel[0] // 2, kernel[1] // 2
    canvas = RightAngle(k, (image[0] + 2 * p, image[1] + 2 * q), halved)
    apply = canvas.adjoint if correlate else canvas.forward
    y = canvas.unpack(apply(canvas.pack(x, (p, q))), (0, 0), canvas.shape)
    assert y.shape[-2:] == canvas.shape
    for b in range(2):
        for c in range(3):
            point = k[b, 0].flip(-2, -1) if correlate else k[b, 0]
            expected = scipy.signal.convolve2d(x[b, c].numpy(), point.numpy(), mode="full")
            found = y[b, c, : image[0] + 2 * p, : image[1] + 2 * q].numpy()
            np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@HALVED
def test_what_leaves_comes_back_on_the_other_side_with_its_sign_turned(halved):
    k = torch.zeros(1, 1, 5, 3, dtype=torch.float64)
    k[0, 0, 4, 2] = 1  # two rows down, one column right
    canvas = RightAngle(k, (8, 8), halved)
    x = draw(1, 1, *canvas.shape)
    moved = x.roll((2, 1), (-2, -1))
    moved.narrow(halved, 0, 2 if halved == -2 else 1).neg_()
    found = canvas.unpack(canvas.forward(canvas.pack(x)), (0, 0), canvas.shape)
    torch.testing.assert_close(found, moved, rtol=0, atol=1e-13)


@SIZES
@HALVED
def test_adjoint(image, kernel, halved):
    x, k = scene(image, kernel)
    canvas = RightAngle(k, image, halved)
    x, y = canvas.pack(x), torch.randn(canvas.pack(x).shape, generator=seed(2), dtype=x.dtype)
    error = ((canvas.forward(x) * y).sum() - (x * canvas.adjoint(y)).sum()).abs() / (x.norm() * y.norm())
    assert error < 1e-10


@SIZES
@HALVED
def test_unpacking_undoes_packing(image, kernel, halved):
    x, k = scene(image, kernel)
    canvas = RightAngle(k, (image[0] + 3, image[1] + 2), halved)
    packed = canvas.pack(x, (2, 1))
    whole = canvas.unpack(packed, (0, 0), canvas.shape)
    assert torch.equal(whole[..., 2 : 2 + image[0], 1 : 1 + image[1]], x)
    assert (whole != 0).sum() == (x != 0).sum()


@SIZES
@HALVED
def test_unpacking_takes_the_part_asked_for(image, kernel, halved):
    """Before the fold, across it and behind it, from every row or column on."""
    canvas = RightAngle(scene(image, kernel)[1], image, halved)
    whole = draw(2, 3, *canvas.shape, number=3)
    packed = canvas.pack(whole)
    length, other = canvas.shape[halved], canvas.shape[-3 - halved] - 2
    for first in range(length):
        for count in range(1, length - first + 1):
            at, size = ((first, 1), (count, other)) if halved == -2 else ((1, first), (other, count))
            part = whole.narrow(halved, first, count).narrow(-3 - halved, 1, other)
            assert torch.equal(canvas.unpack(packed, at, size), part)


def test_what_need_not_be_kept_is_used_up():
    x, k = scene((11, 30), (9, 21))
    canvas = RightAngle(k, (20, 51))
    packed = canvas.pack(x, (4, 10))
    kept = packed.clone()
    y = canvas.forward(packed)
    assert torch.equal(packed, kept)
    assert torch.equal(canvas.forward(packed, keep=False), y)


def test_the_support_of_a_kernel():
    k = torch.zeros(2, 1, 9, 7)
    k[0, 0, 4, 3], k[1, 0, 6, 3] = 1, 1
    assert torch.equal(support(k), k[..., 2:7, 3:4])
    full = torch.ones(1, 1, 3, 3) / 9
    assert torch.equal(support(full), full)
    learning = k.clone().requires_grad_()
    assert support(learning) is learning


@HALVED
def test_gradients(halved):
    x, k = scene((4, 5), (3, 3))
    x.requires_grad_()
    k.requires_grad_()

    def both(x, k):
        canvas = RightAngle(k, (6, 7), halved)
        return canvas.unpack(canvas.adjoint(canvas.forward(canvas.pack(x, (1, 1)))), (0, 0), canvas.shape)

    assert torch.autograd.gradcheck(both, (x, k))


@SIZES
@HALVED
def test_cuda(image, kernel, halved, cuda):
    """To rounding what the CPU has, and there, too, the adjoint is the adjoint."""
    x, k = scene(image, kernel)
    here, there = RightAngle(k, image, halved), RightAngle(k.to(cuda), image, halved)
    packed = there.pack(x.to(cuda))
    for ours, theirs in ((here.forward, there.forward), (here.adjoint, there.adjoint)):
        torch.testing.assert_close(theirs(packed).cpu(), ours(here.pack(x)), rtol=0, atol=1e-12)
    y = torch.randn(packed.shape, generator=seed(2), dtype=torch.float64).to(cuda)
    error = ((there.forward(packed) * y).sum() - (packed * there.adjoint(y)).sum()).abs() / (packed.norm() * y.norm())
    assert error < 1e-10
