"""The book's own generators take any size, start as the identity, see as far as they say, and run tile by tile."""

import pytest
import torch

from deblurlib.networks import ResidualUNet, UNetGenerator, tiled
from deblurlib.networks.generators import pad_to_multiple
from deblurlib.profile import seed


def residual_unet(width, levels, channels=3):
    """With a block on either way at each level; the tests ask for more where it matters."""
    return ResidualUNet(width, levels, 1, channels)


own = pytest.mark.parametrize("kind", [UNetGenerator, residual_unet])


def network(width=4, levels=2, channels=3, dtype=torch.float32, kind=UNetGenerator):
    """A generator whose weights are far from the identity."""
    net = kind(width, levels, channels)
    with torch.no_grad():
        for p in net.parameters():
            spread = (1 / p[0].numel()) ** 0.5 if p.ndim > 1 else 0.1
            p.copy_(spread * torch.randn(p.shape, generator=seed(p.numel())))
    return net.to(dtype).eval()


def draw(*shape, dtype=torch.float32):
    return torch.rand(shape, generator=seed(0), dtype=dtype)


@own
@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (2, 3), (5, 8), (16, 16), (17, 31), (33, 40)], ids=str)
def test_any_size_in_the_same_size_out(size, levels, kind):
    x = draw(2, 3, *size)
    y = network(levels=levels, kind=kind)(x)
    assert y.shape == x.shape
    assert y.isfinite().all()
    assert not torch.equal(y, x)


@own
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_training_starts_from_the_identity(channels, kind):
    x = draw(2, channels, 19, 22)
    assert torch.equal(kind(8, 2, channels)(x), x)


@own
def test_every_weight_takes_part(kind):
    net = network(kind=kind)
    net(draw(1, 3, 32, 32)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


@own
def test_a_batch_is_a_loop(kind):
    net, x = network(dtype=torch.float64, kind=kind), draw(3, 3, 20, 25, dtype=torch.float64)
    loop = torch.cat([net(x[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(net(x), loop, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("kind", "levels"),
    [
        *((UNetGenerator, levels) for levels in (1, 2, 3)),
        *((residual_unet, levels) for levels in (1, 2)),
        (lambda width, levels, channels: ResidualUNet(width, levels, 2, channels), 1),
    ],
)
def test_it_sees_no_further_than_it_says(kind, levels):
    """Which pixels of the input change one pixel of the output: their distance is at most `reach`, and close to it."""
    net = network(width=2, levels=levels, dtype=torch.float64, kind=kind)
    side = 3 * net.reach
    x = draw(1, 3, side, side, dtype=torch.float64).requires_grad_()
    furthest = 0
    for shift in range(getattr(net, "stride", 2**levels)):  # pixels of a cell see differently far
        middle = side // 2 + shift
        (gradient,) = torch.autograd.grad(net(x)[0, 0, middle, middle], x)
        seen = (gradient[0].abs().sum(0) > 0).nonzero()
        furthest = max(furthest, int((seen - middle).abs().max()))
    assert net.reach / 2 < furthest <= net.reach


def test_reach_grows_with_depth():
    assert [UNetGenerator(1, levels).reach for levels in (1, 2, 3, 4)] == [16, 32, 64, 128]


@own
@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("size", [(70, 150), (131, 97)], ids=str)
def test_tiled_is_whole(size, levels, kind):
    """To rounding, at tiles far smaller than the picture; the overlap is what the network says that it sees."""
    net, x = network(levels=levels, kind=kind), draw(1, 3, *size)
    with torch.inference_mode():
        whole = net(x)
        parts = tiled(net, x, tile=16, overlap=net.reach)
        blind = tiled(net, x, tile=16, overlap=0)
    torch.testing.assert_close(parts, whole, rtol=0, atol=1e-5)
    assert (blind - whole).abs().max() > 1e-3  # so the overlap is needed


def test_tiles_bound_the_memory():
    sizes = []

    def watch(x):
        sizes.append(x.shape[-2:])
        return x

    x = draw(1, 1, 300, 500)
    assert torch.equal(tiled(watch, x, tile=64, overlap=16), x)
    assert max(max(size) for size in sizes) <= 64 + 2 * 16
    assert len(sizes) == 5 * 8


def test_pad_to_multiple():
    x = draw(1, 2, 5, 9)
    y = pad_to_multiple(x, 4)
    assert y.shape == (1, 2, 8, 12)
    assert torch.equal(y[..., :5, :9], x)
    assert torch.equal(y[..., 5, :9], x[..., 3, :])  # a mirror that does not repeat the rim
    assert pad_to_multiple(y, 4) is y
    narrow = pad_to_multiple(x[..., :1], 8)
    assert torch.equal(narrow[..., :5, :], x[..., :1].expand(-1, -1, -1, 8))


@pytest.mark.parametrize("settings", [{"width": 0}, {"levels": 0}, {"channels": -1}])
def test_impossible_sizes_are_refused(settings):
    with pytest.raises(ValueError, match="positive width, levels and channels"):
        UNetGenerator(**settings)


@pytest.mark.parametrize("settings", [{"width": 0}, {"levels": 0}, {"blocks": 0}, {"channels": -1}])
def test_impossible_sizes_of_the_deep_one_are_refused(settings):
    with pytest.raises(ValueError, match="positive width, levels, blocks and channels"):
        ResidualUNet(**settings)


def test_bfloat16_keeps_the_input(cuda):
    """Under autocast only the correction is rounded: the input goes through in full precision."""
    net, x = UNetGenerator().to(cuda), draw(1, 3, 32, 32).to(cuda)
    with torch.autocast("cuda", dtype=torch.bfloat16):
        assert torch.equal(net(x), x)


def test_cuda_is_cpu_up_to_rounding(cuda):
    net, x = network(width=8), draw(2, 3, 45, 61)
    expected = net(x)
    torch.testing.assert_close(net.to(cuda)(x.to(cuda)).cpu(), expected, rtol=0, atol=1e-2)  # products of ten bits
