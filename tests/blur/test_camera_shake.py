"""Random kernels: their contract, their law, and the three flaws of the original that they do not have."""

import math

import numpy as np
import pytest
import torch

from deblurlib import contracts
from deblurlib.blur import camera_shake, trajectory
from deblurlib.blur.kernels import splat
from deblurlib.profile import seed


def centroids(k):
    grid = torch.arange(k.shape[-1], dtype=torch.float64) - k.shape[-1] // 2
    k = k[:, 0].double()
    return torch.stack([(k.sum(2) * grid).sum(1), (k.sum(1) * grid).sum(1)], dim=1)


@pytest.mark.parametrize("size", [5, 9, 31])
@pytest.mark.parametrize("exposure", [0.001, 0.1, 0.5, 1.0])
@pytest.mark.parametrize("centre", ["centroid", "box"])
def test_contract(size, exposure, centre):
    k = contracts.kernel(camera_shake(64, size, exposure=exposure, centre=centre, generator=seed(3)))
    assert k.shape == (64, 1, size, size)
    assert k.dtype == torch.float32
    torch.testing.assert_close(k.double().sum(dim=(1, 2, 3)), torch.ones(64, dtype=torch.float64), rtol=0, atol=1e-6)


def test_the_centroid_is_in_the_centre():
    for exposure in (0.1, 0.5, 1.0):
        assert centroids(camera_shake(256, 31, exposure=exposure, generator=seed(1))).abs().max() < 0.05


def test_no_light_is_lost_by_the_longest_path():
    """The size is chosen so that every path fits: the sums are one before anything is divided by them."""
    path = trajectory(256, length=12.0, generator=seed(2))
    k = splat(path - path.mean(dim=1, keepdim=True), 15)
    torch.testing.assert_close(k.sum(dim=(1, 2, 3)), torch.ones(256), rtol=0, atol=1e-5)


def test_centring_the_box_shifts_the_image():
    """As the original code does it; the shorter the exposure, the further off (DeblurGAN issues 78 and 218)."""
    offset = {
        exposure: centroids(camera_shake(512, 61, length=58.0, exposure=exposure, centre="box", generator=seed(4)))
        .norm(dim=1)
        .median()
        .item()
        for exposure in (0.1, 0.5, 1.0)
    }
    assert offset[0.1] > 2
    assert offset[0.5] > 1.5
    assert 0.8 < offset[1.0] < offset[0.5]


def test_less_exposure_is_less_blur():
    def gyration(exposure):
        k = camera_shake(256, 31, length=28.0, exposure=exposure, generator=seed(5))[:, 0].double()
        grid = torch.arange(31, dtype=torch.float64) - 15
        return ((k.sum(2) + k.sum(1)) * grid**2).sum(1).sqrt().mean().item()

    shut, half, full = gyration(1 / 256), gyration(0.5), gyration(1.0)
    assert shut == pytest.approx(0, abs=0.01)
    assert half < 0.8 * full


def original_paths(batch, length=60.0, steps=2000):
    """The process as it is published, step by step, in NumPy: the law that `trajectory` has to keep."""
    random = np.random.default_rng(0)
    spring, rate, strength = (random.uniform(0, high, batch) for high in (0.7, 0.2, 10.0))
    anxiety = random.choice([0.01, 0.009, 0.008, 0.007, 0.005, 0.003], batch)
    delta = length / (steps - 1)
    v, x = anxiety * np.exp(1j * random.uniform(0, 2 * np.pi, batch)), np.zeros(batch, complex)
    path = np.empty((steps, batch), complex)
    for t in range(steps):
        path[t] = x
        turn = 2 * v * np.exp(1j * (np.pi + random.uniform(-0.5, 0.5, batch)))
        jerk = np.where(random.uniform(size=batch) < rate * anxiety, turn, 0)
        noise = strength * (random.normal(size=batch) + 1j * random.normal(size=batch))
        v = v + jerk + anxiety * delta * (noise - spring * x)
        v = delta * v / np.abs(v)
        x = x + v
    return torch.view_as_real(torch.as_tensor(path.T.copy()))


def statistics(path):
    centred = path - path.mean(dim=1, keepdim=True)
    return {
        "extent": (path.amax(dim=1) - path.amin(dim=1)).mean().item(),
        "radius of gyration": centred.square().sum(-1).mean(1).sqrt().mean().item(),
        "end to end": (path[:, -1] - path[:, 0]).norm(dim=-1).mean().item(),
    }


@pytest.mark.parametrize("exposure", [0.1, 0.5, 1.0])
def test_fewer_steps_keep_the_law(exposure):
    """256 steps against the 2000 of the published process: the paths are as large, to 5 %, at every exposure."""
    long = original_paths(3000)[:, : round(2000 * exposure)]
    short = trajectory(6000, length=60.0, generator=seed(6))[:, : round(256 * exposure)]
    assert statistics(short) == pytest.approx(statistics(long), rel=0.05)


