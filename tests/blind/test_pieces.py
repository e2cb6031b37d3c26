"""The pieces of the engine, each by what it promises."""

import itertools

import pytest
import torch

from deblurlib import least_squares
from deblurlib.blind import kernel_cleanup
from deblurlib.blind.agreement import most_alike
from deblurlib.blind.coarse_to_fine import Pyramid, downsample, enlarge, scales, two_taps
from deblurlib.blind.dark_channel import darken, darkest, otsu
from deblurlib.blind.edges import gradients, inner, select, strength_threshold
from deblurlib.blind.latent_steps import Periodic, l0_gradient_step
from deblurlib.blur import Blur, delta
from deblurlib.metrics import kernel_similarity


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_the_kernel_step_finds_the_true_kernel_from_true_gradients(sharp, kernel):
    y = Blur(kernel, "valid")(sharp)
    x = sharp[..., 4:-4, 4:-4]
    for k, seen in ((kernel, y), (kernel.flip(-1, -2), Blur(kernel.flip(-1, -2), "valid")(sharp))):
        found = kernel_cleanup.normalise(least_squares.ridge(gradients(x), gradients(seen), 13, weight=0.01))
        assert kernel_similarity(found, k) > 0.98
        assert kernel_similarity(found, k.flip(-1, -2)) < 0.9


def test_the_normal_equations_of_the_kernel_are_those_of_the_pictures():
    """A k from the autocorrelation is the adjoint of the convolution after the convolution, wrapped."""
    x, v = random(2, 3, 20, 24), random(2, 1, 7, 7, seed=1)
    normal = least_squares.toeplitz(least_squares.autocorrelation(x, 7))
    spread = torch.zeros(2, 1, 20, 24, dtype=torch.float64)
    spread[..., :7, :7] = v
    spectrum = torch.fft.rfft2(x)
    image = torch.fft.irfft2(spectrum * torch.fft.rfft2(spread), s=(20, 24))
    back = torch.fft.irfft2((spectrum.conj() * torch.fft.rfft2(image)).sum(1, keepdim=True), s=(20, 24))
    assert torch.allclose(normal(v), back[..., :7, :7], atol=1e-9)
    u = random(2, 1, 7, 7, seed=2)
    assert torch.allclose((normal(v) * u).sum(), (v * normal(u)).sum())


def test_conjugate_gradients_solve_each_of_a_batch():
    a = random(3, 6, 6)
    a = a @ a.mT + torch.eye(6, dtype=torch.float64)
    b = random(3, 6, 1, seed=1)
    found = least_squares.conjugate_gradients(lambda v: a @ v, b, torch.zeros_like(b), iterations=30)
    assert torch.allclose(found, torch.linalg.solve(a, b), atol=1e-9)


def test_the_objective_of_the_kernel_step_falls_with_every_iteration(sharp, kernel):
    x, y = gradients(sharp)[..., :100, :100], gradients(Blur(kernel)(sharp))[..., :100, :100]
    normal = least_squares.toeplitz(least_squares.autocorrelation(x, 9))
    target = least_squares.crosscorrelation(x, y, 9)

    def objective(n):
        k = least_squares.ridge(x, y, 9, weight=2.0, iterations=n).double()
        return float((k * (normal(k) + 2.0 * k)).sum() / 2 - (k * target).sum())

    values = [objective(n) for n in range(8)]
    assert all(b <= a + 1e-6 for a, b in itertools.pairwise(values))


def test_the_latent_step_with_a_point_for_a_kernel_keeps_a_picture_of_few_gradients():
    x = torch.full((1, 1, 40, 40), 0.2)
    x[..., 10:30, 10:30] = 0.8
    y = Periodic(x, 5)
    assert (y.cut(l0_gradient_step(y, delta(5), 1e-3)) - x).abs().max() < 1e-3


def test_the_latent_step_lowers_its_objective(blurred, kernel):
    y = Periodic(blurred, 9)
    weight = 4e-3

    def objective(x):
        spectrum = torch.fft.rfft2(x) * y.transfer(kernel)
        data = (torch.fft.irfft2(spectrum, s=y.shape) - y.picture).square().sum()
        steps = torch.cat([x.roll(-1, -2) - x, x.roll(-1, -1) - x], dim=1)
        return float(data + weight * (steps.square().sum(1) > 1e-4).sum())

    assert objective(l0_gradient_step(y, kernel, weight)) < 0.8 * objective(y.picture)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_transfer_function_of_the_periodic_picture_is_that_of_the_blur(blurred, kernel, dtype):
    y = Periodic(blurred.to(dtype), 9)
    product = torch.fft.irfft2(y.transfer(kernel.to(dtype)) * y.spectrum, s=y.shape)
    assert torch.allclose(product, Blur(kernel.to(dtype), "wrap")(y.picture), atol=1e-5)


def test_components_and_pruning():
    k = torch.zeros(2, 1, 7, 7)
    k[0, 0, 0, 0] = k[0, 0, 1, 1] = 0.4  # joined at a corner
    k[0, 0, 6, 6] = 0.2
    k[1, 0, 3, :] = 1 / 7
    numbers = kernel_cleanup.components(k)
    assert len(numbers[0].unique()) == 3
    assert len(numbers[1].unique()) == 2
    pruned = kernel_cleanup.prune(k, 0.3)
    assert pruned[0, 0, 6, 6] == 0
    assert torch.allclose(pruned[0, 0, 1, 1], torch.tensor(0.5))
    assert torch.allclose(pruned[1], k[1])
    assert kernel_cleanup.prune(k, 1.0).sum(dim=(-2, -1)).allclose(torch.ones(2, 1))


