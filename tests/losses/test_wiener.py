"""What a wrong kernel costs."""

import pytest
import torch

from deblurlib.blur import camera_shake, delta, gaussian
from deblurlib.losses import wiener_error
from deblurlib.losses.wiener import GRAIN
from deblurlib.profile import seed


def test_no_kernel_deconvolves_better_than_the_true_one():
    true = camera_shake(4, 19, length=(4.0, 15.0), generator=seed(3))
    best = wiener_error(true, true)
    for believed in (gaussian(19, 1.0).expand_as(true), true.roll(1, dims=0), true.roll(1, dims=-1)):
        assert (wiener_error(believed, true) > best + 0.1).all()


def test_it_is_the_error_of_the_filter(precise=torch.float64):
    """Against the filter itself, run on a thousand Gaussian pictures of the stated power."""
    true, believed = (x.to(precise) for x in camera_shake(2, 19, length=(4.0, 15.0), generator=seed(4)).split(1))
    side = 64
    f = torch.fft.fftfreq(side, dtype=precise)
    power = 2e-4 / (f[:, None] ** 2 + f[None] ** 2 + 0.01**2)
    noise = torch.randn(2, 1000, side, side, generator=seed(5), dtype=precise)
    spectrum = torch.fft.fft2(noise[0]) * power.sqrt()

    def transfer(kernel):
        room = side - kernel.shape[-1]
        padded = torch.nn.functional.pad(kernel, (0, room, 0, room)).roll((-9, -9), dims=(-2, -1))
        return torch.fft.fft2(padded)[0, 0]

    k, b = transfer(true), transfer(believed)
    seen = k * spectrum + GRAIN * torch.fft.fft2(noise[1])
    filtered = b.conj() / (b.abs() ** 2 + GRAIN**2 / power) * seen
    error = torch.fft.ifft2(filtered - spectrum).abs().square().mean()
    assert float(wiener_error(believed, true)) == pytest.approx(float(10 * error.log10()), abs=0.1)


def test_kernels_of_any_shape():
    """Taller than wide and the other way round: a point and a line, and the error that the turned pair has."""
    point, line = torch.zeros(2, 1, 1, 71, 5, dtype=torch.float64)
    point[..., 35, 2], line[..., 30:41, 2] = 1.0, 1 / 11
    tall = wiener_error(point, line)
    torch.testing.assert_close(wiener_error(point.mT, line.mT), tall, rtol=0, atol=1e-9)
    small, short = (k[..., 20:51, :] for k in (point, line))
    torch.testing.assert_close(wiener_error(small, short), tall, rtol=0, atol=0.2)  # on a coarser grid


def test_kernels_of_two_sizes_are_refused():
    """Their centres lie at different places, which would count as a shift."""
    with pytest.raises(ValueError, match=r"believed has shape \(1, 1, 9, 9\), true has \(1, 1, 19, 19\)"):
        wiener_error(gaussian(9, 1.0), gaussian(19, 1.0))


def test_it_can_be_learnt_from():
    true = gaussian(9, 1.5).double()
    kernel = delta(9).double().requires_grad_()
    before = wiener_error(kernel, true)
    (slope,) = torch.autograd.grad(before.sum(), kernel)
    after = wiener_error(kernel - 1e-4 * slope / slope.norm(), true)
    assert bool(after < before)
