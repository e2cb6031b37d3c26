"""Blur against independent convolutions, its adjoint, its gradients."""

import numpy as np
import pytest
import scipy.ndimage
import scipy.signal
import torch

from deblurlib.blur import BOUNDARIES, Blur, transfer_function
from deblurlib.blur.circular import fast_length
from deblurlib.profile import seed

boundaries = pytest.mark.parametrize("boundary", BOUNDARIES)
# Odd, even, prime, tiny, a kernel as large as the image, kernels that are not square, one that is larger than a half.
SIZES = [
    ((16, 16), (5, 5)),
    ((15, 25), (3, 7)),
    ((23, 31), (7, 3)),
    ((13, 17), (13, 17)),
    ((7, 7), (7, 1)),
    ((2, 2), (1, 1)),
    ((2, 9), (1, 9)),
    ((11, 30), (9, 21)),
]
sizes = pytest.mark.parametrize(("image", "kernel"), SIZES, ids=lambda size: f"{size[0]}x{size[1]}")


def draw(*shape, number=0):
    return torch.rand(shape, generator=seed(number), dtype=torch.float64)


def draw_kernel(*shape, number=1):
    k = draw(*shape, number=number) + 0.01
    return k / k.sum(dim=(-2, -1), keepdim=True)


def reference(x, k, boundary):
    """Convolution by a loop over the kernel in SciPy, float64."""
    if boundary == "valid":
        return scipy.signal.convolve2d(x, k, mode="valid")
    if boundary == "zero":
        return scipy.signal.convolve2d(x, k, mode="same")
    mode = {"wrap": "grid-wrap", "reflect": "mirror", "replicate": "nearest"}[boundary]
    return scipy.ndimage.convolve(x, k, mode=mode)


@boundaries
@sizes
def test_equals_scipy(boundary, image, kernel):
    x, k = draw(2, 2, *image), draw_kernel(2, 1, *kernel)
    y = Blur(k, boundary)(x)
    for b in range(2):
        for c in range(2):
            expected = reference(x[b, c].numpy(), k[b, 0].numpy(), boundary)
            np.testing.assert_allclose(y[b, c].numpy(), expected, rtol=0, atol=1e-12)


@boundaries
@sizes
def test_adjoint(boundary, image, kernel):
    """<K x, y> = <x, K* y>, and the adjoint's shape is that of the input."""
    blur = Blur(draw_kernel(2, 1, *kernel), boundary)
    x = draw(2, 3, *image) - 0.5
    forward = blur(x)
    y = draw(*forward.shape, number=2) - 0.5
    back = blur.adjoint(y)
    assert back.shape == x.shape
    error = ((forward * y).sum() - (x * back).sum()).abs() / (forward.norm() * y.norm())
    assert error < 1e-10


@boundaries
def test_zeros_round_a_kernel_change_nothing(boundary):
    """Nor do they ask for a wider canvas."""
    tight = draw_kernel(2, 1, 3, 5)
    tight[1, :, 0] = 0  # what one kernel of a batch does not reach, another may
    tight /= tight.sum(dim=(-2, -1), keepdim=True)
    padded = torch.nn.functional.pad(tight, (4, 4, 6, 6))
    x, blur = draw(2, 2, 23, 26), Blur(padded, boundary)
    y = Blur(tight, boundary)(x)
    wanted = y[..., 6:-6, 4:-4] if boundary == "valid" else y
    torch.testing.assert_close(blur(x), wanted, rtol=0, atol=1e-12)
    back = torch.nn.functional.pad(wanted, (4, 4, 6, 6)) if boundary == "valid" else y
    torch.testing.assert_close(blur.adjoint(wanted), Blur(tight, boundary).adjoint(back), rtol=0, atol=1e-12)
    beyond = (0, 0) if boundary == "valid" else (2, 4)
    assert list(blur._canvases) == [(23 + beyond[0], 26 + beyond[1])]


