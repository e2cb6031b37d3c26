"""A camera that turns: against scipy's rotation, its adjoint, its gradients."""

import math

import numpy as np
import pytest
import scipy.ndimage
import torch

from deblurlib.blur import Blur, FilterFlow, RotationBlur, local_kernels
from deblurlib.images import bundled
from deblurlib.metrics import psnr
from deblurlib.profile import seed

BOUNDARIES = ("reflect", "replicate", "zero")
boundaries = pytest.mark.parametrize("boundary", BOUNDARIES)


def draw(*shape, number=0):
    return torch.rand(shape, generator=seed(number), dtype=torch.float64)


def motion(boundary, count=5):
    return RotationBlur(
        6 * draw(count, number=1) - 3, draw(count, number=2), shifts=4 * draw(count, 2, number=3) - 2, boundary=boundary
    )


@pytest.mark.parametrize("boundary", ["reflect", "replicate"])
@pytest.mark.parametrize("size", [(9, 14), (15, 15)])
def test_equals_scipy(boundary, size):
    """Another program's bilinear rotation, counter-clockwise as the picture is seen."""
    x = draw(1, 1, *size)
    mode = {"reflect": "mirror", "replicate": "nearest"}[boundary]
    for degrees in (-40.0, 3.0, 90.0):
        turned = scipy.ndimage.rotate(x[0, 0].numpy(), degrees, reshape=False, order=1, mode=mode)
        y = RotationBlur(torch.tensor([degrees], dtype=torch.float64), boundary=boundary)(x)
        np.testing.assert_allclose(y[0, 0].numpy(), turned, atol=1e-9)


def test_direction():
    x = torch.zeros(1, 1, 7, 9)
    x[..., 3, 7] = 1
    quarter = RotationBlur(torch.tensor([90.0]), boundary="zero")(x)
    assert (quarter > 0.5).nonzero().tolist() == [[0, 0, 0, 4]]  # from the right to the top
    moved = RotationBlur(torch.tensor([0.0]), shifts=torch.tensor([[2.0, -3.0]]), boundary="zero")(x)
    assert (moved > 0.5).nonzero().tolist() == [[0, 0, 5, 4]]


@boundaries
@pytest.mark.parametrize("size", [(12, 12), (13, 20), (2, 2), (31, 17)])
def test_adjoint(boundary, size):
    blur = motion(boundary)
    x, y = draw(2, 3, *size) - 0.5, draw(2, 3, *size, number=4) - 0.5
    forward = blur(x)
    error = ((forward * y).sum() - (x * blur.adjoint(y)).sum()).abs() / (forward.norm() * y.norm())
    assert error < 1e-10


@boundaries
def test_gradients(boundary):
    """Of the image, and of the motion: a hand's path can be fitted by descent."""
    x = draw(1, 2, 6, 7).requires_grad_()
    assert torch.autograd.gradcheck(motion(boundary), x)
    assert torch.autograd.gradcheck(motion(boundary).adjoint, x)
    angles, weights = (6 * draw(3, number=1) - 3).requires_grad_(), (draw(3, number=2) + 0.1).requires_grad_()
    shifts = (draw(3, 2, number=3) + 0.2).requires_grad_()

    def of_the_motion(angles, weights, shifts):
        return RotationBlur(angles, weights, shifts=shifts, boundary=boundary)(x.detach())

    assert torch.autograd.gradcheck(of_the_motion, (angles, weights, shifts))


def test_the_gradient_of_the_forward_is_the_adjoint():
    blur, x, y = motion("reflect"), draw(1, 1, 9, 9).requires_grad_(), draw(1, 1, 9, 9, number=5)
    (gradient,) = torch.autograd.grad((blur(x) * y).sum(), x)
    torch.testing.assert_close(gradient, blur.adjoint(y))


def test_batch_equals_loop():
    blur = RotationBlur(torch.linspace(-2, 2, 7))
    x = draw(4, 3, 20, 22).float()
    torch.testing.assert_close(blur(x), torch.cat([blur(image[None]) for image in x]), rtol=0, atol=1e-6)
    torch.testing.assert_close(
        blur.adjoint(x), torch.cat([blur.adjoint(image[None]) for image in x]), rtol=0, atol=1e-6
    )


def test_frames_average_to_the_blur():
    blur, x = motion("replicate"), draw(1, 3, 9, 12)
    torch.testing.assert_close(torch.einsum("t,tbchw->bchw", blur.weights, blur.frames(x)), blur(x))


@boundaries
def test_shifts_alone_are_a_blur(boundary):
    """A path of whole pixels without turning is the convolution with its kernel."""
    path = torch.tensor([[0, 0], [0, 1], [1, 1], [2, 1]])
    k = torch.zeros(1, 1, 5, 5, dtype=torch.float64)
    for row, column in path.tolist():
        k[..., 2 + row, 2 + column] += 1 / len(path)
    x = draw(1, 2, 14, 15)
    blur = RotationBlur(torch.zeros(4, dtype=torch.float64), shifts=path.double(), boundary=boundary)
    torch.testing.assert_close(blur(x), Blur(k, boundary)(x), rtol=0, atol=1e-12)


def test_filter_flow_comes_near_with_more_regions():
    x = bundled("camera")[..., :256, :320]
    turn = RotationBlur(torch.linspace(-2, 2, 17))
    inside = (..., slice(16, -16), slice(16, -16))
    errors = []
    for grid in ((1, 1), (3, 4), (6, 8)):
        flow = FilterFlow(local_kernels(turn, (256, 320), grid, 17), "reflect")
        errors.append(psnr(flow(x)[inside], turn(x)[inside]).item())
    assert errors[0] + 6 < errors[1] < errors[2]
    assert errors[2] > 35


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: RotationBlur([0.0]), TypeError, "got list"),
        (lambda: RotationBlur(torch.arange(3)), TypeError, "int64"),
        (lambda: RotationBlur(torch.zeros(2, 2)), ValueError, "one for each moment"),
        (lambda: RotationBlur(torch.zeros(0)), ValueError, "one for each moment"),
        (lambda: RotationBlur(torch.tensor([math.nan])), ValueError, "finite"),
        (lambda: RotationBlur(torch.zeros(3), torch.ones(2)), ValueError, r"\(3,\)"),
        (lambda: RotationBlur(torch.zeros(3), torch.zeros(3)), ValueError, "vanish"),
        (lambda: RotationBlur(torch.zeros(3), shifts=torch.zeros(2, 2)), ValueError, r"shape \(3, 2\)"),
        (lambda: RotationBlur(torch.zeros(3), shifts=[0]), ValueError, "got list"),
        (lambda: RotationBlur(torch.zeros(3), boundary="wrap"), ValueError, "unknown 'wrap'"),
        (lambda: RotationBlur(torch.zeros(3))(draw(1, 1, 8, 8)), TypeError, "make both alike"),
        (lambda: RotationBlur(torch.zeros(3))(draw(8, 8).float()), ValueError, "Add batch"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_cuda(cuda):
    x = draw(1, 3, 20, 30)
    for boundary in BOUNDARIES:
        here = motion(boundary)
        there = RotationBlur(
            here.angles.to(cuda), here.weights.to(cuda), shifts=here.shifts.to(cuda), boundary=boundary
        )
        torch.testing.assert_close(there(x.to(cuda)).cpu(), here(x))
        torch.testing.assert_close(there.adjoint(x.to(cuda)).cpu(), here.adjoint(x))
