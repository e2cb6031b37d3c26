"""Richardson–Lucy against a plain NumPy loop, and what its theory promises."""

import warnings

import numpy as np
import pytest
import torch

from deblurlib.blur import Blur, add_noise, camera_shake, delta, gaussian, linear_motion
from deblurlib.deconvolution import richardson_lucy
from deblurlib.metrics import psnr
from deblurlib.profile import seed


def draw(*shape, number=0):
    return torch.rand(shape, generator=seed(number), dtype=torch.float64)


def scene(kernel, side=48):
    world = torch.nn.functional.interpolate(draw(1, 1, 10, 10), size=side, mode="bicubic").clamp(0.02, 1)
    world[..., 12:24, 20:40] = 0.9
    margin = kernel.shape[-1] // 2
    return Blur(kernel, "valid")(world), world[..., margin : side - margin, margin : side - margin]


def numpy_loop(y, k, iterations):
    """The textbook's two lines on a circle, starting from the photograph itself."""
    h, w = k.shape
    padded = np.zeros(y.shape)
    for i in range(h):
        for j in range(w):
            padded[(i - h // 2) % y.shape[0], (j - w // 2) % y.shape[1]] = k[i, j]
    transfer = np.fft.fft2(padded)
    x = y + 1e-6
    for _ in range(iterations):
        ratio = y / np.fft.ifft2(np.fft.fft2(x) * transfer).real
        x = x * np.fft.ifft2(np.fft.fft2(ratio) * transfer.conj()).real
    return x


@pytest.mark.parametrize("iterations", [1, 2, 40])
def test_equals_a_plain_loop(iterations):
    k = draw(1, 1, 5, 7, number=1)
    k /= k.sum()
    y = Blur(k)(draw(1, 1, 21, 30) + 0.05).clamp(max=1.4)
    restored = richardson_lucy(y, k, iterations=iterations, boundary="wrap", clip=False)
    np.testing.assert_allclose(
        restored[0, 0].numpy(), numpy_loop(y[0, 0].numpy(), k[0, 0].numpy(), iterations), atol=1e-10
    )


@pytest.mark.parametrize("boundary", ["wrap", "extend"])
def test_the_likelihood_never_falls(boundary):
    """Poisson log-likelihood, sum of y log m - m, with m the blurred estimate: each step raises it."""
    k = camera_shake(1, 9, generator=seed(3)).double()
    y, _ = scene(k)
    y = add_noise(y, 0.02).clamp(min=0.01)
    estimates = [y]
    if boundary == "wrap":
        richardson_lucy(y, k, iterations=60, boundary=boundary, callback=lambda _, x: estimates.append(x))
        predictions = [Blur(k)(x) for x in estimates]
    else:
        # The callback shows the photograph's part alone; the masked model is rebuilt here with the whole estimate.
        predictions = masked_predictions(y, k, 60)
    likelihood = [(y * m.log() - m).sum().item() for m in predictions]
    assert min(np.diff(likelihood)) > -1e-8
    assert likelihood[-1] > likelihood[0] + 0.01


def masked_predictions(y, k, iterations):
    """The same iteration with Blur(k, 'valid') and its adjoint: the estimate is half a kernel wider on each side."""
    blur = Blur(k, "valid")
    p = k.shape[-1] // 2
    x = torch.nn.functional.pad(y, (p, p, p, p), mode="replicate") + 1e-6
    seen = blur.adjoint(torch.ones_like(y)).clamp_min(1e-6)
    predictions = []
    for _ in range(iterations):
        predictions.append(blur(x))
        x = x * blur.adjoint(y / predictions[-1]).clamp_min(0) / seen
    restored = richardson_lucy(y, k, iterations=iterations, clip=False)
    torch.testing.assert_close(restored, x[..., p:-p, p:-p], rtol=0, atol=1e-8)
    return predictions


def test_light_is_kept():
    """On a circle each step keeps the sum of the image."""
    k, y = gaussian(7, 1.5, dtype=torch.float64), 0.1 + 0.5 * draw(2, 3, 20, 24)
    restored = richardson_lucy(y, k, iterations=20, boundary="wrap", clip=False)
    torch.testing.assert_close(restored.sum(dim=(-2, -1)), y.sum(dim=(-2, -1)), rtol=1e-5, atol=0)
    assert restored.min() >= 0


def test_zeros_round_the_kernel_change_nothing():
    """Neither where the strip beyond the frame is cut to what the kernel reads, nor where the kernel learns."""
    k, y = camera_shake(1, 9, generator=seed(3)).double(), 0.1 + 0.8 * draw(1, 2, 20, 23)
    wide = torch.nn.functional.pad(k, (3, 3, 1, 1))
    restored = richardson_lucy(y, k, iterations=5)
    for same in (wide, wide.clone().requires_grad_()):
        torch.testing.assert_close(richardson_lucy(y, same, iterations=5).detach(), restored, rtol=0, atol=1e-9)


@pytest.mark.parametrize("level", [0.3, 1.0])
def test_no_dark_rim(level):
    """A flat wall cut out of a flat world stays flat up to the frame (scikit-image issue 3859)."""
    y = torch.full((1, 1, 40, 40), level)
    restored = richardson_lucy(y, camera_shake(1, 15, generator=seed(4)), iterations=50, clip=False)
    torch.testing.assert_close(restored, y, rtol=0, atol=1e-3)


def test_the_rim_is_as_good_as_it_can_be():
    k = camera_shake(1, 9, generator=seed(5)).double()
    y, x = scene(k)
    extended, wrapped = (richardson_lucy(y, k, iterations=30, boundary=b) for b in ("extend", "wrap"))
    assert psnr(extended, x) > psnr(wrapped, x) + 1
    assert psnr(extended, x) > psnr(y, x) + 2


def test_the_exact_image_is_a_fixed_point():
    x, k = 0.1 + 0.8 * draw(1, 1, 16, 20), delta(3, dtype=torch.float64)
    torch.testing.assert_close(richardson_lucy(x, k, iterations=5), x, rtol=0, atol=1e-6)


def test_strong_contrast_stays_finite():
    """Stars on black, and hundreds of iterations in single precision."""
    x = torch.zeros(1, 1, 40, 40)
    x[..., 20, 20] = x[..., 1, 1] = x[..., 39, 13] = 1
    k = linear_motion(9.0, 20.0)
    for y in (Blur(k)(x), x):
        for boundary in ("wrap", "extend"):
            restored = richardson_lucy(y, k, iterations=300, boundary=boundary, clip=False)
            assert restored.isfinite().all()
            assert restored.min() >= 0


def test_damping_leaves_noise_alone():
    k = gaussian(7, 1.5, dtype=torch.float64)
    x = torch.full((1, 1, 40, 40), 0.4, dtype=torch.float64)
    x[..., 15:25, 15:25] = 0.9
    y = add_noise(Blur(k)(x), 0.02)
    plain, damped = (richardson_lucy(y, k, iterations=60, damping=d, boundary="wrap") for d in (0.0, 0.06))
    flat = (..., slice(0, 10), slice(0, 10))
    assert damped[flat].std() < 0.8 * plain[flat].std()
    assert psnr(damped, x) > psnr(plain, x) + 1


def test_each_image_stops_by_itself():
    """A flat image stops at once, a faint one soon; the other goes on as if it were alone."""
    k = gaussian(5, 1.0, dtype=torch.float64)
    busy = 0.1 + 0.8 * draw(1, 1, 16, 16)
    images = {"flat": torch.full_like(busy, 0.5), "faint": 0.5 + 0.1 * busy, "busy": busy}
    steps = {}
    for name, y in (images | {"all": torch.cat(list(images.values()))}).items():
        seen = []
        restored = richardson_lucy(y, k, iterations=500, tolerance=2e-3, callback=lambda i, _: seen.append(i))  # noqa: B023
        steps[name] = (seen[-1], restored)
    assert steps["flat"][0] == 1
    assert 1 < steps["faint"][0] < steps["busy"][0] < 500
    assert steps["all"][0] == steps["busy"][0]
    alone = torch.cat([steps[name][1] for name in images])
    torch.testing.assert_close(steps["all"][1], alone, rtol=0, atol=1e-10)


def test_callback_sees_every_step():
    k, y = gaussian(5, 1.0), draw(2, 3, 16, 18).float()
    seen = []
    restored = richardson_lucy(y, k, iterations=4, callback=lambda i, x: seen.append((i, x.shape, x)))
    assert [i for i, _, _ in seen] == [1, 2, 3, 4]
    assert {shape for _, shape, _ in seen} == {y.shape}
    torch.testing.assert_close(seen[-1][2].clamp(0, 1), restored)


def test_gradients():
    y, k = (0.2 + 0.6 * draw(1, 1, 6, 7)).requires_grad_(), 0.1 + draw(1, 1, 3, 3, number=1)
    k = (k / k.sum()).requires_grad_()
    for boundary in ("wrap", "extend"):
        assert torch.autograd.gradcheck(
            lambda y, k, b=boundary: richardson_lucy(y, k, iterations=3, boundary=b, clip=False), (y, k)
        )


def test_stops_when_explained_to_within_the_noise():
    """The discrepancy principle, and each image of a batch by itself."""
    k = camera_shake(1, 9, generator=seed(5)).double()
    y, _ = scene(k)
    noisy = torch.cat([add_noise(y, 0.02, generator=seed(n)).clamp(min=0) for n in (1, 2)])
    seen = []
    restored = richardson_lucy(
        noisy, k, iterations=300, noise=0.02, boundary="wrap", clip=False, callback=lambda _, x: seen.append(x.clone())
    )
    left = (Blur(k)(restored) - noisy).square().mean(dim=(1, 2, 3)).sqrt()
    assert len(seen) < 300
    assert left.max() <= 0.02
    before = [(Blur(k)(x) - noisy).square().mean(dim=(1, 2, 3)).sqrt() for x in seen]
    for i in range(2):
        first = next(t for t, value in enumerate(before) if value[i] <= 0.02)
        torch.testing.assert_close(restored[i], seen[first][i])
    alone = torch.cat([richardson_lucy(x[None], k, iterations=300, noise=0.02, boundary="wrap") for x in noisy])
    torch.testing.assert_close(alone, restored.clamp(0, 1), rtol=0, atol=1e-10)


@pytest.mark.parametrize("boundary", ["wrap", "extend"])
def test_light_that_was_cut_off_at_white(boundary):
    """A lamp four times brighter than white: its surroundings ring unless the response is in the model."""
    k = camera_shake(1, 9, generator=seed(5)).double()
    x = torch.full((1, 1, 48, 48), 0.2, dtype=torch.float64)
    x[..., 18:28, 18:28] = 4.0
    y = Blur(k)(x).clamp(max=1)
    with pytest.warns(UserWarning, match="saturated=True"):
        plain = richardson_lucy(y, k, iterations=60, boundary=boundary)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        aware = richardson_lucy(y, k, iterations=60, boundary=boundary, saturated=True)
    assert psnr(aware, x.clamp(max=1)) > psnr(plain, x.clamp(max=1)) + 2


def test_saturated_changes_nothing_below_white():
    k, y = gaussian(5, 1.0, dtype=torch.float64), 0.1 + 0.8 * draw(1, 1, 16, 16)
    assert torch.equal(richardson_lucy(y, k, saturated=True), richardson_lucy(y, k))


def test_a_step_that_is_not_finite_is_not_taken(monkeypatch):
    """The third step of the second image is spoilt: it keeps its second estimate, and the first image goes on."""
    k, y = gaussian(5, 1.0, dtype=torch.float64), 0.1 + 0.8 * draw(2, 1, 16, 16)
    right = {t: richardson_lucy(y, k, iterations=t) for t in (2, 6)}
    calls, real = [], torch.fft.ifft2

    def spoilt(*args, **options):
        calls.append(1)
        x = real(*args, **options)
        if len(calls) == 2 * 3:  # two for each step
            x[1] = float("inf")
        return x

    monkeypatch.setattr(torch.fft, "ifft2", spoilt)
    with pytest.warns(RuntimeWarning, match="step 3 is not finite"):
        restored = richardson_lucy(y, k, iterations=6)
    assert torch.equal(restored[1], right[2][1])
    torch.testing.assert_close(restored[0], right[6][0])


@pytest.mark.parametrize(
    ("settings", "error"),
    [
        ({"iterations": 0}, ValueError),
        ({"iterations": 2.5}, TypeError),
        ({"damping": -1.0}, ValueError),
        ({"tolerance": float("nan")}, ValueError),
        ({"noise": -0.1}, ValueError),
        ({"boundary": "reflect"}, ValueError),
    ],
)
def test_settings_out_of_range_are_refused(settings, error):
    with pytest.raises(error):
        richardson_lucy(draw(1, 1, 8, 8), delta(3, dtype=torch.float64), **settings)


@pytest.mark.parametrize("boundary", ["extend", "wrap"])
def test_a_kernel_for_each_photograph(boundary: str) -> None:
    blurred = torch.rand(2, 3, 24, 30, generator=seed(1)) * 0.8 + 0.1
    kernels = torch.cat([gaussian(7, 1.2), gaussian(7, 2.0)])
    together = richardson_lucy(blurred, kernels, iterations=5, boundary=boundary)
    for i in range(2):
        alone = richardson_lucy(blurred[i : i + 1], kernels[i : i + 1], iterations=5, boundary=boundary)
        assert (together[i : i + 1] - alone).abs().max() < 1e-6
