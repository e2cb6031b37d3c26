"""What every full-reference metric keeps: dtype, range, floor, batch, gradients, and the order of distortions."""

import pytest
import torch

from deblurlib import images, metrics
from deblurlib.blur import Blur, add_noise, gaussian
from deblurlib.profile import seed

FLOORS = {"psnr": 2, "ssim": 11, "ms_ssim": 176, "ifc": 72, "vif": 72, "vif_pixel": 41}
SYMMETRIC = ("psnr", "ssim", "ms_ssim")
BOUNDED = ("ssim", "ms_ssim", "vif", "vif_pixel")
GREY = ("ifc", "vif", "vif_pixel")

every = pytest.mark.parametrize("name", FLOORS)


def sharp(name: str, dtype: torch.dtype = torch.float64, channels: int = 3) -> torch.Tensor:
    """A detailed crop a little above the metric's floor, with sides that differ and of which one is odd."""
    side = max(FLOORS[name], 32)
    x = images.bundled("astronaut")[..., 60 : 60 + side + 3, 150 : 150 + side + 10].to(dtype)
    return x[:, :channels]


def blurred(x: torch.Tensor, sigma: float) -> torch.Tensor:
    return Blur(gaussian(9, sigma, dtype=x.dtype), "reflect")(x)


@every
def test_equal_images_score_best(name):
    metric, x = getattr(metrics, name), sharp(name)
    best = metric(x, x).item()
    if name in BOUNDED:
        assert best == pytest.approx(1, abs=1e-9)
    for other in (blurred(x, 0.6), add_noise(x, 0.01)):
        assert metric(other, x).item() < best


@every
def test_falls_with_blur_and_with_noise(name):
    metric, x = getattr(metrics, name), sharp(name)
    for worse in (lambda a: blurred(x, 2 * a), lambda a: add_noise(x, 0.1 * a, generator=seed(0))):
        values = [metric(worse(a), x).item() for a in (0.3, 0.6, 0.9)]
        assert values == sorted(values, reverse=True)


@every
def test_symmetric_or_not(name):
    metric, x = getattr(metrics, name), sharp(name)
    y = blurred(x, 1.0)
    same = metric(x, y).item() == pytest.approx(metric(y, x).item(), rel=1e-9)
    assert same == (name in SYMMETRIC)


@every
def test_a_batch_is_a_loop(name):
    metric, x = getattr(metrics, name), sharp(name)
    y = torch.cat([blurred(x, 1.0), add_noise(x, 0.1), x.flip(-1)])
    x = x.expand(3, -1, -1, -1)
    alone = torch.cat([metric(a[None], b[None]) for a, b in zip(y, x, strict=True)])
    assert alone.shape == (3,)
    torch.testing.assert_close(metric(y, x), alone, rtol=1e-9, atol=1e-12)


@every
def test_single_precision_gives_the_same_number(name):
    metric, x = getattr(metrics, name), sharp(name)
    y = add_noise(blurred(x, 1.0), 0.01)
    single = metric(y.float(), x.float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), metric(y, x), rtol=2e-4, atol=2e-5)


@every
def test_the_units_do_not_matter_but_must_be_said(name):
    metric, x = getattr(metrics, name), sharp(name)
    y = blurred(x, 1.0)
    torch.testing.assert_close(metric(255 * y, 255 * x, data_range=255.0), metric(y, x), rtol=1e-8, atol=1e-10)
    with pytest.raises(ValueError, match=r"restored: values run from .* divide by 255"):
        metric(255 * y, 255 * x)
    if name in GREY:
        with pytest.raises(ValueError, match=r"black where data_range=255 is white. For images in \[0, 1\]"):
            metric(y, x, data_range=255.0)


@every
def test_rows_and_columns_are_alike(name):
    metric, x = getattr(metrics, name), sharp(name)
    y = blurred(x, 1.0)
    torch.testing.assert_close(metric(y.mT, x.mT), metric(y, x), rtol=1e-6, atol=1e-9)


@every
@pytest.mark.parametrize("flat", [0.0, 0.3, 1.0])
def test_flat_images_have_a_number(name, flat):
    metric, x = getattr(metrics, name), sharp(name, torch.float32)
    even = torch.full_like(x, flat)
    for a, b in ((x, even), (even, x), (even, even)):
        assert not metric(a, b).isnan().any()
    assert metric(even, x) < metric(x, x)


