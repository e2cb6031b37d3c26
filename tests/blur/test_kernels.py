"""The simple kernels against integrals and formulas worked out apart."""

import math
from functools import partial

import numpy as np
import pytest
import torch

from deblurlib import contracts
from deblurlib.blur import delta, disk, gaussian, linear_motion
from deblurlib.blur.kernels import splat
from deblurlib.profile import seed

FAMILIES = {
    "delta": lambda dtype: delta(5, dtype=dtype),
    "gaussian": lambda dtype: gaussian(9, 1.3, dtype=dtype),
    "narrow gaussian": lambda dtype: gaussian(9, 1e-3, dtype=dtype),
    "wide gaussian": lambda dtype: gaussian(9, 1e6, dtype=dtype),
    "disk": lambda dtype: disk(3.2, dtype=dtype),
    "small disk": lambda dtype: disk(0.01, dtype=dtype),
    "linear motion": lambda dtype: linear_motion(7.3, 33.0, dtype=dtype),
    "no motion": lambda dtype: linear_motion(0.0, 33.0, dtype=dtype),
    "hardly any motion": lambda dtype: linear_motion(1e-3, 33.0, dtype=dtype),
}


def centroid(k):
    grid = torch.arange(k.shape[-1], dtype=torch.float64) - k.shape[-1] // 2
    return (k.double().sum(-1) * grid).sum().item(), (k.double().sum(-2) * grid).sum().item()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_every_family_keeps_the_contract(family, dtype):
    k = FAMILIES[family](dtype)
    assert contracts.kernel(k).dtype == dtype
    assert k.shape[:2] == (1, 1)
    assert k.shape[-1] == k.shape[-2]
    assert abs(k.double().sum().item() - 1) < 1e-6
    assert centroid(k) == pytest.approx((0, 0), abs=1e-6)
    torch.testing.assert_close(k, k.flip(-1, -2))  # all of them look the same upside down


def test_gaussian():
    k = gaussian(31, 2.5, dtype=torch.float64)[0, 0]
    grid = torch.arange(31, dtype=torch.float64) - 15
    assert (k.sum(0) * grid**2).sum().item() == pytest.approx(2.5**2, rel=1e-6)
    assert (k[15, 15] / k[15, 17]).item() == pytest.approx(math.exp(0.5 * (2 / 2.5) ** 2))
    torch.testing.assert_close(k, k.T)


@pytest.mark.parametrize("radius", [0.4, 0.5, 1.0, 1.5, 2.7, 8.0])
def test_disk(radius):
    """Each pixel weighs as much as the area of the disk in it, integrated column by column."""
    k = disk(radius, dtype=torch.float64)[0, 0].numpy()
    size = 2 * math.ceil(radius - 0.5) + 1
    assert k.shape == (size, size)
    x = (np.arange(size * 1000) + 0.5) / 1000 - size / 2
    half = np.sqrt(np.clip(radius**2 - x**2, 0, None))
    edges = np.arange(size + 1) - size / 2
    below = np.clip(edges[:, None], -half, half)  # how much of a column lies under each edge
    area = np.diff(below, axis=0).reshape(size, size, 1000).mean(axis=2)
    assert area.sum() == pytest.approx(math.pi * radius**2, rel=1e-4)
    np.testing.assert_allclose(k, area / area.sum(), atol=0.01 * area.max() / area.sum())


@pytest.mark.parametrize(("angle", "direction"), [(0, (0, 1)), (90, (-1, 0)), (45, (-1, 1)), (135, (-1, -1))])
def test_linear_motion_points_where_it_says(angle, direction):
    """Angles turn counter-clockwise from the horizontal as the picture is seen: at 90 degrees light goes up."""
    k = linear_motion(10.0, angle, dtype=torch.float64)[0, 0]
    middle = k.shape[-1] // 2
    grid = torch.arange(k.shape[-1], dtype=torch.float64) - middle
    covariance = (k * grid[:, None] * grid).sum().item()
    rows, columns = (k.sum(1) * grid**2).sum().item(), (k.sum(0) * grid**2).sum().item()
    down, across = (np.array(direction) / np.linalg.norm(direction)).tolist()
    along = down**2 * rows + across**2 * columns + 2 * down * across * covariance
    over = across**2 * rows + down**2 * columns - 2 * down * across * covariance
    assert along == pytest.approx(10.0**2 / 12, rel=0.05)
    assert over < 0.3


@pytest.mark.parametrize("length", [0.5, 1.0, 2.0, 3.1, 8.0])
def test_linear_motion_is_no_larger_than_it_must_be(length):
    rims = [linear_motion(length, angle)[0, 0, :, 0].sum() for angle in (0, 30)]
    assert max(rims) > 0


def test_splat_is_bilinear():
    """Against the definition: each point gives its light to the four pixels round it."""
    points = 4 * torch.rand(2, 7, 2, generator=seed(0), dtype=torch.float64) - 2
    expected = np.zeros((2, 7, 7))
    for b in range(2):
        for row, column in points[b].numpy() + 3:
            i, j = int(row), int(column)
            u, v = row - i, column - j
            expected[b, i, j] += (1 - u) * (1 - v)
            expected[b, i + 1, j] += u * (1 - v)
            expected[b, i, j + 1] += (1 - u) * v
            expected[b, i + 1, j + 1] += u * v
    np.testing.assert_allclose(splat(points, 7)[:, 0].numpy(), expected / 7, atol=1e-12)


@pytest.mark.parametrize(
    "call",
    [
        lambda: delta(4),
        lambda: delta(0),
        lambda: gaussian(4, 1.0),
        lambda: gaussian(5, 0.0),
        lambda: gaussian(5, math.nan),
        lambda: disk(0.0),
        lambda: disk(math.inf),
        lambda: linear_motion(-1.0, 0.0),
        lambda: linear_motion(math.inf, 0.0),
        lambda: linear_motion(3.0, math.nan),
    ],
)
def test_settings_out_of_range_are_refused(call):
    with pytest.raises(ValueError, match=r"size|sigma|radius|length|angle"):
        call()


@pytest.mark.parametrize("dtype", [torch.int32, torch.float16, torch.bfloat16, torch.complex64])
def test_another_dtype_is_refused(dtype):
    for call in (partial(delta, 3), partial(gaussian, 5, 1.0), partial(disk, 2.0), partial(linear_motion, 5.0, 30.0)):
        with pytest.raises(TypeError, match=r"dtype: expected torch\.float32 or torch\.float64, got torch"):
            call(dtype=dtype)
