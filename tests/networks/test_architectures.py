"""The generators of the papers: their sizes, their start, any size in and out, tiles, and names."""

import dataclasses

import pytest
import torch
from torch import nn

from deblurlib.networks import (
    GENERATORS,
    ResidualUNet,
    ResNetGenerator,
    UNet256Generator,
    UNetGenerator,
    build_generator,
    tiled,
)
from deblurlib.profile import seed
from deblurlib.training import TrainingConfig

papers = pytest.mark.parametrize("kind", [UNet256Generator, ResNetGenerator])
ways = pytest.mark.parametrize("residual", [False, True])


def small(kind, **settings):
    """A small one of a kind, with weights of its own but far from zero."""
    net = kind(4, **({"levels": 3} if kind is UNet256Generator else {"blocks": 2}), **settings)
    with torch.no_grad():
        for p in net.parameters():
            spread = (1 / p[0].numel()) ** 0.5 if p.ndim > 1 else 0.1
            p.copy_(spread * torch.randn(p.shape, generator=seed(p.numel())))
    return net


def draw(*shape, dtype=torch.float32):
    return torch.rand(shape, generator=seed(0), dtype=dtype)


def count(kind, **settings):
    with torch.device("meta"):
        return sum(p.numel() for p in kind(**settings).parameters())


def test_parameters_of_the_papers():
    """54.41 million for pix2pix at width 64, 11.38 million for nine ResBlocks: the released networks' own sizes."""
    assert count(UNet256Generator) == 54_409_603
    assert count(ResNetGenerator) == 11_378_179
    assert count(ResNetGenerator, blocks=6) == 11_378_179 - 3 * 2 * (256 * 256 * 9 + 256)


def test_the_layers_of_the_unet():
    """C64-C128-C256-C512-C512-C512-C512-C512, and back with twice the channels where a skip comes in."""
    with torch.device("meta"):
        net = UNet256Generator()
    assert [m.out_channels for m in net.down] == [64, 128, 256, 512, 512, 512, 512, 512]
    assert [m.in_channels for m in reversed(net.up)] == [512, 1024, 1024, 1024, 1024, 512, 256, 128]


def test_the_innermost_level_is_not_normalised():
    """At 256 pixels it is a single pixel, of which no variance can be had."""
    net, sizes = UNet256Generator(1), []
    for layer in net.down:
        layer.register_forward_hook(lambda layer, given, made: sizes.append(tuple(made.shape[-2:])))
    assert net(draw(1, 3, 256, 256)).isfinite().all()
    assert sizes[-2:] == [(2, 2), (1, 1)]


@papers
def test_they_start_as_their_sources_do(kind):
    net = kind(16)
    weights = torch.cat([p.flatten() for p in net.parameters() if p.ndim > 1])
    assert weights.std().item() == pytest.approx(0.02, rel=0.02)
    assert all((p == 0).all() for p in net.parameters() if p.ndim == 1)


@papers
def test_without_normalisation_the_signal_lasts(kind):
    """From N(0, 0.02^2) it would die out; after He et al. the last features are about as large as the first."""
    net = kind(8, normalize=False)
    seen = []
    last = net.up[0] if kind is UNet256Generator else net.last
    last.register_forward_pre_hook(lambda layer, given: seen.append(given[0]))
    net(draw(2, 3, 64, 64))
    assert 0.1 < seen[0].std() < 10
    weak = kind(8, normalize=False)
    for p in weak.parameters():
        nn.init.normal_(p, std=0.02)
    last = weak.up[0] if kind is UNet256Generator else weak.last
    last.register_forward_pre_hook(lambda layer, given: seen.append(given[0]))
    weak(draw(2, 3, 64, 64))
    assert seen[1][:, -1].std() < 0.1


@papers
@ways
@pytest.mark.parametrize("normalize", [False, True])
@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 8), (16, 16), (17, 31), (33, 40)], ids=str)
def test_any_size_in_the_same_size_out(kind, normalize, residual, size):
    x = draw(2, 3, *size)
    y = small(kind, normalize=normalize, residual=residual)(x)
    assert y.shape == x.shape
    assert y.isfinite().all()
    assert not torch.equal(y, x)


@papers
def test_a_residual_output_starts_from_the_identity(kind):
    x = draw(2, 3, 19, 22)
    assert torch.equal(kind(4, residual=True)(x), x)
    assert (kind(4)(x) - x).abs().mean() > 0.1  # made anew, the first output is grey


@papers
def test_an_image_made_anew_is_in_range(kind):
    y = small(kind)(5 * draw(2, 3, 16, 16) - 2)
    assert 0 <= y.min() <= y.max() <= 1


@papers
def test_every_weight_takes_part(kind):
    net = small(kind, normalize=False, residual=True)
    net(draw(1, 3, 32, 32)).square().sum().backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in net.parameters())


