"""Files to tensors and back: every format, depth and orientation; and files that are no images."""

import io
import os
import struct
import zlib

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image

from deblurlib import images
from deblurlib.files import OutputExistsError
from deblurlib.profile import seed


def picture(channels, *size, levels=None):
    """A smooth random image, rounded to a number of levels where one is given."""
    x = torch.nn.functional.interpolate(
        torch.rand(1, channels, 5, 6, generator=seed(channels)), size=size or (22, 35), mode="bicubic"
    ).clamp(0, 1)
    return (x * levels).round() / levels if levels else x


def arrow(dtype=np.uint8):
    """3 x 4 pixels, all different."""
    return (np.arange(12).reshape(3, 4) * (20 if dtype == np.uint8 else 5000)).astype(dtype)


def png(array, colour_type, *, filters=None):
    """A 16-bit PNG of any colour type, written from the standard: Pillow writes none of 16-bit colour."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, channels = array.shape
    rows = array.astype(">u2").reshape(height, -1).view(np.uint8)
    lines = []
    for i, row in enumerate(rows):
        kind = (filters or [0])[i % len(filters or [0])]
        left = np.concatenate([np.zeros(2 * channels, np.uint8), row[: -2 * channels]])
        up = rows[i - 1] if i else np.zeros_like(row)
        lines.append(bytes([kind]) + (row - {0: 0, 1: left, 2: up}[kind]).astype(np.uint8).tobytes())
    header = struct.pack(">IIBBBBB", width, height, 16, colour_type, 0, 0, 0)
    body = zlib.compress(b"".join(lines))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("channels", [1, 3], ids=["grey", "colour"])
@pytest.mark.parametrize(
    ("suffix", "bits", "tolerance"),
    [
        *((".png", 8, 0), (".tif", 8, 0), (".tiff", 16, 0), (".tif", 16, 0), (".PNG", 8, 0)),
        *((".jpg", 8, 0.04), (".jpeg", 8, 0.04), (".webp", 8, 0.04)),
    ],
)
def test_round_trip(suffix, bits, tolerance, channels, tmp_path):
    x = picture(channels, levels=2**bits - 1)
    if suffix == ".webp":  # halves the resolution of colours
        x = x.mean(dim=1, keepdim=True).expand_as(x) + torch.linspace(0, 0.1, channels).view(1, -1, 1, 1)
    path = tmp_path / f"picture{suffix}"
    images.save(path, x, bits=bits)
    y = images.load(path)
    if suffix == ".webp" and channels == 1:
        assert y.shape[1] == 3  # the format knows no grey
        x = x.expand_as(y)
    assert y.shape == x.shape
    assert y.dtype == torch.float32
    assert y.is_contiguous()
    torch.testing.assert_close(y, x, rtol=0, atol=max(tolerance, 1e-7))


def test_round_trip_of_a_deep_grey_png(tmp_path):
    x = picture(1, levels=65535)
    images.save(tmp_path / "x.png", x, bits=16)
    torch.testing.assert_close(images.load(tmp_path / "x.png"), x, rtol=0, atol=1e-7)


@pytest.mark.parametrize(("size"), [(2, 2), (2, 7), (333, 3)], ids=str)
@pytest.mark.parametrize("suffix", images.SUFFIXES)
def test_any_size(size, suffix, tmp_path):
    images.save(tmp_path / f"x{suffix}", picture(3, *size))
    assert images.load(tmp_path / f"x{suffix}").shape == (1, 3, *size)


def test_values_are_clipped_and_rounded_to_the_nearest_level(tmp_path):
    x = torch.tensor([[-0.3, 0.0, 0.4 / 255, 0.6 / 255], [1.4, 1.0, 254.4 / 255, 254.6 / 255]])[None, None]
    images.save(tmp_path / "x.png", x)
    assert (images.load(tmp_path / "x.png") * 255).round().int().tolist() == [[[[0, 0, 0, 1], [255, 255, 254, 255]]]]


def test_any_tensor_of_an_image_can_be_saved(tmp_path):
    x = picture(3, levels=255)
    for i, y in enumerate(
        (x.double(), x.requires_grad_(), x.detach().to(memory_format=torch.channels_last), x.detach().flip(-1).flip(-1))
    ):
        images.save(tmp_path / f"{i}.png", y)
        torch.testing.assert_close(images.load(tmp_path / f"{i}.png"), x.detach())


# What the eight orientations of EXIF say: where the first row and the first column of the file belong.
ORIENTATIONS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, -1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, 1),
}


@pytest.mark.parametrize("orientation", ORIENTATIONS)
@pytest.mark.parametrize("colour", [False, True], ids=["grey", "colour"])
@pytest.mark.parametrize("kind", ["png", "lossless.webp", "tif", "lzw.tif", "zip.tif", "16.tif", "16.png", "jpg"])
def test_orientation(kind, colour, orientation, tmp_path):
    path = tmp_path / f"turned.{kind}"
    array = arrow(np.uint16 if kind.startswith("16") else np.uint8)
    array = np.stack([array, array[::-1], array // 2], axis=-1) if colour else array
    exif = Image.Exif()
    exif[274] = orientation
    if kind in ("16.tif", "zip.tif"):
        compression = "zlib" if kind == "zip.tif" else None
        photometric = "rgb" if colour else "minisblack"
        tag = (274, "H", 1, orientation, True)
        tifffile.imwrite(path, array, photometric=photometric, extratags=[tag], compression=compression)
    elif kind == "16.png" and colour:
        content = png(array, 2)
        data = exif.tobytes()[6:]
        chunk = struct.pack(">I", len(data)) + b"eXIf" + data + struct.pack(">I", zlib.crc32(b"eXIf" + data))
        path.write_bytes(content[:33] + chunk + content[33:])
    elif kind == "jpg":
        array = array.repeat(16, 0).repeat(16, 1)  # blocks, so that JPEG changes little
        Image.fromarray(array).save(path, exif=exif, quality=100, subsampling=0)
    else:
        options = {"lossless.webp": {"lossless": True, "exact": True}, "lzw.tif": {"compression": "tiff_lzw"}}
        Image.fromarray(array).save(path, exif=exif, **options.get(kind, {}))
    expected = ORIENTATIONS[orientation](array).astype(np.float64) / np.iinfo(array.dtype).max
    loaded = images.load(path)[0].permute(1, 2, 0).numpy()
    loaded = loaded if colour else loaded[..., :1][..., 0]
    assert loaded.shape == expected.shape
    np.testing.assert_allclose(loaded, expected, atol=0.03 if kind == "jpg" else 1e-6)


@pytest.mark.parametrize(("channels", "colour_type"), [(1, 0), (2, 4), (3, 2), (4, 6)])
@pytest.mark.parametrize("filters", [[0], [1], [2], [0, 1, 2]], ids=str)
def test_a_16_bit_png_keeps_its_16_bits(channels, colour_type, filters, tmp_path):
    array = np.random.default_rng(0).integers(0, 65536, (9, 13, channels))
    (tmp_path / "deep.png").write_bytes(png(array, colour_type, filters=filters))
    expected = array / 65535
    if channels in (2, 4):
        expected = expected[..., :-1] * expected[..., -1:] + 1 - expected[..., -1:]
    loaded = images.load(tmp_path / "deep.png")[0].permute(1, 2, 0).numpy()
    np.testing.assert_allclose(loaded, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("mode", "suffix"),
    [(mode, suffix) for mode in ("RGBA", "LA") for suffix in (".png", ".webp", ".tif")] + [("P", ".png")],
)
def test_transparent_pixels_lie_over_white(mode, suffix, tmp_path):
    file = Image.new("RGBA", (4, 2), (255, 0, 0, 255))
    file.putpixel((0, 0), (0, 0, 0, 0))
    file.putpixel((1, 0), (0, 0, 0, 128 if mode != "P" else 0))
    if mode == "P":
        palette = file.convert("RGB").quantize(4)
        background = palette.getpixel((0, 0))
        palette.save(tmp_path / f"x{suffix}", transparency=background)
        expected = [1.0, 1.0]
    else:
        options = {"lossless": True, "exact": True} if suffix == ".webp" else {}
        file.convert(mode).save(tmp_path / f"x{suffix}", **options)
        expected = [1.0, 1 - 128 / 255]
    x = images.load(tmp_path / f"x{suffix}")
    assert x.shape[1] == (1 if mode == "LA" and suffix != ".webp" else 3)
    assert x[0, 0, 0, :2].tolist() == pytest.approx(expected, abs=1e-6)
    if x.shape[1] == 3 and mode != "LA":
        assert x[0, :, 1, 3].tolist() == [1, 0, 0]


def test_a_palette_becomes_colour(tmp_path):
    Image.new("RGB", (4, 3), (10, 200, 30)).quantize(2).save(tmp_path / "x.png")
    assert (images.load(tmp_path / "x.png")[0, :, 1, 1] * 255).round().tolist() == [10, 200, 30]


@pytest.mark.parametrize("suffix", [".jpg", ".tif"])
def test_cmyk_becomes_colour(suffix, tmp_path):
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(tmp_path / f"x{suffix}")  # magenta and yellow ink: red
    red, green, blue = images.load(tmp_path / f"x{suffix}")[0, :, 8, 8].tolist()
    assert red > 0.9
    assert max(green, blue) < 0.2


def test_deep_cmyk_becomes_colour(tmp_path):
    ink = np.zeros((8, 8, 4), np.uint16)
    ink[..., 1:3] = 65535
    tifffile.imwrite(tmp_path / "x.tif", ink, photometric="separated")
    x = images.load(tmp_path / "x.tif")
    assert x.shape == (1, 3, 8, 8)
    assert x[0, :, 4, 4].tolist() == pytest.approx([1, 0, 0], abs=0.1)


def test_black_and_white(tmp_path):
    file = Image.new("1", (4, 3), 0)
    file.putpixel((1, 1), 1)
    file.save(tmp_path / "x.png")
    x = images.load(tmp_path / "x.png")
    assert x.shape == (1, 1, 3, 4)
    assert x.sum() == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_a_tiff_whose_zero_is_white(dtype, tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", arrow(dtype), photometric="miniswhite")
    expected = 1 - arrow(dtype) / np.iinfo(dtype).max
    np.testing.assert_allclose(images.load(tmp_path / "x.tif")[0, 0].numpy(), expected, atol=1e-6)


def test_planes_of_a_tiff(tmp_path):
    planes = np.stack([arrow(np.uint16), arrow(np.uint16)[::-1], arrow(np.uint16) // 2])
    tifffile.imwrite(tmp_path / "x.tif", planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_allclose(images.load(tmp_path / "x.tif")[0].numpy(), planes / 65535, atol=1e-6)


def test_floating_point_tiff(tmp_path):
    x = arrow().astype(np.float32) / 220
    tifffile.imwrite(tmp_path / "x.tif", x)
    np.testing.assert_allclose(images.load(tmp_path / "x.tif")[0, 0].numpy(), x, atol=1e-7)
    tifffile.imwrite(tmp_path / "y.tif", 220 * x)
    with pytest.raises(ValueError, match=r"y.tif: values run from 0 to 220.*divide by 255"):
        images.load(tmp_path / "y.tif")


def test_a_16_bit_pgm(tmp_path):
    (tmp_path / "x.pgm").write_bytes(b"P5 4 3 65535\n" + arrow(np.uint16).astype(">u2").tobytes())
    np.testing.assert_allclose(images.load(tmp_path / "x.pgm")[0, 0].numpy(), arrow(np.uint16) / 65535, atol=1e-6)


@pytest.mark.parametrize("suffix", [".gif", ".png", ".webp", ".tif"])
def test_of_an_animation_the_first_picture(suffix, tmp_path):
    first, second = (Image.new("RGB", (6, 5), colour) for colour in ((250, 10, 10), (10, 10, 250)))
    options = {"lossless": True} if suffix == ".webp" else {}
    first.save(tmp_path / f"x{suffix}", save_all=True, append_images=[second], **options)
    x = images.load(tmp_path / f"x{suffix}")
    assert x.shape == (1, 3, 5, 6)
    assert (x[0, :, 2, 2] * 255).round().tolist() == [250, 10, 10]


def test_of_deep_pages_the_first(tmp_path):
    tifffile.imwrite(tmp_path / "x.tif", np.stack([arrow(np.uint16), 0 * arrow(np.uint16)]), photometric="minisblack")
    assert images.load(tmp_path / "x.tif").max() > 0.8


def no_images(folder):
    """Name -> (path, what is said of it)."""
    full = io.BytesIO()
    Image.fromarray((255 * picture(3, 64, 64)[0].permute(1, 2, 0).numpy()).astype(np.uint8)).save(full, "JPEG")
    contents = {
        "empty.png": b"",
        "text.jpg": b"This is no image at all.",
        "cut.jpg": full.getvalue()[:-400],
        "cut.png": png(np.full((20, 20, 3), 999), 2)[:-30],
        "torn.png": png(np.random.default_rng(0).integers(0, 65536, (20, 20, 3)), 2).replace(b"IDAT", b"IDAT\xff", 1),
        "page.svg": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    (folder / "folder.png").mkdir()
    Image.new("L", (1, 1)).save(folder / "pixel.png")
    Image.new("L", (9, 1)).save(folder / "line.png")
    deep = np.random.default_rng(0).integers(0, 65536, (40, 50, 3)).astype(np.uint16)
    for name, pixels, options in (
        ("cut.tif", (deep // 257).astype(np.uint8), {}),
        ("cut-zip.tif", (deep // 257).astype(np.uint8), {"compression": "zlib"}),
        ("cut-deep.tif", deep, {}),
        ("cut-strips.tif", deep, {"rowsperstrip": 7, "compression": "zlib"}),
        ("cut-tiles.tif", deep, {"tile": (16, 16)}),
    ):
        tifffile.imwrite(folder / name, pixels, photometric="rgb", **options)
        (folder / name).write_bytes((folder / name).read_bytes()[:-200])
    tifffile.imwrite(folder / "cube.tif", np.zeros((5, 6, 7), np.uint16), photometric="minisblack", volumetric=True)
    tifffile.imwrite(folder / "nan.tif", np.full((5, 6), np.nan, np.float32))
    return {
        **dict.fromkeys([*contents, *(path.name for path in folder.glob("cut*.tif"))], "is not a readable image"),
        "folder.png": "is a directory",
        "pixel.png": "1x1 pixels are too few",
        "line.png": "1x9 pixels are too few",
        "cube.tif": "is not a readable image|channels",
        "nan.tif": "NaN",
    }


@pytest.mark.parametrize(
    "name",
    [
        *("empty.png", "text.jpg", "cut.jpg", "cut.png", "torn.png", "page.svg"),
        *("cut.tif", "cut-zip.tif", "cut-deep.tif", "cut-strips.tif", "cut-tiles.tif"),
        *("folder.png", "pixel.png", "line.png", "cube.tif", "nan.tif"),
    ],
)
def test_what_is_no_image_is_refused_by_name(name, tmp_path, capfd):
    """In one sentence, and without a word of the decoders on the terminal."""
    message = no_images(tmp_path)[name]
    with pytest.raises(ValueError, match=message) as caught:
        images.load(tmp_path / name)
    assert name in str(caught.value)
    if name != "cut-zip.tif":  # of which libtiff itself writes a line
        assert capfd.readouterr() == ("", "")


def test_a_file_that_is_not_there(tmp_path):
    for name in ("none.png", "n" * 300, "no/such/folder.png"):
        with pytest.raises(FileNotFoundError, match="there is no such file"):
            images.load(tmp_path / name)


def test_a_name_may_be_a_string(tmp_path):
    images.save(str(tmp_path / "x.png"), picture(1))
    assert images.load(str(tmp_path / "x.png")).shape == (1, 1, 22, 35)


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("x.bmp", {}, r"cannot write '.bmp', expected one of .png, .jpg"),
        ("x", {}, "cannot write ''"),
        ("x.jpg", {"bits": 16}, "16 bits cannot be written here"),
        ("x.webp", {"bits": 16}, "16 bits cannot be written here"),
        ("x.png", {"bits": 16}, "a TIFF or a grey PNG"),
        ("x.tif", {"bits": 12}, "12 bits"),
        ("folder.png", {}, "is a directory"),
    ],
)
def test_what_cannot_be_written_is_refused(name, settings, message, tmp_path):
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(ValueError, match=message):
        images.save(tmp_path / name, picture(3), **settings)
    assert [path.name for path in tmp_path.iterdir()] == ["folder.png"]


def test_an_image_at_a_time(tmp_path):
    with pytest.raises(ValueError, match=r"a batch of one, got 2.*images\[i : i \+ 1\]"):
        images.save(tmp_path / "x.png", picture(3).expand(2, -1, -1, -1))


def test_an_existing_file_is_kept(tmp_path):
    path = tmp_path / "x.png"
    path.write_text("precious")
    for kind in (OutputExistsError, FileExistsError, ValueError):
        with pytest.raises(kind, match="exists already"):
            images.save(path, picture(3))
    assert path.read_text() == "precious"
    images.save(path, picture(3), overwrite=True)
    assert images.load(path).shape == (1, 3, 22, 35)
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_not_there(tmp_path):
    with pytest.raises(FileNotFoundError, match="does not exist"):
        images.save(tmp_path / "none" / "x.png", picture(3))


@pytest.mark.parametrize("stage", ["PIL.Image.Image.save", "os.fsync", "os.replace"])
def test_a_crash_while_saving_loses_nothing(stage, tmp_path, monkeypatch):
    path = tmp_path / "x.png"
    images.save(path, picture(1, levels=255))

    def crash(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(stage, crash)
    with pytest.raises(OSError, match="No space left"):
        images.save(path, 1 - picture(1, levels=255), overwrite=True)
    torch.testing.assert_close(images.load(path), picture(1, levels=255))
    assert os.listdir(tmp_path) == ["x.png"]
