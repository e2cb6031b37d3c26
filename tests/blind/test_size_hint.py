"""The guess at a kernel's size: room for the path, and not much more, from small shakes to large ones."""

import os
from pathlib import Path

import pytest
import torch

from deblurlib import blind, blur, images
from deblurlib.blind.coarse_to_fine import enlarge
from deblurlib.profile import seed

PHOTOS = Path(os.environ.get("DEBLUR_DATA", Path(__file__).parents[3] / "shared" / "data")) / "real_photos"


def width(kernel):
    """The side of the square about the middle that holds 95 % of the light."""
    n = kernel.shape[-1]
    reach = torch.arange(n) - n // 2
    distance = torch.maximum(reach.abs()[:, None], reach.abs())
    return next(2 * d + 1 for d in range(n // 2 + 1) if kernel[..., distance <= d].sum() >= 0.95)


@pytest.mark.parametrize("times", [1, 4, 11])
def test_the_frame_has_room_for_the_path_and_not_much_more(times):
    """Also beyond 65 pixels, where the guess once ended."""
    kernel = blur.camera_shake(1, 65, generator=seed(28))[..., 20:45, 20:45]
    kernel = kernel / kernel.sum()
    kernel = enlarge(kernel, (25 * times - 1) // 4 * 2 + 1, times) if times > 1 else kernel
    picture = images.bundled("camera")
    picture = torch.cat([picture, picture.flip(-1)], dim=-1) if times > 4 else picture
    y = blur.add_noise(blur.Blur(kernel, "valid")(picture), 0.005, generator=seed(1)).clamp(0, 1)
    hint, path = blind.kernel_size_hint(y), width(kernel)
    assert path <= hint <= 2 * path
    assert times < 11 or path > 65


@pytest.mark.parametrize(("name", "least"), [("postcard.png", 91), ("summerhouse.jpg", 55)])
def test_large_shakes_of_real_photographs(name, least):
    if not (PHOTOS / name).exists():
        pytest.skip(f"{PHOTOS} is not here: set DEBLUR_DATA to the folder that holds real_photos")
    assert least <= blind.kernel_size_hint(images.load(PHOTOS / name)) <= 1.25 * least


def test_a_small_photograph_bounds_the_guess():
    y = torch.rand(1, 3, 40, 90, generator=seed(0))
    assert blind.kernel_size_hint(y) == 13
    assert blind.kernel_size_hint(y[..., :12, :]) == 3
    assert blind.kernel_size_hint(y[..., :3, :2]) == 3
