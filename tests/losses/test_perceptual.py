"""The perceptual loss: the right layer, the right input, and never another network than the one that was named."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from deblurlib import images
from deblurlib.blur import Blur, gaussian
from deblurlib.losses import FeatureDistance, Perceptual, RandomFeatures, vgg_index, vgg_layers
from deblurlib.losses.vgg import BLOCKS, LAYERS
from deblurlib.losses.vgg_weights import PREPROCESS
from deblurlib.profile import seed

DATA = Path(os.environ.get("DEBLUR_DATA", Path(__file__).parents[3] / "shared" / "data"))
CAFFE = DATA / "vgg19" / "vgg19_imagenet_to_conv3_4_rgb.npz"
EARLY = "conv1_2"
"""A layer whose weights are small enough to write to a file in a test."""


def noise(number, *shape):
    return torch.rand(*(shape or (2, 3, 16, 16)), generator=seed(number))


def state(layer=EARLY, spread=0.2):
    """Random weights by torchvision's names."""
    layers, generator = vgg_layers(layer), seed(5)
    return {f"features.{k}": spread * torch.randn(t.shape, generator=generator) for k, t in layers.state_dict().items()}


def by_hand(weights, x, shift, scale):
    """The features of conv1_2, layer for layer."""
    x = (x - torch.tensor(shift).view(1, 3, 1, 1)) / torch.tensor(scale).view(1, 3, 1, 1)
    x = nn.functional.conv2d(x, weights["features.0.weight"], weights["features.0.bias"], padding=1).clamp(min=0)
    return nn.functional.conv2d(x, weights["features.2.weight"], weights["features.2.bias"], padding=1)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "vgg.safetensors"
    save_file(state(), path, {"preprocess": "torchvision"})
    return path


def test_names_and_indices():
    """Walk along the layers, count the convolutions of each block, and meet every name at its index."""
    layers, seen, block, number = vgg_layers("conv5_4"), {}, 1, 0
    for index, layer in enumerate(layers):
        if isinstance(layer, nn.MaxPool2d):
            block, number = block + 1, 0
        elif isinstance(layer, nn.Conv2d):
            number += 1
            seen[f"conv{block}_{number}"] = index
    assert seen == {layer: vgg_index(layer) for layer in LAYERS}
    assert len(LAYERS) == sum(BLOCKS) == 16
    assert {"conv1_2": 2, "conv2_2": 7, "conv3_3": 14, "conv5_4": 34}.items() <= seen.items()


def test_the_layers_are_torchvisions():
    models = pytest.importorskip("torchvision.models", reason="torchvision is not installed")
    with torch.device("meta"):
        theirs = models.vgg19(weights=None).features
    for mine, other in zip(vgg_layers("conv5_4"), theirs, strict=False):
        assert type(mine) is type(other)
        if isinstance(mine, nn.Conv2d):
            assert (mine.weight.shape, mine.padding, mine.stride) == (other.weight.shape, other.padding, other.stride)
        if isinstance(mine, nn.MaxPool2d):
            assert (mine.kernel_size, mine.stride) == (other.kernel_size, other.stride)