@papers
@pytest.mark.parametrize("normalize", [False, True])
def test_a_batch_is_a_loop(kind, normalize):
    net, x = small(kind, normalize=normalize).double(), draw(3, 3, 20, 25, dtype=torch.float64)
    loop = torch.cat([net(x[i : i + 1]) for i in range(3)])
    torch.testing.assert_close(net(x), loop, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    "make",
    [
        lambda: UNet256Generator(2, levels=2, normalize=False),
        lambda: UNet256Generator(2, levels=4, normalize=False),
        lambda: ResNetGenerator(2, blocks=1, normalize=False),
        lambda: ResNetGenerator(2, blocks=4, normalize=False),
    ],
)
def test_without_normalisation_it_sees_no_further_than_it_says(make):
    net = make().double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(0.5 * torch.randn(p.shape, generator=seed(p.numel()), dtype=torch.float64) / p[0].numel() ** 0.5)
    side = 3 * net.reach
    x = draw(1, 3, side, side, dtype=torch.float64).requires_grad_()
    furthest = 0
    for shift in (0, 1, 3, 5, 7, 10, 15):
        middle = side // 2 + shift
        (gradient,) = torch.autograd.grad(net(x)[0, 0, middle, middle], x)
        seen = (gradient[0].abs().sum(0) > 0).nonzero()
        furthest = max(furthest, int((seen - middle).abs().max()))
    assert net.reach / 2 < furthest <= net.reach


@papers
@ways
@pytest.mark.parametrize("size", [(70, 150), (131, 97)], ids=str)
def test_without_normalisation_tiled_is_whole(kind, residual, size):
    net, x = small(kind, normalize=False, residual=residual), draw(1, 3, *size)
    reach = -(-net.reach // 8) * 8  # tiles start on multiples of the stride
    with torch.inference_mode():
        whole = net(x)
        torch.testing.assert_close(tiled(net, x, tile=16, overlap=reach), whole, rtol=0, atol=1e-5)
        assert (tiled(net, x, tile=16, overlap=0) - whole).abs().max() > 1e-3  # so the overlap is needed


@papers
def test_with_normalisation_tiles_are_not_the_whole(kind):
    """What holds: one tile that covers the picture is the whole; and contrast and brightness are lost in between."""
    net, x = small(kind), draw(1, 3, 96, 96) * torch.linspace(0.1, 1, 96)
    with torch.inference_mode():
        whole = net(x)
        assert torch.equal(tiled(net, x, tile=96, overlap=net.reach), whole)
        assert (tiled(net, x, tile=16, overlap=16) - whole).abs().mean() > 0.01
    assert not net.local
    assert small(kind, normalize=False).local
    assert UNetGenerator().local


@pytest.mark.parametrize("name", GENERATORS)
def test_a_picture_without_a_batch_is_refused(name):
    with pytest.raises(ValueError, match=r"expected shape \(B, C, H, W\), got \(3, 40, 40\)"):
        build_generator(name, width=4, blocks=1, normalize=False)(torch.rand(3, 40, 40))


def test_by_name():
    assert set(GENERATORS) == {"unet", "residual_unet", "unet256", "resnet"}
    assert build_generator("residual_unet", width=8, levels=1, blocks=2).settings == ResidualUNet(8, 1, 2).settings
    assert build_generator("unet", width=8, levels=3).settings == UNetGenerator(8, 3).settings
    net = build_generator("unet256", width=8, levels=3, normalize=True, residual=False)
    assert net.settings == UNet256Generator(8, 3).settings
    net = build_generator("resnet", width=8, blocks=2, residual=True)
    assert net.settings == ResNetGenerator(8, 2, normalize=False, residual=True).settings
    with pytest.raises(ValueError, match="unknown 'vgg', expected one of unet, residual_unet, unet256, resnet"):
        build_generator("vgg")


@pytest.mark.parametrize("name", ["unet", "residual_unet"])
@pytest.mark.parametrize("settings", [{"normalize": True}, {"residual": False}])
def test_the_books_own_is_what_it_is(settings, name):
    with pytest.raises(ValueError, match=f"generator: '{name}' has no normalisation and corrects its input"):
        build_generator(name, **settings)


def test_a_configuration_names_its_generator():
    assert TrainingConfig().generator == "unet"
    chosen = TrainingConfig(generator="resnet", blocks=3, generator_norm=True, residual=False)
    assert dataclasses.replace(chosen, blocks=2).generator == "resnet"
    with pytest.raises(ValueError, match="generator: unknown 'unet-256'"):
        TrainingConfig(generator="unet-256")
    with pytest.raises(ValueError, match="generator: 'unet' has no normalisation"):
        TrainingConfig(generator_norm=True)
    with pytest.raises(ValueError, match="blocks: expected an integer of at least 1"):
        TrainingConfig(blocks=0)
    with pytest.raises(TypeError, match="residual: expected a bool, got 'yes'"):
        TrainingConfig(residual="yes")


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        (UNet256Generator, {"width": 0}),
        (UNet256Generator, {"levels": 1}),
        (ResNetGenerator, {"blocks": 0}),
        (ResNetGenerator, {"channels": -1}),
    ],
)
def test_impossible_sizes_are_refused(kind, settings):
    with pytest.raises(ValueError, match=f"{kind.__name__}: expected positive width"):
        kind(**settings)


@papers
def test_cuda_is_cpu_up_to_rounding(kind, cuda):
    net, x = small(kind), draw(2, 3, 45, 61)
    expected = net(x)
    torch.testing.assert_close(net.to(cuda)(x.to(cuda)).cpu(), expected, rtol=0, atol=1e-2)  # products of ten bits
