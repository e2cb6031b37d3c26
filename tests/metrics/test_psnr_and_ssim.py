"""PSNR and SSIM are scikit-image's numbers, with gradients and a door."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from deblurlib import images
from deblurlib.blur import Blur, add_noise, gaussian
from deblurlib.metrics import psnr, ssim
from deblurlib.profile import seed

metrics = pytest.mark.parametrize("metric", [psnr, ssim], ids=lambda f: f.__name__)


def pairs():
    """Several images, several faults: blur, noise, a shift of brightness, something else altogether."""
    astronaut = images.bundled("astronaut")[..., 100:195, 150:237].double()
    grey = astronaut.mean(dim=1, keepdim=True)
    return {
        "blurred": (Blur(gaussian(9, 2.0, dtype=torch.float64))(astronaut), astronaut),
        "noisy": (add_noise(astronaut, 0.1).clamp(0, 1), astronaut),
        "brighter": ((astronaut + 0.1).clamp(0, 1), astronaut),
        "grey": (add_noise(grey, 0.02), grey),
        "another": (astronaut.flip(-1), astronaut),
        "smallest": (astronaut[..., :11, :11].flip(-1), astronaut[..., :11, :11]),
        "flat": (torch.full_like(grey, 0.3), torch.full_like(grey, 0.7)),
    }


def skimage_ssim(x, y, data_range):
    _, full = structural_similarity(
        x,
        y,
        channel_axis=0,
        data_range=data_range,
        gaussian_weights=True,
        sigma=1.5,
        use_sample_covariance=False,
        full=True,
    )
    return full[:, 5:-5, 5:-5].mean()  # the valid region of an 11 x 11 window


@pytest.mark.parametrize("name", pairs())
@pytest.mark.parametrize("data_range", [1.0, 255.0])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-6), (torch.float32, 2e-5)], ids=str)
def test_equal_to_scikit_image(name, data_range, dtype, tolerance):
    x, y = (data_range * image for image in pairs()[name])
    expected = peak_signal_noise_ratio(y[0].numpy(), x[0].numpy(), data_range=data_range)
    assert psnr(x.to(dtype), y.to(dtype), data_range=data_range).item() == pytest.approx(expected, abs=10 * tolerance)
    expected = skimage_ssim(x[0].numpy(), y[0].numpy(), data_range)
    assert ssim(x.to(dtype), y.to(dtype), data_range=data_range).item() == pytest.approx(expected, abs=tolerance)


def test_the_number_that_six_libraries_agree_on():
    """astronaut against its blur by a Gaussian of sigma 2, as SciPy blurs it: 24.9866 dB and 0.809859."""
    x = images.bundled("astronaut")
    y = torch.from_numpy(gaussian_filter(x[0].numpy(), (0, 2, 2), mode="nearest"))[None]
    assert psnr(y, x).item() == pytest.approx(24.9866, abs=2e-4)
    assert ssim(y, x).item() == pytest.approx(0.809859, abs=2e-5)


def test_equal_images():
    x = torch.rand(2, 3, 16, 16, generator=seed(0))
    assert psnr(x, x).tolist() == [math.inf, math.inf]
    assert ssim(x, x).tolist() == pytest.approx([1, 1], abs=1e-6)


@metrics
def test_symmetry_and_order(metric):
    x = torch.rand(1, 3, 32, 32, generator=seed(0), dtype=torch.float64)
    near, far = add_noise(x, 0.02), add_noise(x, 0.1)
    torch.testing.assert_close(metric(near, x), metric(x, near))
    assert metric(near, x) > metric(far, x)


@metrics
def test_gradients(metric):
    x, y = (torch.rand(2, 1, 12, 13, generator=seed(n), dtype=torch.float64) for n in (0, 1))
    assert torch.autograd.gradcheck(metric, (x.requires_grad_(), y.requires_grad_()))


@metrics
def test_what_does_not_go_together_is_refused(metric):
    x = torch.rand(1, 3, 16, 16, generator=seed(0))
    for other, error, message in (
        (x[..., :15], ValueError, r"\(1, 3, 16, 15\)"),
        (x[:, :1], ValueError, r"\(1, 1, 16, 16\)"),
        (x.double(), ValueError, "float64"),
        (255 * x, ValueError, "reference: values run from"),
        (x.numpy(), TypeError, "reference"),
    ):
        with pytest.raises(error, match=message):
            metric(x, other)
    for data_range in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ValueError, match="data_range"):
            metric(x, x, data_range=data_range)


def test_ssim_needs_its_window():
    x = torch.rand(1, 1, 10, 30, generator=seed(0))
    with pytest.raises(ValueError, match="10x30 pixels are fewer than its window, 11"):
        ssim(x, x)


def test_psnr_is_its_formula():
    x = torch.zeros(2, 1, 4, 4)
    y = torch.stack([torch.full((1, 4, 4), 0.1), torch.full((1, 4, 4), 0.01)])
    np.testing.assert_allclose(psnr(y, x).numpy(), [20, 40], rtol=1e-5)
