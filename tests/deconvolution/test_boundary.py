"""The smooth extension solves Laplace's equation and wraps; deconvolution keeps its rim clean."""

import numpy as np
import pytest
import torch

from deblurlib.blur import Blur, camera_shake, delta
from deblurlib.deconvolution import edge_taper, smooth_extension, wiener
from deblurlib.metrics import psnr
from deblurlib.profile import seed


def draw(*shape):
    return torch.rand(shape, generator=seed(0), dtype=torch.float64)


def laplacian(z):
    """Of an image that wraps round."""
    return sum(z.roll(shift, dims=dim) for shift in (-1, 1) for dim in (-2, -1)) - 4 * z


@pytest.mark.parametrize(
    ("size", "margin"), [((12, 17), (6, 9)), ((9, 40), (2, 30)), ((2, 2), (2, 2)), ((3, 5), (0, 0))]
)
def test_smooth_extension(size, margin):
    x = draw(2, 3, *size)
    z = smooth_extension(x, margin)
    height, width = size
    assert z.shape[-2] >= height + margin[0]
    assert z.shape[-1] >= width + margin[1]
    torch.testing.assert_close(z[..., :height, :width], x)
    assert z.amin() > -1e-12  # harmonic functions have their extremes on the border
    assert z.amax() < 1 + 1e-12
    # Harmonic in the strip below the image (its outer columns are linear) and everywhere in the strip to the right.
    assert laplacian(z)[..., height:, 1 : width - 1].abs().max() < 1e-10 if width > 2 else True
    assert laplacian(z)[..., :, width:].abs().max() < 1e-10


def test_smooth_extension_wraps_without_a_jump():
    """A ramp: wrapped as it is, it jumps by nearly one; extended, no neighbours differ by much."""
    x = torch.linspace(0, 1, 32, dtype=torch.float64).expand(1, 1, 32, 32)
    z = smooth_extension(x, (16, 16))
    jumps = max((z - z.roll(1, dims=dim)).abs().max().item() for dim in (-2, -1))
    assert jumps < 0.1


@pytest.mark.parametrize("margin", [(-1, 3), (3, -1)])
def test_a_negative_margin_is_refused(margin):
    with pytest.raises(ValueError, match="margin"):
        smooth_extension(draw(1, 1, 8, 8), margin)


def test_edge_taper_leaves_the_middle_alone_and_meets_at_the_rim():
    x = draw(1, 1, 30, 40)
    k = torch.full((1, 1, 7, 7), 1 / 49, dtype=torch.float64)
    tapered = edge_taper(x, k)
    assert torch.equal(tapered[..., 3:-3, 3:-3], x[..., 3:-3, 3:-3])
    torch.testing.assert_close(tapered[..., 0, :], Blur(k)(x)[..., 0, :])
    assert torch.equal(edge_taper(x, delta(1, dtype=torch.float64))[..., 1:-1, 1:-1], x[..., 1:-1, 1:-1])


def scene(kernel):
    """A photograph cut out of a larger world: blurred with real pixels beyond the frame."""
    world = torch.nn.functional.interpolate(draw(1, 1, 13, 16), scale_factor=6, mode="bicubic").clamp(0, 1)
    world[..., 20:50, 30:60] = 0.95
    margin = kernel.shape[-1] // 2
    return Blur(kernel, "valid")(world), world[..., margin:-margin, margin:-margin]


def test_the_extension_keeps_the_rim_clean():
    """What the FFT's belief in repetition costs a real photograph, and that the extension pays it back."""
    k = camera_shake(1, 15, generator=seed(2)).double()
    y, x = scene(k)
    wrapped, extended = (wiener(y, k, noise=0.005, boundary=boundary) for boundary in ("wrap", "extend"))
    assert psnr(extended, x) > psnr(wrapped, x) + 2

    def rim(z):
        inside = torch.zeros_like(z, dtype=torch.bool)
        inside[..., 7:-7, 7:-7] = True
        return np.abs((z - x)[~inside].numpy()).mean()

    assert rim(extended) < 0.6 * rim(wrapped)
