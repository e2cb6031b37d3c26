"""How long each metric takes for a batch of 16 RGB images of 256x256, beside its peers, and the whole table of them.

Targets, as ratios on one thread: piq and torchmetrics take 2 times as long for SSIM or more, kornia no less than ours;
pyiqa takes 3 times as long for VIF (in wavelets) or more. On a GPU the table of all does 200 images a second.
A peer that is not installed is skipped, and says so; `pip install piq torchmetrics kornia pyiqa` brings them.
"""

from collections.abc import Callable
from functools import partial

import pytest
import torch

from deblurlib import metrics
from deblurlib.profile import seed

BATCH = "16 x 3 x 256 x 256"
NAMES = ("psnr", "ssim", "ms_ssim", "ifc", "vif", "vif_pixel", "niqe")


def pair(device="cpu"):
    x = torch.rand(16, 3, 256, 256, generator=seed(0))
    y = (x + 0.05 * torch.randn(x.shape, generator=seed(1))).clamp(0, 1)
    return y.to(device), x.to(device)


@pytest.mark.parametrize("name", NAMES)
def test_every_metric(name, benchmark):
    benchmark.group = f"Metrics, {BATCH}"
    y, x = pair()
    metric = getattr(metrics, name)
    call = (lambda: metric(y)) if name == "niqe" else (lambda: metric(y, x))
    benchmark.pedantic(call, rounds=5, warmup_rounds=1)


def absent(package: str) -> str:
    return f"{package} is not installed here"


def ssim_of(name: str) -> Callable:
    """SSIM of a pair by `name`, in an 11x11 Gaussian window at full size."""
    if name == "piq":
        return pytest.importorskip("piq", reason=absent(name)).ssim  # at this size it does not halve
    if name == "torchmetrics":
        image = pytest.importorskip("torchmetrics.functional.image", reason=absent(name))
        return partial(image.structural_similarity_index_measure, data_range=1.0, reduction="none")
    if name == "kornia":
        kornia = pytest.importorskip("kornia.metrics", reason=absent(name))
        return lambda y, x: kornia.ssim(y, x, 11).mean(dim=(1, 2, 3))
    return metrics.ssim


@pytest.mark.parametrize("name", ["deblurlib", "piq", "torchmetrics", "kornia"])
def test_ssim_and_its_peers(name, benchmark):
    benchmark.group = f"SSIM, {BATCH}"
    y, x = pair()
    call = ssim_of(name)
    with torch.no_grad():
        torch.testing.assert_close(call(y, x).mean(), metrics.ssim(y, x).mean(), rtol=0, atol=0.01)  # of one meaning
        benchmark.pedantic(call, (y, x), rounds=9, warmup_rounds=1)


@pytest.mark.parametrize("name", ["deblurlib", "pyiqa"])
def test_vif_and_its_peer(name, benchmark):
    """pyiqa's `vif` is the one in wavelets."""
    benchmark.group = f"VIF in wavelets, {BATCH}"
    y, x = pair()
    call = metrics.vif
    if name == "pyiqa":
        call = pytest.importorskip("pyiqa", reason=absent(name)).create_metric("vif", device="cpu")
    with torch.no_grad():
        torch.testing.assert_close(call(y, x).flatten(), metrics.vif(y, x), rtol=0, atol=1e-3)
        benchmark.pedantic(call, (y, x), rounds=7, warmup_rounds=1)


@pytest.mark.parametrize("name", ["score, all seven"])
def test_the_table_on_cuda(name, cuda, benchmark):
    benchmark.group = f"All metrics on a GPU, {BATCH}"
    images = pair(cuda)

    def call():
        metrics.score(*images)
        torch.cuda.synchronize()

    benchmark.pedantic(call, rounds=5, warmup_rounds=1)
