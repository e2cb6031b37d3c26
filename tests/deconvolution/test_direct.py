"""The inverse, Wiener and Tikhonov filters against dense matrices and NumPy."""

import numpy as np
import pytest
import torch

from deblurlib import images
from deblurlib.blur import Blur, add_noise, delta, gaussian, linear_motion
from deblurlib.deconvolution import inverse_filter, signal_power, tikhonov, wiener
from deblurlib.metrics import psnr
from deblurlib.profile import seed

H, W = 9, 12


def draw(*shape, number=0):
    return torch.rand(shape, generator=seed(number), dtype=torch.float64)


def draw_kernel(*shape):
    """A kernel whose transfer function stays above a tenth, so that inverting it is well posed."""
    k = draw(*shape, number=1)
    k[..., shape[-2] // 2, shape[-1] // 2] += 1.3 * k.sum()
    return k / k.sum(dim=(-2, -1), keepdim=True)


def circulant(k):
    """The wrapped blur as an HW x HW matrix, built from its definition one pixel at a time."""
    matrix = np.zeros((H * W, H * W))
    h, w = k.shape
    for r in range(H):
        for c in range(W):
            for i in range(h):
                for j in range(w):
                    source = ((r - i + h // 2) % H) * W + (c - j + w // 2) % W
                    matrix[r * W + c, source] += k[i, j]
    return matrix


def dense(kernel):
    return circulant(kernel[0, 0].numpy())


@pytest.mark.parametrize("size", [(3, 3), (5, 3), (9, 11)])
def test_inverse_filter_inverts(size):
    x, k = draw(2, 3, H, W), draw_kernel(1, 1, *size)
    torch.testing.assert_close(inverse_filter(Blur(k)(x), k), x, rtol=0, atol=1e-10)


def test_inverse_filter_of_a_kernel_that_erases_frequencies():
    """The pseudo-inverse: what the kernel erased stays away, the rest comes back."""
    k = torch.full((1, 1, 1, 3), 1 / 3, dtype=torch.float64)  # erases every third frequency of a row of 12
    x = draw(1, 1, H, W)
    matrix = dense(k)
    expected = np.linalg.pinv(matrix, rcond=1e-10) @ (matrix @ x.flatten().numpy())
    restored = inverse_filter(Blur(k)(x), k, floor=1e-9, clip=False)
    np.testing.assert_allclose(restored.flatten().numpy(), expected, atol=1e-9)


def test_floor_drops_small_frequencies():
    k = gaussian(9, 1.5, dtype=torch.float64)
    x = draw(1, 1, 32, 32)
    noisy = add_noise(Blur(k)(x), 0.01)
    wild = inverse_filter(noisy, k, clip=False)
    tame = inverse_filter(noisy, k, floor=0.1, clip=False)
    assert (wild - x).square().mean() > 100 * (tame - x).square().mean()


@pytest.mark.parametrize("weight", [1e-4, 0.03, 2.0])
def test_tikhonov_is_the_least_squares_solution(weight):
    x, k = draw(1, 1, H, W), draw_kernel(1, 1, 5, 3)
    y = add_noise(Blur(k)(x), 0.05)
    blur = dense(k)
    down = circulant(np.array([[0.0], [1.0], [-1.0]]))  # x[i] - x[i - 1]
    across = circulant(np.array([[0.0, 1.0, -1.0]]))
    rows = [blur, np.sqrt(weight) * down, np.sqrt(weight) * across]
    expected, *_ = np.linalg.lstsq(
        np.concatenate(rows), np.concatenate([y.flatten().numpy(), np.zeros(2 * H * W)]), rcond=None
    )
    restored = tikhonov(y, k, weight=weight, boundary="wrap", clip=False)
    np.testing.assert_allclose(restored.flatten().numpy(), expected, atol=1e-10)


def numpy_wiener(y, k, noise, prior):
    """The formula of the docstring with full complex FFTs, written apart from the library."""
    size = y.shape
    padded = np.zeros(size)
    h, w = k.shape
    for i in range(h):
        for j in range(w):
            padded[(i - h // 2) % size[0], (j - w // 2) % size[1]] += k[i, j]
    transfer, spectrum = np.fft.fft2(padded), np.fft.fft2(y)
    u, v = np.meshgrid(np.fft.fftfreq(size[0]), np.fft.fftfreq(size[1]), indexing="ij")
    radius = np.maximum(u**2 + v**2, 1 / max(size) ** 2)
    power = 1 / radius if prior == "natural" else np.ones(size)
    gradients = 4 - 2 * np.cos(2 * np.pi * u) - 2 * np.cos(2 * np.pi * v)
    half = slice(0, size[1] // 2 + 1)  # the scale is measured on the half-spectrum
    listen = (gradients * np.abs(transfer) ** 2)[:, half]
    floor = noise**2 * y.size
    total = (listen * np.abs(spectrum[:, half]) ** 2).sum()
    signal = max(total - floor * listen.sum(), 0.1 * total)
    scale = signal / (listen * (np.abs(transfer) ** 2 * power)[:, half]).sum()
    ratio = floor / (scale * power)
    ratio[0, 0] = 0
    return np.fft.ifft2(transfer.conj() * spectrum / (np.abs(transfer) ** 2 + ratio)).real


@pytest.mark.parametrize("prior", ["natural", "flat"])
@pytest.mark.parametrize("noise", [0.001, 0.05, 1.0])
def test_wiener_is_its_formula(prior, noise):
    x, k = draw(1, 1, 15, 22), draw_kernel(1, 1, 5, 3)
    y = add_noise(Blur(k)(x), 0.03)
    expected = numpy_wiener(y[0, 0].numpy(), k[0, 0].numpy(), noise, prior)
    restored = wiener(y, k, noise=noise, prior=prior, boundary="wrap", clip=False)
    np.testing.assert_allclose(restored[0, 0].numpy(), expected, atol=1e-10)


def test_wiener_without_noise_is_the_inverse_filter():
    x, k = draw(1, 2, 16, 16), draw_kernel(1, 1, 3, 3)
    restored = wiener(Blur(k)(x), k, noise=1e-9, boundary="wrap")
    torch.testing.assert_close(restored, x, rtol=0, atol=1e-8)


def test_the_wiener_filter_is_best_near_the_true_noise():
    """Overstating or understating the noise by four costs decibels, and the natural prior beats the flat one."""
    world = images.bundled("camera")[..., 100:300, 100:300].double()
    k = linear_motion(9.0, 20.0, dtype=world.dtype)
    p = k.shape[-1] // 2
    y, x = add_noise(Blur(k, "valid")(world), 0.02), world[..., p:-p, p:-p]
    score = {noise: psnr(wiener(y, k, noise=noise), x).item() for noise in (0.005, 0.02, 0.08)}
    assert score[0.02] > max(score[0.005], score[0.08]) + 2
    assert score[0.02] > psnr(y, x).item() + 2
    assert score[0.02] > psnr(wiener(y, k, noise=0.02, prior="flat"), x).item() + 1


@pytest.mark.parametrize("restore", [inverse_filter, wiener, tikhonov], ids=lambda f: f.__name__)
def test_the_mean_is_kept(restore):
    x = draw(1, 3, 20, 21)
    y = Blur(draw_kernel(1, 1, 5, 5))(x)
    restored = restore(y, draw_kernel(1, 1, 5, 5), boundary="wrap", clip=False)
    torch.testing.assert_close(restored.mean(dim=(-2, -1)), y.mean(dim=(-2, -1)))


@pytest.mark.parametrize(
    "restore",
    [
        lambda y, k: inverse_filter(y, k, floor=0.05, clip=False),
        lambda y, k: wiener(y, k, noise=0.05, boundary="wrap", clip=False),
        lambda y, k: wiener(y, k, noise=0.05, prior="flat", clip=False),
        lambda y, k: tikhonov(y, k, clip=False),
    ],
    ids=["inverse", "wiener wrap", "wiener extend", "tikhonov"],
)
def test_gradients(restore):
    y, k = draw(1, 1, 7, 6).requires_grad_(), draw_kernel(1, 1, 3, 3).requires_grad_()
    assert torch.autograd.gradcheck(restore, (y, k))


@pytest.mark.parametrize("boundary", ["wrap", "extend"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_kernel_that_passes_nothing_but_the_mean(boundary, dtype):
    """A box as large as the image: regularised filters stay finite and hand back something in range."""
    y, k = draw(1, 1, 9, 9).to(dtype), torch.full((1, 1, 9, 9), 1 / 81, dtype=dtype)
    for restored in (
        wiener(y, k, noise=1e-3, boundary=boundary),
        wiener(y, k, noise=1e-30, boundary=boundary),
        wiener(y, k, noise=1.0, boundary=boundary),
        tikhonov(y, k, weight=1e-30, boundary=boundary),
        tikhonov(y, k, weight=1e300, boundary=boundary),
        inverse_filter(y, k, floor=1e-3, boundary=boundary),
    ):
        assert restored.isfinite().all()
        assert 0 <= restored.min() <= restored.max() <= 1


def test_clip():
    y = torch.zeros(1, 1, 16, 16)
    y[..., 8, 8] = 1
    k = gaussian(5, 1.0)
    raw = wiener(y, k, noise=1e-3, clip=False)
    assert raw.max() > 1
    assert raw.min() < 0
    torch.testing.assert_close(wiener(y, k, noise=1e-3), raw.clamp(0, 1))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda y, k: inverse_filter(y, k, floor=-0.1), "floor"),
        (lambda y, k: wiener(y, k, noise=0.0), "noise"),
        (lambda y, k: wiener(y, k, noise=5.0), "noise: expected a number above 0 and at most 1, got 5.0"),
        (lambda y, k: wiener(y, k, noise=float("nan")), "noise"),
        (lambda y, k: wiener(y, k, prior="pink"), "prior: unknown 'pink', expected one of natural, flat"),
        (lambda y, k: wiener(y, k, boundary="reflect"), "boundary: unknown 'reflect', expected one of extend, wrap"),
        (lambda y, k: tikhonov(y, k, weight=0.0), "weight"),
        (lambda y, k: tikhonov(y, k, weight=float("inf")), "weight"),
    ],
)
def test_settings_out_of_range_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call(draw(1, 1, 8, 8), delta(3, dtype=torch.float64))


def test_a_part_is_restored_as_in_the_whole_when_told_its_signal():
    """The number is one of area: it does not grow with the picture."""
    y, k = 0.1 + 0.8 * draw(1, 3, 64, 96), gaussian(5, 1.0, dtype=torch.float64)
    power = signal_power(y, k)
    assert power.shape == (1, 3, 1, 1)
    twice = signal_power(torch.cat([y, y], dim=-1), k, boundary="wrap") / signal_power(y, k, boundary="wrap")
    assert (twice - 1).abs().max() < 0.05
    torch.testing.assert_close(wiener(y, k, signal=power), wiener(y, k), rtol=0, atol=1e-12)
    assert (wiener(y, k, signal=100 * power) - wiener(y, k)).abs().max() > 0.01


@pytest.mark.parametrize(
    ("signal", "error", "message"),
    [
        (1.0, TypeError, "signal: expected a torch.Tensor, got float"),
        (torch.ones(1, 2, 1, 1).double(), ValueError, r"signal: is \(1, 2, 1, 1\).*expected \(1, 3, 1, 1\)"),
        (torch.ones(1, 3, 1, 1), ValueError, "torch.float32.*torch.float64"),
        (torch.zeros(1, 3, 1, 1).double(), ValueError, "above 0"),
        (torch.full((1, 3, 1, 1), torch.inf).double(), ValueError, "finite"),
    ],
)
def test_a_signal_that_does_not_fit_is_refused(signal, error, message):
    with pytest.raises(error, match=message):
        wiener(draw(1, 3, 8, 8), delta(3, dtype=torch.float64), signal=signal)
