"""Kernel estimation by each blind method: CPU seconds on one thread, for a photograph of the size of Levin's.

Run: pytest tests/benchmarks/test_blind_speed.py --benchmark-only
"""

import time

import pytest

from deblurlib import blind, images
from deblurlib.blur import Blur, add_noise, camera_shake
from deblurlib.profile import seed

GROUP = "kernel estimation, grey 255 x 255, kernel 23 x 23, noise 0.005 (CPU seconds)"


@pytest.fixture(scope="module")
def blurred():
    x = images.bundled("camera")[..., 100:377, 100:377]
    return add_noise(Blur(camera_shake(1, 23, generator=seed(0)), "valid")(x), 0.005, generator=seed(1)).clamp(0, 1)


@pytest.mark.benchmark(timer=time.process_time)
@pytest.mark.parametrize("name", blind.METHODS)
def test_estimate(name, blurred, benchmark):
    benchmark.group = GROUP
    benchmark.extra_info["parts"] = 1
    assert blurred.shape[-2:] == (255, 255)
    benchmark.pedantic(lambda: blind.estimate(blurred, 23, method=name), rounds=1, warmup_rounds=0)


@pytest.mark.parametrize("name", ["l0_gradient"])
def test_a_large_photograph(name, benchmark):
    """1280 x 720 with a kernel of 65 pixels, the whole photograph and no window."""
    x = images.bundled("camera").repeat(1, 1, 2, 3)[..., :784, :1344]
    y = Blur(camera_shake(1, 65, generator=seed(0)), "valid")(x)
    benchmark.group = "1280 x 720, kernel 65 x 65"
    benchmark.extra_info["parts"] = 1
    benchmark.pedantic(lambda: blind.estimate(y, 65, method=name), rounds=1, warmup_rounds=0)
