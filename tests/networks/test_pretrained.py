"""Weights on disk, and the generator that ships."""

import json
import pickle
import struct

import pytest
import torch
from safetensors.torch import save_file

from deblurlib.files import OutputExistsError
from deblurlib.networks import (
    Deblurrer,
    PatchDiscriminator,
    ResNetGenerator,
    UNet256Generator,
    UNetGenerator,
    load_generator,
    load_weights,
    save_weights,
    shipped_names,
    tiled,
)
from deblurlib.networks.pretrained import FOLDER
from deblurlib.profile import seed


def network(width=8, levels=2):
    net = UNetGenerator(width, levels)
    with torch.no_grad():
        for p in net.parameters():
            spread = (1 / p[0].numel()) ** 0.5 if p.ndim > 1 else 0.1
            p.copy_(spread * torch.randn(p.shape, generator=seed(p.numel())))
    return net


def draw(*shape):
    return torch.rand(shape, generator=seed(0))


def test_round_trip(tmp_path):
    net = network(levels=3).to(memory_format=torch.channels_last)
    save_weights(tmp_path / "net.safetensors", net, notes={"data": "none", "architecture": "a lie"})
    again = load_weights(tmp_path / "net.safetensors")
    assert type(again) is UNetGenerator
    assert again.settings == net.settings
    assert again.notes == {"data": "none"}
    assert not again.training
    assert all(torch.equal(a, b) for a, b in zip(net.parameters(), again.parameters(), strict=True))


def test_half_precision_changes_less_than_a_grey_level(tmp_path):
    net, x = network(), draw(1, 3, 64, 64)
    save_weights(tmp_path / "full.safetensors", net)
    save_weights(tmp_path / "half.safetensors", net, half=True)
    sizes = [(tmp_path / f"{name}.safetensors").stat().st_size for name in ("full", "half")]
    assert sizes[1] < 0.6 * sizes[0]
    full, half = (load_generator(tmp_path / f"{name}.safetensors")(x) for name in ("full", "half"))
    assert not torch.equal(full, x.clamp(0, 1))
    assert 0 < (full - half).abs().max() < 1 / 255


def test_loading_leaves_the_global_source_of_random_numbers_alone(tmp_path):
    save_weights(tmp_path / "net.safetensors", network())
    state = torch.get_rng_state()
    load_weights(tmp_path / "net.safetensors")
    assert torch.equal(torch.get_rng_state(), state)


def test_an_existing_file_is_kept(tmp_path):
    path = tmp_path / "net.safetensors"
    path.write_text("precious")
    with pytest.raises(OutputExistsError):
        save_weights(path, network())
    assert path.read_text() == "precious"


def foreign(path, kind):
    net = network()
    good = {name: t.detach().contiguous() for name, t in net.state_dict().items()}
    about = {"architecture": "UNetGenerator", "settings": json.dumps(net.settings)}
    if kind == "pickled":
        torch.save(net.state_dict(), path)
    elif kind == "evil":
        path.write_bytes(pickle.dumps(print))
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "text":
        path.write_text("weights")
    elif kind == "a header too large":
        path.write_bytes(struct.pack("<Q", 2**40) + b"{}")
    elif kind == "cut":
        save_file(good, path, about)
        path.write_bytes(path.read_bytes()[:-100])
    elif kind == "without a word":
        save_file(good, path)
    elif kind == "a discriminator":
        save_weights(path, PatchDiscriminator(16, width=2))
    elif kind == "without settings":
        save_file(good, path, {"architecture": "UNetGenerator"})
    elif kind == "broken settings":
        save_file(good, path, about | {"settings": "{"})
    elif kind == "strange settings":
        save_file(good, path, about | {"settings": json.dumps({"depth": 3})})
    elif kind == "other settings":
        save_file(good, path, about | {"settings": json.dumps({"width": 9, "levels": 2})})
    elif kind == "a weight missing":
        del good["last.weight"]
        save_file(good, path, about)
    return path


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("pickled", "not a readable safetensors file.*Pickled weights are refused: loading them runs code"),
        ("evil", "Pickled weights are refused"),
        ("empty", "not a readable safetensors file"),
        ("text", "not a readable safetensors file"),
        ("a header too large", "not a readable safetensors file"),
        ("cut", "not a readable safetensors file"),
        ("without a word", "holds no generator of this library: its architecture is None"),
        ("a discriminator", "its architecture is 'PatchDiscriminator', expected one of UNetGenerator"),
        ("without settings", "does not fit"),
        ("broken settings", "does not fit"),
        ("strange settings", "does not fit"),
        ("other settings", "does not fit"),
        ("a weight missing", "does not fit.*last.weight"),
    ],
)
def test_a_foreign_file_is_refused(kind, message, tmp_path):
    path = foreign(tmp_path / "net.safetensors", kind)
    with pytest.raises(ValueError, match=f"(?s)net.safetensors.*{message}"):
        load_generator(path)


