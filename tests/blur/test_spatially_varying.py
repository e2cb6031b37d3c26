"""Filter flow against its definition, its adjoint, its gradients; the mean of a video's frames."""

import pytest
import torch

from deblurlib.blur import (
    BOUNDARIES,
    Blur,
    FilterFlow,
    average_frames,
    camera_shake,
    local_kernels,
    smooth_windows,
    to_linear,
)
from deblurlib.metrics import psnr
from deblurlib.profile import seed

boundaries = pytest.mark.parametrize("boundary", BOUNDARIES)
# Odd, even, one region, as many regions as pixels, a kernel as large as the image.
SIZES = [
    ((16, 16), (5, 5), (2, 2)),
    ((15, 25), (3, 7), (1, 3)),
    ((23, 31), (7, 3), (4, 5)),
    ((13, 17), (13, 17), (2, 3)),
    ((6, 5), (3, 1), (6, 5)),
    ((9, 11), (1, 1), (1, 1)),
]
sizes = pytest.mark.parametrize(("image", "kernel", "grid"), SIZES, ids=str)


def draw(*shape, number=0):
    return torch.rand(shape, generator=seed(number), dtype=torch.float64)


def draw_kernels(*shape, number=1):
    k = draw(*shape, number=number) + 0.01
    return k / k.sum(dim=(-2, -1), keepdim=True)


@pytest.mark.parametrize(("n", "count"), [(1, 1), (7, 1), (7, 7), (64, 2), (101, 4), (100, 9)])
def test_windows_share_every_pixel(n, count):
    w = smooth_windows(n, count, dtype=torch.float64)
    assert w.shape == (count, n)
    assert (w >= 0).all()
    torch.testing.assert_close(w.sum(0), torch.ones(n, dtype=torch.float64))
    assert (w.flip(0, 1) - w).abs().max() < 1e-12
    assert ((w > 0).sum(0) <= 2).all()


def test_windows_refuse_more_regions_than_pixels():
    with pytest.raises(ValueError, match="from 1 to 4 regions"):
        smooth_windows(4, 5)


@pytest.mark.parametrize("boundary", ["zero", "wrap", "valid"])
@sizes
def test_equals_its_definition(boundary, image, kernel, grid):
    """sum_r k_r * (w_r x), one whole image for each region."""
    x, k = draw(2, 3, *image), draw_kernels(*grid, *kernel)
    u, v = (smooth_windows(n, count, dtype=torch.float64) for n, count in zip(image, grid, strict=True))
    expected = 0
    for r in range(grid[0]):
        for s in range(grid[1]):
            expected = expected + Blur(k[None, None, r, s], boundary)(x * u[r, :, None] * v[s])
    torch.testing.assert_close(FilterFlow(k, boundary)(x), expected, rtol=0, atol=1e-12)


@boundaries
@sizes
def test_equal_kernels_are_one_blur(boundary, image, kernel, grid):
    k = draw_kernels(1, 1, *kernel)
    flow, blur = FilterFlow(k.expand(*grid, -1, -1), boundary), Blur(k, boundary)
    x = draw(2, 3, *image)
    y = blur(x)
    torch.testing.assert_close(flow(x), y, rtol=0, atol=1e-12)
    torch.testing.assert_close(flow.adjoint(y), blur.adjoint(y), rtol=0, atol=1e-12)


@boundaries
@sizes
def test_adjoint(boundary, image, kernel, grid):
    flow = FilterFlow(draw_kernels(*grid, *kernel), boundary)
    x = draw(2, 3, *image) - 0.5
    forward = flow(x)
    y = draw(*forward.shape, number=2) - 0.5
    back = flow.adjoint(y)
    assert back.shape == x.shape
    error = ((forward * y).sum() - (x * back).sum()).abs() / (forward.norm() * y.norm())
    assert error < 1e-10


@boundaries
def test_batch_equals_loop(boundary):
    flow = FilterFlow(draw_kernels(2, 3, 5, 7).float(), boundary)
    x = draw(4, 3, 20, 22).float()
    loop = torch.cat([flow(image[None]) for image in x])
    torch.testing.assert_close(flow(x), loop, rtol=0, atol=1e-6)
    torch.testing.assert_close(
        flow.adjoint(loop), torch.cat([flow.adjoint(image[None]) for image in loop]), rtol=0, atol=1e-6
    )


@boundaries
def test_gradients(boundary):
    """Of the image and of the kernels, forward and adjoint."""
    x = draw(1, 2, 7, 6).requires_grad_()
    k = draw_kernels(2, 2, 3, 5).requires_grad_()
    assert torch.autograd.gradcheck(lambda x, k: FilterFlow(k, boundary)(x), (x, k))
    assert torch.autograd.gradcheck(lambda x, k: FilterFlow(k, boundary).adjoint(x), (x, k))


def test_a_star_leaves_the_kernel_of_its_place():
    flow = FilterFlow(draw_kernels(3, 2, 5, 7), "zero")
    for row, column in ((8, 10), (15, 20), (20, 12)):
        x = torch.zeros(1, 1, 32, 30, dtype=torch.float64)
        x[..., row, column] = 1
        mark = flow(x)[..., row - 2 : row + 3, column - 3 : column + 4]
        expected = flow.kernel_at(row, column, (32, 30))
        torch.testing.assert_close(mark, expected, rtol=0, atol=1e-12)
        torch.testing.assert_close(expected.sum(), torch.ones_like(expected.sum()))


