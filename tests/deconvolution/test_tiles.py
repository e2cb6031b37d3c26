"""Tiles that join without a seam."""

import pytest
import torch

from deblurlib import images
from deblurlib.blur import Blur, add_noise, camera_shake, gaussian
from deblurlib.deconvolution import hyper_laplacian, in_tiles, l0_gradient, tikhonov, total_variation, wiener
from deblurlib.profile import seed


@pytest.fixture(scope="module")
def scene():
    k = camera_shake(1, 21, generator=seed(1))
    return add_noise(Blur(k, "valid")(images.bundled("camera")), 0.01, generator=seed(2)), k


@pytest.mark.parametrize(("tile", "overlap"), [(40, 10), (64, 0), (50, 24), (200, 50)])
def test_the_weights_add_up_to_one(tile, overlap):
    y = torch.rand(2, 1, 101, 83, generator=seed(0), dtype=torch.float64)
    joined = in_tiles(lambda part, kernel: part, y, gaussian(5, 1.0, dtype=y.dtype), tile=tile, overlap=overlap)
    torch.testing.assert_close(joined, y, rtol=0, atol=1e-12)


@pytest.mark.parametrize("method", [total_variation, tikhonov, wiener])
def test_tiled_equals_whole(method, scene):
    y, k = scene
    difference = (in_tiles(method, y, k, tile=280) - method(y, k)).abs()[..., 21:-21, 21:-21]
    assert difference.max() < 1e-3


@pytest.mark.parametrize("options", [{"prior": "flat"}, {"noise": 0.03}, {"boundary": "wrap"}])
def test_each_tile_is_told_the_signal_of_the_whole(options):
    """Its left half is flat, its right half rough: what a tile measures by itself would be far off."""
    k = gaussian(7, 1.5)
    world = torch.rand(1, 2, 160, 400, generator=seed(3))
    world[..., :200] = 0.5 + 0.05 * (world[..., :200] - 0.5)
    y = add_noise(Blur(k)(world), 0.01, generator=seed(4)).clamp(0, 1)
    whole = wiener(y, k, **options)
    difference = (in_tiles(wiener, y, k, tile=200, **options) - whole).abs()[..., 7:-7, 7:-7]
    if options.get("boundary") == "wrap":  # a tile does not repeat where the whole does
        difference = difference[..., 40:-40, 40:-40]
    assert difference.max() < 1e-3
    part = (..., slice(0, 190))
    assert (wiener(y[part], k, **options) - whole[part])[..., 7:-7, 40:-40].abs().max() > 1e-2


@pytest.mark.parametrize("method", [hyper_laplacian, l0_gradient])
def test_what_jumps_is_not_cut(method, scene):
    """Cut all the same, single pixels move by more than the 1e-3 that the tiles promise."""
    y, k = scene
    whole, inside = method(y, k), (..., slice(21, -21), slice(21, -21))
    assert torch.equal(in_tiles(method, y, k, tile=280), whole)
    cut = in_tiles(lambda part, kernel: method(part, kernel), y, k, tile=280)
    assert (cut - whole).abs()[inside].max() > 1e-3


@pytest.mark.parametrize(("method", "tile"), [(hyper_laplacian, 140), (l0_gradient, 140), (wiener, 160)])
def test_a_large_kernel_needs_no_overlap_where_nothing_is_cut(method, tile, scene):
    """Because the method is not, or the photograph need not be: two overlaps of five kernels would fill any tile."""
    y, k = scene[0][..., :160, :150], camera_shake(1, 113, length=(20.0, 40.0), generator=seed(5))
    assert torch.equal(in_tiles(method, y, k, tile=tile), method(y, k))


def test_no_tile_is_larger_than_asked(scene):
    y, k = scene
    sizes = []

    def watch(part, kernel):
        sizes.append(max(part.shape[-2:]))
        return part

    in_tiles(watch, y, k, tile=230)
    assert max(sizes) <= 230 and len(sizes) > 4


@pytest.mark.parametrize(
    "settings", [{"tile": 100, "overlap": 50}, {"tile": 10, "overlap": 2}, {"tile": 300, "overlap": -1}]
)
def test_tiles_too_small_are_refused(settings, scene):
    with pytest.raises(ValueError, match="tile"):
        in_tiles(total_variation, *scene, **settings)
