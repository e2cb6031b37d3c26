"""The generator of the long run: any size, starts as the identity, sees as far as it says, and can be tiled."""

import pytest
import torch

from deblurlib.networks import ResidualUNet, tiled
from deblurlib.profile import seed


def network(width=4, levels=1, blocks=1, dtype=torch.float32):
    """A small one whose weights are far from the identity."""
    net = ResidualUNet(width, levels, blocks)
    with torch.no_grad():
        for p in net.parameters():
            spread = (1 / p[0].numel()) ** 0.5 if p.ndim > 1 else 0.1
            p.copy_(spread * torch.randn(p.shape, generator=seed(p.numel())))
    return net.to(dtype).eval()


def draw(*shape, dtype=torch.float32):
    return torch.rand(shape, generator=seed(0), dtype=dtype)


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 8), (16, 16), (33, 40)], ids=str)
def test_any_size_in_the_same_size_out(size, levels):
    x = draw(2, 3, *size)
    y = network(levels=levels)(x)
    assert y.shape == x.shape
    assert y.isfinite().all()
    assert not torch.equal(y, x)


def test_training_starts_from_the_identity():
    x = draw(2, 3, 19, 22)
    assert torch.equal(ResidualUNet(8, 2, 2)(x), x)


def test_every_weight_takes_part():
    net = network(levels=2, blocks=2)
    net(draw(1, 3, 32, 32)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


def test_a_batch_is_a_loop():
    net, x = network(dtype=torch.float64), draw(3, 3, 20, 25, dtype=torch.float64)
    loop = torch.cat([net(x[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(net(x), loop, rtol=0, atol=1e-10)


@pytest.mark.parametrize(("levels", "blocks"), [(1, 1), (1, 2), (2, 1)])
def test_it_sees_no_further_than_it_says(levels, blocks):
    net = network(width=2, levels=levels, blocks=blocks, dtype=torch.float64)
    side = 3 * net.reach
    x = draw(1, 3, side, side, dtype=torch.float64).requires_grad_()
    furthest = 0
    for shift in range(net.stride):  # pixels of a cell see differently far
        middle = side // 2 + shift
        (gradient,) = torch.autograd.grad(net(x)[0, 0, middle, middle], x)
        seen = (gradient[0].abs().sum(0) > 0).nonzero()
        furthest = max(furthest, int((seen - middle).abs().max()))
    assert net.reach / 2 < furthest <= net.reach


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("size", [(70, 150), (131, 97)], ids=str)
def test_tiled_is_whole(size, levels):
    net, x = network(levels=levels), draw(1, 3, *size)
    with torch.inference_mode():
        whole = net(x)
        torch.testing.assert_close(tiled(net, x, tile=16, overlap=net.reach), whole, rtol=0, atol=1e-5)
        assert (tiled(net, x, tile=16, overlap=0) - whole).abs().max() > 1e-3  # so the overlap is needed


@pytest.mark.parametrize("settings", [{"width": 0}, {"levels": 0}, {"blocks": 0}, {"channels": -1}])
def test_impossible_sizes_are_refused(settings):
    with pytest.raises(ValueError, match="positive width, levels, blocks and channels"):
        ResidualUNet(**settings)