@pytest.mark.parametrize(("layer", "channels", "part"), [("conv1_1", 64, 1), ("conv2_2", 128, 2), ("conv3_3", 256, 4)])
def test_shape_at_the_layer(layer, channels, part):
    layers = vgg_layers(layer)
    assert isinstance(layers[-1], nn.Conv2d)
    assert isinstance(vgg_layers(layer, before_relu=False)[-1], nn.ReLU)
    assert layers(torch.zeros(1, 3, 16, 32)).shape == (1, channels, 16 // part, 32 // part)


def test_value_by_hand(file):
    x, y = noise(0), noise(1)
    weights = state()
    maps = [by_hand(weights, z, *PREPROCESS["torchvision"]) for z in (x, y)]
    squares = (maps[0] - maps[1]).square().mean()
    torch.testing.assert_close(Perceptual(weights=file, layer=EARLY, normalize=False)(x, y), squares)
    torch.testing.assert_close(Perceptual(weights=file, layer=EARLY)(x, y), squares / maps[1].var())
    after = (maps[0].clamp(min=0) - maps[1].clamp(min=0)).square().mean()
    torch.testing.assert_close(Perceptual(weights=file, layer=EARLY, before_relu=False, normalize=False)(x, y), after)


@pytest.mark.parametrize(
    ("kind", "mean", "spread"),
    [
        ("torchvision", (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)),
        ("caffe", (123.68 / 255, 116.779 / 255, 103.939 / 255), (1 / 255,) * 3),
        ("signed", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    ],
)
def test_the_input_is_normalised_inside(kind, mean, spread, tmp_path):
    """An image of the mean colour reaches the network as zero, one a spread brighter as one."""
    path = tmp_path / "vgg.npz"
    np.savez(path, **{name: t.numpy() for name, t in state().items()})
    distance = Perceptual(weights=path, layer=EARLY, preprocess=kind)
    seen = []
    distance.features.register_forward_pre_hook(lambda layers, given: seen.append(given[0]))
    colour, step = (torch.tensor(v).view(1, 3, 1, 1).expand(1, 3, 8, 8) for v in (mean, spread))
    distance(colour, colour + step)
    reference, restored = seen
    torch.testing.assert_close(restored, torch.zeros(1, 3, 8, 8), atol=1e-4, rtol=0)
    torch.testing.assert_close(reference, torch.ones(1, 3, 8, 8), atol=1e-4, rtol=1e-5)


def test_grey_is_three_equal_channels():
    distance, x, y = RandomFeatures(), noise(0, 2, 1, 16, 16), noise(1, 2, 1, 16, 16)
    assert distance(x, y) == distance(x.expand(-1, 3, -1, -1), y.expand(-1, 3, -1, -1))


@pytest.mark.parametrize("suffix", ["safetensors", "npz", "pth"])
@pytest.mark.parametrize("names", ["torchvision", "papers"])
def test_every_format_gives_the_same_loss(suffix, names, tmp_path, file):
    weights = state()
    if names == "papers":
        weights = {
            f"conv1_{j}_{kind}": weights[f"features.{i}.{kind}"]
            for j, i in ((1, 0), (2, 2))
            for kind in ("weight", "bias")
        }
    path = tmp_path / f"other.{suffix}"
    if suffix == "safetensors":
        save_file(weights, path)
    elif suffix == "npz":
        np.savez(path, **{name: t.numpy() for name, t in weights.items()})
    else:
        torch.save(weights, path)
    x, y = noise(0), noise(1)
    mine = Perceptual(weights=path, layer=EARLY, preprocess="torchvision")(x, y)
    assert mine == Perceptual(weights=file, layer=EARLY)(x, y)


def test_gradient():
    layers = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.Tanh()).double()
    distance = FeatureDistance(layers, (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)).double()
    x, y = (noise(n, 2, 3, 5, 5).double() for n in (0, 1))
    assert torch.autograd.gradcheck(lambda restored: distance(restored, y), (x.requires_grad_(),))


def test_the_features_are_frozen(file):
    distance = Perceptual(weights=file, layer=EARLY)
    before = {name: t.clone() for name, t in distance.state_dict().items()}
    x = noise(0).requires_grad_()
    distance(x, noise(1)).backward()
    assert x.grad.abs().sum() > 0
    assert not any(p.requires_grad or p.grad is not None for p in distance.parameters())
    assert all(torch.equal(t, before[name]) for name, t in distance.state_dict().items())


@pytest.fixture
def nothing_here(tmp_path, monkeypatch):
    """A machine without torchvision's weights."""
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))


@pytest.mark.parametrize("layer", ["conv1_2", "conv3_3", "conv4_1"])
def test_random_features_by_that_name(layer):
    distance = Perceptual(layer, "random")
    assert distance.source == "random features"
    assert "random features, " + layer in repr(distance)
    assert distance(noise(0), noise(1)) == RandomFeatures(layer=layer)(noise(0), noise(1)) > 0


