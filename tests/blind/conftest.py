"""One fixed synthetic case: a photograph that ships, through a shake, with a little noise."""

import pytest
import torch
from torch import Tensor

from deblurlib import blur, images


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def kernel() -> Tensor:
    """(1, 1, 9, 9): a hook, so that its 180 degrees turn is another kernel."""
    k = torch.zeros(1, 1, 9, 9)
    k[..., 2, 2:7] = 1.0
    k[..., 2:7, 6] = 0.7
    k = k / k.sum()
    return blur_centre(k)


def blur_centre(k: Tensor) -> Tensor:
    from deblurlib.blind.kernel_cleanup import recentre

    return recentre(k)


@pytest.fixture(scope="session")
def sharp() -> Tensor:
    return images.bundled("camera")[..., 90:290, 130:330]


@pytest.fixture(scope="session")
def blurred(sharp, kernel) -> Tensor:
    y = blur.Blur(kernel, "valid")(sharp)
    return blur.add_noise(y, 0.003, generator=torch.Generator().manual_seed(0)).clamp(0, 1)