@pytest.mark.parametrize("name", ["nobody", "no/such/file.safetensors", ".", ""])
def test_neither_a_name_nor_a_file(name):
    with pytest.raises(FileNotFoundError, match="neither a weights file nor one of the shipped generators"):
        load_generator(name)
    with pytest.raises(FileNotFoundError):
        load_weights(name or "nobody")


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_deblurrer_takes_grey_and_colour(channels, dtype):
    x = draw(2, channels, 21, 33).to(dtype)
    y = Deblurrer(network())(x)
    assert y.shape == x.shape
    assert y.dtype == dtype
    assert 0 <= y.min() <= y.max() <= 1


def test_a_deblurrer_runs_tile_by_tile(monkeypatch):
    """A picture larger than a tile comes out as if it had been done whole, however deep the network sees."""
    import deblurlib.networks.pretrained as module

    sides = []

    def small(net, x, *, tile, overlap):
        sides.append(overlap)
        return tiled(net, x, tile=32, overlap=overlap)

    tiled = module.tiled
    monkeypatch.setattr(module, "tiled", small)
    net, x = network(width=2, levels=4), draw(1, 3, 290, 40)
    torch.testing.assert_close(Deblurrer(net)(x), net(x).detach().clamp(0, 1), rtol=0, atol=1e-5)
    assert sides == [net.reach]


def test_a_network_with_normalisation_gets_the_whole_picture(monkeypatch):
    """Tiles would be normalised one by one; where the picture is too large for anything else, a warning says so."""
    import deblurlib.networks.pretrained as module

    net = UNet256Generator(4, levels=3)
    net.up[0].weight.data.mul_(20)
    x = draw(1, 3, 48, 80) * torch.linspace(0.1, 1, 80)  # a dull side and a lively one
    whole = net(x).detach().clamp(0, 1)
    assert (tiled(net, x, tile=16, overlap=8) - whole).abs().max() > 1e-2
    assert torch.equal(Deblurrer(net)(x), whole)
    monkeypatch.setattr(module, "WHOLE", 1000)
    with pytest.warns(UserWarning, match=r"blurred: 48x80 pixels are cut into tiles.*seams may show"):
        Deblurrer(net)(x)


@pytest.mark.parametrize("build", [lambda: UNet256Generator(4, levels=3), lambda: ResNetGenerator(4, 2, residual=True)])
def test_every_generator_is_stored_and_read_again(build, tmp_path):
    net = build()
    save_weights(tmp_path / "net.safetensors", net)
    again, x = load_generator(tmp_path / "net.safetensors"), draw(1, 3, 30, 41)
    assert again.network.settings == net.settings
    assert torch.equal(again(x), net(x).detach().clamp(0, 1))


def test_a_deblurrer_on_cuda(cuda):
    x = draw(1, 3, 40, 40)
    deblurrer = Deblurrer(network())
    expected = deblurrer(x)
    there = deblurrer.to(cuda)(x)  # the picture may stay where it is
    assert there.device.type == "cpu"
    torch.testing.assert_close(there, expected, rtol=0, atol=1e-2)  # products of ten bits


def test_the_generator_that_ships():
    """It is there, small, in half precision, works offline on any photograph, and says what it is."""
    assert "pretrained" in shipped_names()
    path = FOLDER / "pretrained.safetensors"
    assert path.stat().st_size <= 14e6
    deblurrer = load_generator()
    assert deblurrer.network.notes
    assert ': "/' not in str(deblurrer.network.notes)  # no folder of the machine that trained it
    x = draw(1, 1, 50, 37)
    y = deblurrer(x)
    assert y.shape == x.shape
    assert not torch.equal(y, x)


@pytest.mark.parametrize("shape", [(1, 3, 2, 2), (1, 1, 7, 300), (2, 3, 33, 65)], ids=str)
def test_the_generator_that_ships_takes_any_size(shape):
    y = load_generator()(draw(*shape))
    assert y.shape == shape
    assert 0 <= y.min() <= y.max() <= 1