@pytest.mark.usefixtures("nothing_here")
def test_where_there_are_no_weights_the_default_is_random_features_and_says_so():
    with pytest.warns(UserWarning, match=r"Perceptual compares random features, not VGG-19's.*vgg19-dcbb9e9d.pth"):
        distance = Perceptual(layer="conv3_3")
    assert distance.source == "random features"
    assert distance(noise(0), noise(1)) == RandomFeatures()(noise(0), noise(1))


@pytest.mark.usefixtures("nothing_here")
def test_missing_weights_name_the_alternatives(tmp_path):
    """What is named is taken or missed: never another network in its place."""
    for weights, named in ((tmp_path / "none.npz", "none.npz"), ("torchvision", "vgg19-dcbb9e9d.pth")):
        with pytest.raises(
            FileNotFoundError, match=rf'{named}.*weights="random".*download=True.*weights=FILE, preprocess='
        ):
            Perceptual(weights=weights)


def test_torchvisions_weights_where_they_are(tmp_path, monkeypatch):
    """A stand-in for the file that torchvision keeps, of random weights."""
    (tmp_path / "checkpoints").mkdir()
    torch.save(state(), tmp_path / "checkpoints" / "vgg19-dcbb9e9d.pth")
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    x, y = noise(0), noise(1)
    maps = [by_hand(state(), z, *PREPROCESS["torchvision"]) for z in (x, y)]
    for distance in (Perceptual(EARLY, normalize=False), Perceptual(EARLY, "torchvision", normalize=False)):
        torch.testing.assert_close(distance(x, y), (maps[0] - maps[1]).square().mean())
        assert distance.source == "VGG-19 (torchvision)"
    with pytest.raises(ValueError, match=r"preprocess: the weights in .* go with 'torchvision', got 'caffe'"):
        Perceptual(weights="torchvision", layer=EARLY, preprocess="caffe")


def test_a_download_only_when_asked_for(tmp_path, monkeypatch):
    asked = []

    def fetch(address, **options):
        asked.append((address, options))
        (tmp_path / "checkpoints").mkdir()
        torch.save(state(), tmp_path / "checkpoints" / "vgg19-dcbb9e9d.pth")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", fetch)
    Perceptual(weights="torchvision", layer=EARLY, download=True)
    ((address, options),) = asked
    assert address.endswith("vgg19-dcbb9e9d.pth")
    assert options["check_hash"]
    assert options["weights_only"]


def test_a_file_must_say_what_it_expects(tmp_path, file):
    path = tmp_path / "vgg.npz"
    np.savez(path, **{name: t.numpy() for name, t in state().items()})
    with pytest.raises(ValueError, match=r"preprocess: .*vgg.npz does not say.*torchvision, caffe, signed"):
        Perceptual(weights=path, layer=EARLY)
    with pytest.raises(ValueError, match="preprocess: unknown 'keras', expected one of torchvision, caffe, signed"):
        Perceptual(weights=path, layer=EARLY, preprocess="keras")
    with pytest.raises(ValueError, match="go with 'torchvision', got 'caffe'"):
        Perceptual(weights=file, layer=EARLY, preprocess="caffe")


class Trap:
    def __reduce__(self):
        return (os.mkdir, ("sprung",))