def test_no_light_is_lost():
    flow = FilterFlow(draw_kernels(3, 4, 7, 7), "wrap")
    x = torch.zeros(1, 1, 40, 50, dtype=torch.float64)
    x[..., 10:30, 10:40] = draw(1, 1, 20, 30)
    assert flow(x).sum().item() == pytest.approx(x.sum().item())


def test_local_kernels_find_the_flow_again():
    k = camera_shake(6, 9, length=6.0, generator=seed(2)).double().reshape(2, 3, 9, 9)
    flow = FilterFlow(k, "zero")
    torch.testing.assert_close(local_kernels(flow, (40, 60), (2, 3), 9, dtype=torch.float64), k, rtol=0, atol=1e-2)
    with pytest.raises(ValueError, match="falls outside 3x3"):
        local_kernels(FilterFlow(torch.ones(1, 1, 9, 9) / 81, "zero"), (40, 60), (2, 3), 3)


def test_kept_spectra_serve_every_call():
    flow, x = FilterFlow(draw_kernels(2, 2, 3, 3)), draw(1, 1, 8, 8)
    with torch.inference_mode():
        flow(x)
    moving = x.clone().requires_grad_()
    flow(moving).sum().backward()
    torch.testing.assert_close(moving.grad, torch.ones_like(x))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: FilterFlow(torch.ones(1, 3, 3)), ValueError, r"\(rows, columns, h, w\), got \(1, 3, 3\)"),
        (lambda: FilterFlow("k"), ValueError, "got str"),
        (lambda: FilterFlow(torch.ones(2, 2, 3, 3)), ValueError, "sums to 9"),
        (lambda: FilterFlow(draw_kernels(2, 2, 3, 3), "mirror"), ValueError, "unknown 'mirror'"),
        (lambda: FilterFlow(draw_kernels(2, 2, 3, 3))(draw(8, 8)), ValueError, "Add batch and channel"),
        (lambda: FilterFlow(draw_kernels(2, 2, 3, 3))(draw(1, 1, 8, 8).float()), TypeError, "float32"),
        (lambda: FilterFlow(draw_kernels(2, 2, 9, 9))(draw(1, 1, 8, 8)), ValueError, "larger than the image"),
        (lambda: FilterFlow(draw_kernels(9, 2, 3, 3))(draw(1, 1, 8, 8)), ValueError, "9 rows of regions"),
        (lambda: average_frames(draw(3, 8, 8)), ValueError, "Add the batch"),
        (lambda: average_frames(draw(3, 1, 8, 8), weights=draw(2)), ValueError, r"\(3,\)"),
        (lambda: average_frames(draw(2, 1, 8, 8), weights=torch.tensor([1.0, -1.0])), ValueError, "non-negative"),
        (lambda: average_frames(draw(2, 1, 8, 8), weights=torch.zeros(2)), ValueError, "vanish"),
        (lambda: average_frames(draw(2, 1, 8, 8), curve="log"), ValueError, "unknown 'log'"),
    ],
)
def test_bad_input_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_the_mean_of_moved_frames_is_a_blur():
    """Frames displaced by whole pixels along a path, averaged in linear light: that path's kernel, applied to light."""
    x = draw(1, 3, 24, 28)
    path = [(0, 0), (0, 1), (1, 1), (1, 2), (1, 2)]
    k = torch.zeros(1, 1, 5, 5, dtype=torch.float64)
    for row, column in path:
        k[..., 2 + row, 2 + column] += 1 / len(path)
    frames = torch.cat([x.roll(step, dims=(-2, -1)) for step in path])
    y = average_frames(frames)
    torch.testing.assert_close(to_linear(y), Blur(k)(to_linear(x)), rtol=0, atol=1e-12)
    weighted = average_frames(frames[:4], weights=torch.tensor([1, 1, 1, 2.0], dtype=torch.float64))
    torch.testing.assert_close(weighted, y)


def test_averaging_has_gradients():
    frames, w = draw(3, 1, 4, 4).requires_grad_(), (draw(3, number=1) + 0.1).requires_grad_()
    assert torch.autograd.gradcheck(lambda f, w: average_frames(f, weights=w), (frames, w))


def test_a_real_clip(gopro_clip):
    """Light and file values give different blurs, brighter in light; Nah's power is near the standard's curve."""
    srgb, gamma, values = (average_frames(gopro_clip, curve=curve) for curve in ("srgb", "gamma", "none"))
    middle = gopro_clip[8:9]
    assert (srgb >= values - 1e-4).all()  # the file's curve is concave
    assert srgb.mean() > values.mean()
    assert psnr(gamma, srgb).item() > 45 > psnr(values, srgb).item()
    assert psnr(srgb, middle).item() < psnr(average_frames(gopro_clip[7:10]), middle).item()


def test_cuda(cuda):
    k, x = draw_kernels(2, 3, 5, 5), draw(1, 2, 20, 30)
    for boundary in BOUNDARIES:
        flow = FilterFlow(k.to(cuda), boundary)
        here = FilterFlow(k, boundary)
        torch.testing.assert_close(flow(x.to(cuda)).cpu(), here(x))
        y = here(x)
        torch.testing.assert_close(flow.adjoint(y.to(cuda)).cpu(), here.adjoint(y))