@every
def test_gradients(name):
    metric, x = getattr(metrics, name), sharp(name, channels=1).clone()
    y = add_noise(blurred(x, 1.0), 0.05).requires_grad_()
    x.requires_grad_()
    assert torch.autograd.gradcheck(metric, (y, x), fast_mode=True, rtol=1e-3, atol=1e-6)


@every
def test_a_step_along_the_gradient_is_a_step_towards_the_reference(name):
    metric, x = getattr(metrics, name), sharp(name, torch.float32)
    y = blurred(x, 1.5).requires_grad_()
    before = metric(y, x)
    before.backward()
    assert y.grad.isfinite().all()
    step = 1e-3 * y.grad / y.grad.abs().max()
    assert metric((y + step).detach(), x) > before


@every
def test_the_floor_is_said(name):
    metric, floor = getattr(metrics, name), FLOORS[name]
    x = torch.rand(1, 1, floor, floor + 1, generator=seed(0))
    assert metric(x, x).isfinite().all() or name == "psnr"
    for less in (x[..., :-1, :], x[..., : floor - 1]):
        with pytest.raises(ValueError, match=f"{floor}"):
            metric(less, less)


@pytest.mark.parametrize("name", GREY)
def test_colour_counts_as_its_grey(name):
    metric, x = getattr(metrics, name), sharp(name)
    y = blurred(x, 1.0)
    weights = torch.tensor([0.298936021293775, 0.587043074451121, 0.114020904255104], dtype=x.dtype).view(1, 3, 1, 1)
    grey = [(t * weights).sum(dim=1, keepdim=True) for t in (y, x)]
    torch.testing.assert_close(metric(y, x), metric(*grey))
    with pytest.raises(ValueError, match=r"expected 1 \(grey\) or 3 \(RGB\) channels, got 2"):
        metric(y[:, :2], x[:, :2])


@pytest.mark.parametrize("name", GREY)
def test_files_of_8_bits_have_the_grey_of_8_bits(name):
    metric, x = getattr(metrics, name), sharp(name, torch.float32)
    y = (255 * blurred(x, 1.0)).round() / 255
    expected = metric(metrics.rgb2gray(y), metrics.rgb2gray(x))
    torch.testing.assert_close(metric(y, x), expected, rtol=1e-5, atol=1e-6)
    mixed = metric(torch.cat([y, blurred(x, 1.0)]), x.expand(2, -1, -1, -1))
    torch.testing.assert_close(mixed[:1], expected, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(mixed[1:], metric(blurred(x, 1.0), x))


@pytest.mark.parametrize("name", ["ssim", "ms_ssim"])
def test_channels_are_averaged(name):
    metric, x = getattr(metrics, name), sharp(name)
    y = blurred(x, 1.0)
    alone = torch.stack([metric(y[:, [c]], x[:, [c]]) for c in range(3)]).mean(dim=0)
    torch.testing.assert_close(metric(y, x), alone)


@pytest.mark.parametrize("name", ["vif", "vif_pixel"])
def test_more_contrast_is_more_than_one(name):
    metric, x = getattr(metrics, name), 0.5 * sharp(name) + 0.25
    assert metric(0.5 + 1.5 * (x - 0.5), x) > 1


@pytest.mark.parametrize("factor", [0.1, 0.5, 1.4])
def test_ifc_does_not_know_the_scale(factor):
    x = sharp("ifc")
    y = add_noise(blurred(x, 1.0), 0.02)
    torch.testing.assert_close(metrics.ifc(factor * y, factor * x), metrics.ifc(y, x), rtol=1e-5, atol=0)


def test_ms_ssim_of_opposites_is_zero_with_a_gradient():
    x = torch.rand(1, 1, 176, 176, generator=seed(0), dtype=torch.float64)
    y = (1 - x).requires_grad_()
    value = metrics.ms_ssim(y, x)
    value.sum().backward()
    assert value == 0
    assert (y.grad == 0).all()


def test_rgb2gray_is_rounded():
    x = sharp("vif")
    grey = 255 * metrics.rgb2gray(x)
    torch.testing.assert_close(grey, grey.round(), rtol=0, atol=1e-9)
    torch.testing.assert_close(metrics.rgb2gray(255 * x, data_range=255.0), grey)