@pytest.mark.parametrize("suffix", ["pth", "npz"])
def test_pickled_weights_are_refused(suffix, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / f"vgg.{suffix}"
    if suffix == "pth":
        torch.save({"features.0.weight": Trap()}, path)
    else:
        np.savez(path, **{"features.0.weight": np.array([Trap()], dtype=object)})
    with pytest.raises(ValueError, match=r"does not hold plain tensors.*loading them runs code"):
        Perceptual(weights=path, layer=EARLY, preprocess="torchvision")
    assert not (tmp_path / "sprung").exists()


def test_weights_that_do_not_fit_are_refused(tmp_path, file):
    with pytest.raises(ValueError, match=r"vgg.safetensors holds no \(128, 64, 3, 3\) for conv2_1 of VGG-19"):
        Perceptual(weights=file, layer="conv3_3")
    path = tmp_path / "vgg.safetensors"
    path.write_bytes(b"not weights")
    with pytest.raises(ValueError, match="does not hold plain tensors"):
        Perceptual(weights=path, layer=EARLY)
    torch.save([1, 2], tmp_path / "list.pth")
    with pytest.raises(ValueError, match="expected tensors by name, got list"):
        Perceptual(weights=tmp_path / "list.pth", layer=EARLY, preprocess="caffe")


def test_another_layer_is_refused():
    for layer in ("conv3_5", "relu3_3", "conv6_1"):
        with pytest.raises(ValueError, match=f"layer: unknown '{layer}', expected one of conv1_1"):
            vgg_index(layer)
        with pytest.raises(ValueError, match=f"layer: unknown '{layer}'"):
            Perceptual(layer)


def test_different_shapes_are_refused():
    with pytest.raises(ValueError, match=r"restored has shape \(2, 3, 16, 16\), reference has \(1, 3, 16, 16\)"):
        Perceptual(weights="random")(noise(0), noise(1)[:1])


def test_what_is_no_image_is_refused():
    distance, x = Perceptual(weights="random"), noise(0)
    for wrong in (x[0], x[:, :2]):
        with pytest.raises(ValueError, match="expected shape"):
            distance(wrong, wrong)
    with pytest.raises(ValueError, match="3x16 pixels are too few for these features, at least 4x4"):
        distance(x[..., :3, :], x[..., :3, :])
    assert distance(x[..., :4, :4], x[..., :4, :4]) == 0
    with pytest.raises(ValueError, match="preprocess: unknown 'vgg'"):
        Perceptual(weights="random", preprocess="vgg")


@pytest.mark.skipif(not CAFFE.is_file(), reason=f"{CAFFE} is not here: set DEBLUR_DATA to the folder that holds vgg19")
def test_the_real_weights():
    """Oxford's weights, recognised: blur is a distance that grows, and the unrelated is about one away."""
    distance = Perceptual(weights=CAFFE)
    torch.testing.assert_close(distance.shift.flatten(), torch.tensor(PREPROCESS["caffe"][0]))
    assert distance.source == f"VGG-19 ({CAFFE.name})"
    with pytest.raises(ValueError, match="go with 'caffe', got 'torchvision'"):
        Perceptual(weights=CAFFE, preprocess="torchvision")
    with pytest.raises(ValueError, match=r"holds no .* for conv4_1"):
        Perceptual("conv4_1", CAFFE)
    x, other = (images.bundled(n)[..., 64:192, 160:288] for n in ("astronaut", "coffee"))
    assert distance(x, x) == 0
    blurred = [distance(Blur(gaussian(15, sigma))(x), x).item() for sigma in (0.5, 1.0, 2.0)]
    assert blurred == sorted(blurred)
    assert 0 < blurred[0] < blurred[-1] < distance(other, x).item()
    first = vgg_layers("conv1_1")[0].weight.shape
    assert distance.features[0].weight.shape == first
    edges = distance.features[0].weight.sum(dim=(1, 2, 3)).abs() / distance.features[0].weight.abs().sum(dim=(1, 2, 3))
    assert (edges < 0.2).float().mean() > 0.5  # most of the first filters are edges: they sum to nearly zero


def test_a_compiled_distance_is_the_same():
    """Zeros beside the image's channels, for the sake of tensor cores, change neither the value nor the gradient."""
    widths: list[int] = []

    def look(graph: torch.fx.GraphModule, _: list[torch.Tensor]):
        widths.extend(n.args[0].meta["example_value"].shape[1] for n in graph.graph.nodes if n.target is conv2d)
        return graph.forward

    conv2d, distance = nn.functional.conv2d, Perceptual(weights="random").double()
    torch.compiler.reset()
    compiled = torch.compile(distance, backend=look, fullgraph=True)
    found = []
    for apart in (distance, compiled):
        x = noise(0).double().requires_grad_()
        apart(x, noise(1).double()).backward()
        found.append((apart(x, noise(1).double()).detach(), x.grad))
    torch.testing.assert_close(found[1], found[0], rtol=1e-9, atol=1e-12)
    assert widths[0] == 8
    assert 3 not in widths