def test_a_snake_is_one_component():
    """The longest way through a kernel: every second row, joined at alternating ends."""
    k = torch.zeros(1, 1, 21, 21)
    k[..., ::2, :] = 1.0
    k[..., 1::4, -1] = 1.0
    k[..., 3::4, 0] = 1.0
    assert len(kernel_cleanup.components(k).unique()) == 2


def test_recentring_moves_by_whole_pixels_and_turns_nothing(kernel):
    away = torch.zeros(2, 1, 15, 15)
    away[0, 0, :9, :9] = kernel[0, 0]
    away[1, 0, 6:, 5:14] = kernel[0, 0]
    back = kernel_cleanup.recentre(away)
    assert torch.allclose(back[0], back[1])
    assert torch.allclose(back[..., 3:12, 3:12], kernel.expand(2, -1, -1, -1))
    assert kernel_cleanup.centroid(back).abs().max() <= 0.5


def test_the_cleanup_of_nothing_is_a_point():
    k = kernel_cleanup.normalise(torch.full((1, 1, 3, 3), -1.0))
    assert torch.equal(k, delta(3))


def test_a_pyramid_has_the_released_sizes():
    y = torch.rand(1, 1, 255, 255)
    assert [s.size for s in scales(y, 27, Pyramid())] == [7, 11, 15, 21, 27]
    assert [s.size for s in scales(y, 3, Pyramid())] == [3]
    assert all(min(s.blurred.shape[-2:]) >= s.size for s in scales(y[..., :40, :30], 29, Pyramid()))


def test_a_kernel_keeps_its_centre_from_scale_to_scale(kernel):
    wide = enlarge(kernel, 13, 2**0.5)
    assert kernel_cleanup.centroid(wide).abs().max() < 1
    assert wide.sum().allclose(torch.tensor(1.0))
    assert torch.allclose(enlarge(delta(5), 7, 2**0.5), enlarge(delta(5), 7, 2**0.5).flip(-1, -2))


def test_a_smaller_picture_keeps_its_mean_and_its_orientation(sharp):
    small = downsample(sharp, 0.5)
    assert abs(float(small.mean() - sharp.mean())) < 0.02
    ramp = torch.linspace(0, 1, 40).expand(1, 1, 40, 40)
    assert (downsample(ramp, 0.5**0.5).diff(dim=-1) > 0).all()


def test_the_edges_come_from_every_direction():
    g = random(2, 2, 30, 30)
    limit = strength_threshold(g, 20)
    strong, used = select(g, limit)
    angle = torch.atan2(strong[:, 1], strong[:, 0]) % torch.pi
    for q in range(4):
        inside = (angle >= q * torch.pi / 4) & (angle < (q + 1) * torch.pi / 4) & (strong.square().sum(1) > 0)
        assert (inside.flatten(1).sum(1) >= 20).all()
    assert torch.equal(used, limit)
    some, lowered = select(g, torch.full((2, 1, 1, 1), 1e6, dtype=torch.float64))
    assert (some.abs().sum(dim=(1, 2, 3)) > 0).all()
    assert (lowered < 1e6).all()


def test_the_darkest_pixel_of_a_window_is_found_by_rows_and_columns():
    x = random(2, 1, 24, 30)
    low = x.flatten(1).gather(1, darkest(x, 7).flatten(1)).view_as(x)
    assert torch.equal(low, -torch.nn.functional.max_pool2d(-x, 7, stride=1, padding=3))


def test_darkening_equals_the_loop_over_windows():
    """The released code writes window after window; ours writes at once."""
    x = random(1, 1, 20, 22).abs() * 0.3
    window, half, limit = 5, 2, 0.01
    slow = x.clone()
    low = -torch.nn.functional.max_pool2d(-x, window, stride=1, padding=half)
    for r in range(20):
        for c in range(22):
            if low[0, 0, r, c] ** 2 < limit:
                patch = slow[0, 0, max(0, r - half) : r + half + 1, max(0, c - half) : c + half + 1]
                patch[patch == low[0, 0, r, c]] = 0
    for part in (slow, x):
        assert part.shape == (1, 1, 20, 22)
    slow[..., :half, :], slow[..., -half:, :] = x[..., :half, :], x[..., -half:, :]
    slow[..., :, :half], slow[..., :, -half:] = x[..., :, :half], x[..., :, -half:]
    assert torch.equal(darken(x, torch.full((1, 1, 1, 1), limit, dtype=torch.float64), window), slow)


def test_otsu_agrees_with_scikit_image(sharp):
    filters = pytest.importorskip("skimage.filters")
    theirs = filters.threshold_otsu((sharp[0, 0] * 255).round().numpy().astype("uint8")) / 255
    assert abs(float(otsu(sharp)) - theirs) < 2 / 255


def test_the_first_kernel_is_two_taps():
    k = two_taps(5, torch.zeros(2, 1, 8, 8))
    assert k.shape == (2, 1, 5, 5)
    assert k[0, 0, 2].tolist() == [0, 0.5, 0.5, 0, 0]


def test_the_kernel_that_another_confirms_is_chosen(kernel):
    odd, like = kernel.flip(-1), kernel_cleanup.moved(kernel, torch.tensor([[0, 1]]))
    kernels = torch.stack([torch.cat([odd, kernel, like]), torch.cat([kernel, odd, like])])
    chosen = most_alike(kernels)
    assert chosen[0] in (1, 2)
    assert chosen[1] in (0, 2)


def test_gradients_near_the_frame_are_left_out():
    g = torch.ones(1, 2, 40, 30)
    kept = inner(g, 9)
    assert kept[..., 4:-4, 4:-4].eq(1).all()
    assert kept.sum() == 2 * 32 * 22
    assert torch.equal(inner(g, 0), g)
    assert inner(g, 99).sum() > 0
