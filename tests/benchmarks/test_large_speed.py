"""A colour photograph of 12 megapixels, blurred by a kernel of 65 pixels: time and peak memory.

Targets on two cores: `wiener` 6 s, `hyper_laplacian` 60 s, and never more than 4 GiB, the photograph included. In
tiles, both restore what they restore whole, to 1e-3 away from the frame.
"""

from functools import partial
from pathlib import Path

import pytest
import torch

from deblurlib import images
from deblurlib.blur import Blur, add_noise, camera_shake
from deblurlib.deconvolution import hyper_laplacian, in_tiles, wiener
from deblurlib.profile import seed

SIZE, LIMIT, CLOSE = (3000, 4000), 4.0, 1e-3
METHODS = {
    "wiener": wiener,
    "wiener, in tiles": partial(in_tiles, wiener),
    "hyper_laplacian": hyper_laplacian,
    "hyper_laplacian, in tiles": partial(in_tiles, hyper_laplacian),
}
RESET, STATUS = Path("/proc/self/clear_refs"), Path("/proc/self/status")


@pytest.fixture(scope="module")
def scene():
    """Channel by channel, so that making the photograph takes no more memory than restoring it."""
    x, k = 0.9 * images.bundled("china"), camera_shake(1, 65, generator=seed(1))
    blur, channels = Blur(k, "reflect"), []
    for c in range(3):
        sharp = torch.nn.functional.interpolate(x[:, c : c + 1], size=SIZE, mode="bicubic").clamp(0, 1)
        channels.append(add_noise(blur(sharp), 0.01, generator=seed(c)).clamp(0, 1))
    return torch.cat(channels, dim=1), k


def peak():
    """Of this process since `RESET` was written to, in GiB."""
    line = next(line for line in STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 2**20


@pytest.mark.skipif(not RESET.exists(), reason="peak memory is read from Linux's /proc")
@pytest.mark.parametrize("name", METHODS)
def test_twelve_megapixels(name, scene, benchmark):
    y, k = scene
    benchmark.group = "a colour photograph of 12 megapixels, kernel 65 x 65"
    RESET.write_text("5")
    with torch.no_grad():
        restored = benchmark.pedantic(METHODS[name], (y, k), rounds=1)
        benchmark.extra_info["memory"] = peak()
        assert benchmark.extra_info["memory"] < LIMIT
        if "tiles" in name:
            whole = METHODS[name.removesuffix(", in tiles")](y, k)
            assert (restored - whole).abs()[..., 65:-65, 65:-65].max() < CLOSE