def test_kernels_are_as_wide_as_their_paths():
    """Sharing light between two pixels widens a path, by a quarter of a pixel squared along each axis at most."""
    path = trajectory(256, length=28.0, generator=seed(9)).double()
    points = path - path.mean(dim=1, keepdim=True)
    k = splat(points, 31)[:, 0]
    grid = torch.arange(31, dtype=torch.float64) - 15
    variance = (k.sum(2) * grid**2).sum(1) + (k.sum(1) * grid**2).sum(1)
    wider = variance - points.square().sum(-1).mean(1)
    assert wider.min() >= 0 and wider.max() <= 0.5


@pytest.mark.parametrize("exposure", [0.01, 0.1, 0.5, 1.0])
def test_an_exposure_is_the_beginning_of_the_path(exposure):
    """The same hand, a shorter shutter: the first steps alone, with all of the light."""
    k = camera_shake(8, 31, length=20.0, exposure=exposure, generator=seed(10))
    path = trajectory(8, length=20.0, generator=seed(10))[:, : max(1, round(256 * exposure))]
    expected = splat(path - path.mean(dim=1, keepdim=True), 31)
    torch.testing.assert_close(k, expected, rtol=0, atol=1e-6)


def test_a_batch_of_splats_equals_a_loop_and_has_gradients():
    points = 3 * (torch.rand(4, 20, 2, generator=seed(11), dtype=torch.float64) - 0.5)
    loop = torch.cat([splat(p[None], 7) for p in points])
    torch.testing.assert_close(splat(points, 7), loop, rtol=0, atol=1e-12)
    assert torch.autograd.gradcheck(lambda p: splat(p, 7), points[:1, :5].clone().requires_grad_())


def test_a_trajectory_has_the_length_that_was_asked_for():
    path = trajectory(64, length=(5.0, 20.0), steps=300, generator=seed(7))
    lengths = path.diff(dim=1).norm(dim=-1).sum(dim=1)
    assert path.shape == (64, 300, 2)
    assert (path[:, 0] == 0).all()
    assert 5.0 <= lengths.min() < 7
    assert 18 < lengths.max() <= 20.001
    steps = path.diff(dim=1).norm(dim=-1)
    torch.testing.assert_close(steps, (lengths / 299)[:, None].expand_as(steps), rtol=1e-3, atol=1e-4)


@pytest.mark.parametrize("steps", [256, 2000])
def test_jerks_turn_the_hand_round(steps):
    """With probability m p a a step the heading turns by about pi, equally often a path for any number of steps."""
    path = trajectory(2000, length=60.0, steps=steps, generator=seed(8))
    v = path.diff(dim=1)
    cosine = torch.nn.functional.cosine_similarity(v[:, 1:], v[:, :-1], dim=-1)
    jerks = (cosine < -0.5).sum(dim=1).double()
    # E of 2000 p a with p ~ U(0, 0.2) and the mean anxiety 0.007: 1.4 a path
    assert jerks.mean().item() == pytest.approx(1.4, rel=0.15)


def test_the_generator_decides():
    first, again, other = (camera_shake(3, 15, generator=seed(n)) for n in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(camera_shake(3, 15), camera_shake(3, 15, generator=seed(0)))
    generator = seed(1)
    assert not torch.equal(camera_shake(3, 15, generator=generator), camera_shake(3, 15, generator=generator))


def test_the_global_source_of_random_numbers_is_left_alone():
    state = torch.get_rng_state()
    camera_shake(3, 15)
    assert torch.equal(torch.get_rng_state(), state)


def test_cuda(cuda):
    k = camera_shake(16, 15, generator=torch.Generator(cuda).manual_seed(1))
    assert k.device.type == "cuda"
    assert contracts.kernel(k) is k
    assert centroids(k.cpu()).abs().max() < 0.05


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"batch": 0}, ValueError),
        ({"batch": 1.5}, TypeError),
        ({"steps": 256.0}, TypeError),
        ({"size": 30}, ValueError),
        ({"size": 3}, ValueError),
        ({"size": 31.0}, TypeError),
        ({"length": 29.0}, ValueError),
        ({"length": (10.0, 29.0)}, ValueError),
        ({"length": (10.0, 5.0)}, ValueError),
        ({"length": -1.0}, ValueError),
        ({"length": math.nan}, ValueError),
        ({"exposure": 0.0}, ValueError),
        ({"exposure": 1.1}, ValueError),
        ({"centre": "middle"}, ValueError),
        ({"steps": 1}, ValueError),
        ({"generator": 7}, TypeError),
    ],
)
def test_settings_out_of_range_are_refused(settings, error):
    with pytest.raises(error, match=r"expected|needs|may leave"):
        camera_shake(**({"batch": 1, "size": 31} | settings))