def test_orientation():
    """True convolution: a point becomes the kernel as it is, and light right of the kernel's centre moves it right."""
    x = torch.zeros(1, 1, 9, 9)
    x[..., 4, 4] = 1
    k = torch.zeros(1, 1, 5, 5)
    k[0, 0, 1, 4] = 1  # one up, two to the right
    for boundary in ("wrap", "reflect", "replicate", "zero"):
        y = Blur(k, boundary)(x)
        assert (y > 0.5).nonzero().tolist() == [[0, 0, 3, 6]]
        assert (Blur(k, boundary).adjoint(x) > 0.5).nonzero().tolist() == [[0, 0, 5, 2]]
    spot = draw_kernel(1, 1, 5, 3)
    torch.testing.assert_close(Blur(spot)(x.double())[..., 2:7, 3:6], spot)


@boundaries
def test_a_flat_image_stays_flat(boundary):
    y = Blur(draw_kernel(1, 1, 7, 5), boundary)(torch.full((1, 1, 12, 14), 0.3, dtype=torch.float64))
    if boundary == "zero":
        assert y[..., 0, 0] < 0.2
        y = y[..., 3:-3, 2:-2]
    torch.testing.assert_close(y, torch.full_like(y, 0.3))


@boundaries
@pytest.mark.parametrize("size", [(6, 5), (8, 9)], ids=["padded", "fast"])
def test_gradients(boundary, size):
    """Of the image and of the kernel, forward and adjoint."""
    x = draw(2, 1, *size).requires_grad_()
    k = draw_kernel(1, 1, 3, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, k: Blur(k, boundary)(x), (x, k))
    assert torch.autograd.gradcheck(lambda x, k: Blur(k, boundary).adjoint(x), (x, k))


@pytest.mark.parametrize("side", [7, 8], ids=["padded", "fast"])
def test_a_kept_transfer_function_serves_every_call(side):
    """The transfer function is computed once, under inference too, and never kept for a kernel that learns."""
    blur, x = Blur(draw_kernel(1, 1, 3, 3)), draw(1, 1, side, side)
    with torch.inference_mode():
        blur(x)
    assert blur.transfer_function((8, 8)) is blur.transfer_function((8, 8))
    moving = x.clone().requires_grad_()
    blur(moving).sum().backward()
    torch.testing.assert_close(moving.grad, torch.ones_like(x))

    learning = draw_kernel(1, 1, 3, 3).requires_grad_()
    blur = Blur(learning)
    for _ in range(2):
        blur(x).sum().backward()


def test_transfer_function():
    k = draw_kernel(2, 1, 5, 3)
    transfer = transfer_function(k, (9, 12))
    assert transfer.shape == (2, 1, 9, 7)
    torch.testing.assert_close(transfer[..., 0, 0], torch.ones(2, 1, dtype=torch.complex128))
    # K(u, v) = sum of k[i, j] exp(-2 pi i (u (i - 2) / H + v (j - 1) / W)), term by term
    u, v = torch.arange(9.0, dtype=torch.float64), torch.arange(7.0, dtype=torch.float64)
    i, j = torch.arange(5.0, dtype=torch.float64) - 2, torch.arange(3.0, dtype=torch.float64) - 1
    rows = torch.polar(torch.ones(9, 5, dtype=torch.float64), -2 * torch.pi * u[:, None] * i / 9)
    columns = torch.polar(torch.ones(7, 3, dtype=torch.float64), -2 * torch.pi * v[:, None] * j / 12)
    torch.testing.assert_close(transfer, rows @ k.to(rows.dtype) @ columns.T)
    with pytest.raises(ValueError, match="5x3 is larger than the image, 4x12"):
        transfer_function(k, (4, 12))


@pytest.mark.parametrize("n", range(1, 200))
def test_fast_length(n):
    length = fast_length(n)
    assert length >= n
    fast = {2**a * 3**b * 5**c for a in range(9) for b in range(6) for c in range(4)}
    assert length == min(m for m in fast if m >= n)


def test_an_unknown_boundary_is_refused():
    with pytest.raises(ValueError, match=r"unknown 'mirror'.*wrap, reflect, replicate, zero, valid"):
        Blur(draw_kernel(1, 1, 3, 3), "mirror")


def test_the_adjoint_of_valid_has_a_door():
    blur = Blur(draw_kernel(2, 1, 5, 5), "valid")
    with pytest.raises(ValueError, match=r"2 kernels.*3 images"):
        blur.adjoint(draw(3, 1, 4, 4))
    with pytest.raises(TypeError, match="float32"):
        blur.adjoint(draw(2, 1, 4, 4).float())
