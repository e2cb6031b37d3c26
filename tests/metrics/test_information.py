"""The pyramid is pyrtools', and IFC and VIF are what NumPy makes of its bands, block by block."""

import numpy as np
import pytest
import torch
from pyrtools.pyramids import SteerablePyramidSpace

from deblurlib import images, metrics
from deblurlib.blur import Blur, add_noise, linear_motion
from deblurlib.metrics.steerable_pyramid import smallest_side
from deblurlib.profile import seed

SHAPES = [(72, 72), (73, 95), (100, 81)]


def oracle(y, x):
    """IFC and VIF of grey levels (H, W), from their definition, with loops over blocks and in float64."""
    bands_y, bands_x = (
        SteerablePyramidSpace(image, height=4, order=5, edge_type="reflect1").pyr_coeffs for image in (y, x)
    )
    ifc = kept = sent = 0.0
    for level in range(4):
        for orientation in (0, 3):
            b, a = bands_y[level, orientation], bands_x[level, orientation]
            h, w = (side // 3 for side in a.shape)
            b, a = b[: 3 * h, : 3 * w], a[: 3 * h, : 3 * w]
            vectors = np.array([a[i : i + 3, j : j + 3].ravel() for i in range(3 * h - 2) for j in range(3 * w - 2)])
            covariance = np.cov(vectors.T, bias=True)
            eigenvalues, inverse = np.linalg.eigvalsh(covariance), np.linalg.inv(covariance)
            reach = (17, 9, 5, 3)[level] // 2
            wide_b, wide_a = np.pad(b, reach, mode="reflect"), np.pad(a, reach, mode="reflect")
            rim = int(np.ceil(reach / 3))
            for i in range(rim, h - rim):
                for j in range(rim, w - rim):
                    window = np.s_[3 * i + 1 : 3 * i + 2 + 2 * reach, 3 * j + 1 : 3 * j + 2 + 2 * reach]
                    p, q = wide_a[window].ravel(), wide_b[window].ravel()
                    sum_pp, sum_qq = ((t - t.mean()) @ (t - t.mean()) for t in (p, q))
                    sum_pq = (p - p.mean()) @ (q - q.mean())
                    gain = sum_pq / (sum_pp + 1e-15)
                    noise = (sum_qq - gain * sum_pq) / p.size
                    if gain < 0:
                        gain, noise = 0.0, sum_qq
                    noise = max(noise, 1e-15)
                    z = a[3 * i : 3 * i + 3, 3 * j : 3 * j + 3].ravel()
                    power = z @ inverse @ z / 9 * eigenvalues
                    ifc += np.log2(1 + gain**2 * power / (noise + 1e-10)).sum()
                    kept += np.log2(1 + gain**2 * power / (noise + 0.4)).sum()
                    sent += np.log2(1 + power / 0.4).sum()
    return ifc / x.size, kept / sent


@pytest.mark.parametrize("distortion", ["motion", "noise", "contrast", "another"])
@pytest.mark.parametrize("shape", SHAPES[1:])
def test_equal_to_an_independent_implementation(shape, distortion):
    h, w = shape
    x = images.bundled("camera")[..., 60 : 60 + h, 200 : 200 + w].double()
    y = {
        "motion": lambda: Blur(linear_motion(7.0, 30.0, dtype=torch.float64), "reflect")(x),
        "noise": lambda: add_noise(x, 0.05, generator=seed(1)),
        "contrast": lambda: 0.5 + 1.2 * (x - 0.5) + 0.01 * torch.rand(x.shape, generator=seed(2), dtype=x.dtype),
        "another": lambda: x.flip(-1),
    }[distortion]()
    ifc, vif = oracle(255 * y[0, 0].numpy(), 255 * x[0, 0].numpy())
    assert metrics.ifc(y, x).item() == pytest.approx(ifc, rel=1e-6, abs=1e-6)
    assert metrics.vif(y, x).item() == pytest.approx(vif, rel=1e-6, abs=1e-6)
    assert metrics.vif(y.float(), x.float()).item() == pytest.approx(vif, abs=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_pyramid_is_pyrtools(shape):
    x = 255 * torch.rand(2, 3, *shape, generator=seed(0), dtype=torch.float64)
    pyramid = metrics.steerable_pyramid(x)
    theirs = SteerablePyramidSpace(x[1, 2].numpy(), height=4, order=5, edge_type="reflect1").pyr_coeffs
    ours = {(level, k): pyramid.bands[level][1, 2, k] for level in range(4) for k in range(6)}
    ours |= {"residual_highpass": pyramid.highpass[1, 2], "residual_lowpass": pyramid.lowpass[1, 2]}
    assert ours.keys() == theirs.keys()
    for key, band in ours.items():
        np.testing.assert_allclose(band.numpy(), theirs[key], rtol=0, atol=1e-10)


def flat(x):
    highpass, bands, lowpass = metrics.steerable_pyramid(x, levels=2)
    return torch.cat([part.flatten() for part in (highpass, *bands, lowpass)])


def test_the_pyramid_is_linear_and_has_gradients():
    x, y = torch.rand(2, 1, 1, 18, 21, generator=seed(0), dtype=torch.float64)
    torch.testing.assert_close(flat(2 * x - y), 2 * flat(x) - flat(y))
    assert torch.autograd.gradcheck(flat, x.requires_grad_(), fast_mode=True)


def test_the_pyramid_hardly_changes_the_energy():
    """The filters make a tight frame, nearly: analysis keeps the energy of what is not cut off at the edges."""
    x = torch.zeros(1, 1, 96, 96, dtype=torch.float64)
    x[..., 36:60, 36:60] = torch.rand(24, 24, generator=seed(0), dtype=torch.float64) - 0.5
    pyramid = metrics.steerable_pyramid(x, levels=3)
    energy = sum(part.square().sum() for part in (pyramid.highpass, *pyramid.bands, pyramid.lowpass))
    assert energy.item() == pytest.approx(x.square().sum().item(), rel=0.05)


def test_what_the_pyramid_refuses():
    with pytest.raises(ValueError, match="71x90 pixels are too few, at least 72x72"):
        metrics.steerable_pyramid(torch.zeros(1, 1, 71, 90))
    with pytest.raises(ValueError, match="levels: expected at least 1, got 0"):
        metrics.steerable_pyramid(torch.zeros(1, 1, 72, 72), levels=0)
    with pytest.raises(TypeError, match="levels: expected an integer"):
        metrics.steerable_pyramid(torch.zeros(1, 1, 72, 72), levels=2.0)
    assert smallest_side(1) == 9


def test_a_shift_costs_nearly_all():
    x = images.bundled("camera")[..., 60:160, 200:300].double()
    moved = images.bundled("camera")[..., 60:160, 201:301].double()
    assert metrics.vif(moved, x) < 0.5 * metrics.vif(0.9 * x, x)


def test_the_same_on_cuda(cuda):
    x = torch.rand(2, 3, 180, 200, generator=seed(0))
    y = add_noise(x, 0.1).clamp(0, 1)
    for name in ("psnr", "ssim", "ms_ssim", "ifc", "vif", "vif_pixel"):
        metric = getattr(metrics, name)
        torch.testing.assert_close(metric(y.to(cuda), x.to(cuda)).cpu(), metric(y, x), rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(metrics.niqe(y.to(cuda)).cpu(), metrics.niqe(y), rtol=1e-4, atol=1e-4)
