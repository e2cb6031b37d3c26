"""How long each metric takes for a batch of 16 RGB images of 256x256, and the whole table of them."""

import pytest
import torch

from deblurlib import metrics
from deblurlib.profile import seed

NAMES = ("psnr", "ssim", "ms_ssim", "ifc", "vif", "vif_pixel", "niqe")


def pair(device="cpu"):
    x = torch.rand(16, 3, 256, 256, generator=seed(0))
    y = (x + 0.05 * torch.randn(x.shape, generator=seed(1))).clamp(0, 1)
    return y.to(device), x.to(device)


@pytest.mark.parametrize("name", NAMES)
def test_every_metric(name, benchmark):
    benchmark.group = "Metrics, 16 x 3 x 256 x 256"
    y, x = pair()
    metric = getattr(metrics, name)
    call = (lambda: metric(y)) if name == "niqe" else (lambda: metric(y, x))
    benchmark.pedantic(call, rounds=5, warmup_rounds=1)


def test_the_table_on_cuda(cuda, benchmark):
    benchmark.group = "All metrics on a GPU, 16 x 3 x 256 x 256"
    images = pair(cuda)

    def call():
        metrics.score(*images)
        torch.cuda.synchronize()

    benchmark.pedantic(call, rounds=5, warmup_rounds=1)
