"""Anything at all is brought to the doors: what comes back keeps the contract, or one clear error does."""

import io
import math
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from deblurlib import images
from deblurlib.blur import (
    BOUNDARIES,
    Blur,
    add_noise,
    camera_shake,
    delta,
    disk,
    gaussian,
    linear_motion,
    trajectory,
    transfer_function,
)
from deblurlib.deconvolution import edge_taper, inverse_filter, richardson_lucy, smooth_extension, tikhonov, wiener
from deblurlib.profile import seed

REFUSALS = (ValueError, TypeError, FileNotFoundError)

fuzz = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,  # the same examples on every machine: a failure is the code's, and stays
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

dtypes = st.sampled_from([torch.float32, torch.float64])
strange_dtypes = st.sampled_from([torch.uint8, torch.int64, torch.bool, torch.float16, torch.bfloat16, torch.complex64])
garbage = st.sampled_from([None, "photo.png", 3, 0.5, [[0.5]], np.zeros((1, 1, 8, 8)), torch.tensor(0.5), object()])
numbers = st.sampled_from(
    [-1, -0.0, 0, 1e-300, 1e-9, 0.01, 0.3, 1, 2.5, 7, 1e30, 1e300, math.nan, math.inf, -math.inf, "1", None, 1j, True]
) | st.floats(0, 1)
counts = st.integers(-2, 12) | st.sampled_from([31, 2.0, "3", None, math.nan, np.int64(5)])


often = st.sampled_from([True, True, True, True, True, False])


@st.composite
def tensors(draw, good=often):
    """From a good image to nothing like one."""
    kind = "good" if draw(good) else draw(st.sampled_from(["values", "dtype", "shape", "garbage"]))
    if kind == "garbage":
        return draw(garbage)
    shape = (draw(st.integers(1, 3)), draw(st.integers(1, 3)), draw(st.integers(2, 13)), draw(st.integers(2, 13)))
    if kind == "shape":
        shape = tuple(draw(st.lists(st.integers(0, 9), max_size=5)))
    x = torch.rand(shape, generator=seed(draw(st.integers(0, 3))), dtype=torch.float64)
    if kind == "values":
        x = x * draw(st.sampled_from([0.0, 1e-30, -1.0, 1.5, 255.0, 1e30, math.nan, math.inf]))
        if x.numel() and draw(st.booleans()):
            x.view(-1)[0] = draw(st.sampled_from([math.nan, math.inf, -math.inf, -1e30]))
    if draw(st.booleans()):
        x = (x > 0.5) * x  # black and saturated
    return x.to(draw(strange_dtypes if kind == "dtype" else dtypes))


@st.composite
def kernels(draw, x=None):
    """From a good kernel, one that goes with the image `x`, to nothing like one."""
    if not draw(often):
        return draw(tensors() | garbage)
    batch, h, w, dtype = (
        draw(st.integers(1, 3)),
        *draw(st.tuples(*[st.sampled_from([1, 3, 5, 9, 13])] * 2)),
        draw(dtypes),
    )
    if isinstance(x, torch.Tensor) and x.ndim == 4 and draw(often):
        batch, dtype = draw(st.sampled_from([1, max(1, len(x))])), x.dtype if x.dtype.is_floating_point else dtype
        h, w = (
            min(side, room - 1 + room % 2) if room else side for side, room in zip((h, w), x.shape[-2:], strict=True)
        )
    k = torch.rand(batch, 1, h, w, generator=seed(h), dtype=torch.float64)
    k = torch.ones_like(k) if draw(st.booleans()) else k
    return (k / k.sum(dim=(-2, -1), keepdim=True) if draw(often) else k).to(dtype)


@st.composite
def images_with_kernels(draw):
    x = draw(tensors())
    return x, draw(kernels(x))


def visit(call, like=None, shape=None, refusals=REFUSALS):
    """Go through a door; hand back what came out if it was no refusal."""
    try:
        y = call()
    except refusals as error:
        message = str(error)
        assert message, "an error without a word"
        assert len(message) < 600
        return None
    assert isinstance(y, torch.Tensor)
    assert y.isfinite().all()
    if like is not None:
        assert y.dtype == like.dtype
        assert y.shape == (like.shape if shape is None else shape)
    return y


@fuzz
@given(both=images_with_kernels(), boundary=st.sampled_from([*BOUNDARIES, "mirror"]))
def test_blur(both, boundary):
    x, k = both
    inside = boundary != "valid"
    h, w = (side - 1 for side in k.shape[-2:]) if isinstance(k, torch.Tensor) and k.ndim == 4 else (0, 0)
    smaller, larger = (
        torch.Size((*x.shape[:-2], x.shape[-2] + sign * h, x.shape[-1] + sign * w))
        if isinstance(x, torch.Tensor) and x.ndim == 4
        else None
        for sign in (-1, 1)
    )
    visit(lambda: Blur(k, boundary)(x), x, None if inside else smaller)
    visit(lambda: Blur(k, boundary).adjoint(x), x, None if inside else larger)
    visit(lambda: edge_taper(x, k), x)
    visit(lambda: add_noise(x, 0.1), x)


@fuzz
@given(x=tensors(), sigma=numbers, generator=st.sampled_from([None, 3, "seed"]))
def test_add_noise(x, sigma, generator):
    visit(lambda: add_noise(x, sigma, generator=generator), x)


@fuzz
@given(size=counts, number=numbers, other=numbers)
def test_kernel_families(size, number, other):
    if number in (1e30, 1e300):
        number = 1e3 if other == 1 else 9.5  # a disk of that radius would be right, and fill the memory
    for call in (
        lambda: delta(size),
        lambda: gaussian(size, number),
        lambda: disk(min(number, 40.0)),
        lambda: linear_motion(min(number, 40.0), other),
    ):
        k = visit(call)
        if k is not None:
            assert abs(k.double().sum() - 1) < 1e-5
            assert k.min() >= 0


@fuzz
@given(batch=counts, size=counts, length=numbers | st.tuples(numbers, numbers), exposure=numbers, steps=counts)
def test_camera_shake(batch, size, length, exposure, steps):
    k = visit(lambda: camera_shake(batch, size, length=length, exposure=exposure, steps=steps))
    if k is not None:
        assert (k.sum(dim=(1, 2, 3)) - 1).abs().max() < 1e-5
    visit(lambda: trajectory(batch, length=length, steps=steps))


@fuzz
@given(
    both=images_with_kernels(), boundary=st.sampled_from(["wrap", "extend", "wrap", "extend", "valid"]), data=st.data()
)
def test_deconvolution(both, boundary, data):
    x, k = both
    number, clip = data.draw(st.floats(0, 1) | numbers), data.draw(st.booleans())
    steps = data.draw(st.integers(1, 9) | counts)
    prior = data.draw(st.sampled_from(["natural", "flat", "natural", "flat", "pink"]))
    other = {"boundary": boundary, "clip": clip}
    restored = [
        visit(lambda: wiener(x, k, noise=number, prior=prior, **other), x),
        visit(lambda: tikhonov(x, k, weight=number, **other), x),
        visit(lambda: richardson_lucy(x, k, iterations=steps, damping=number, **other), x),
        visit(lambda: richardson_lucy(x, k, iterations=3, tolerance=number, **other), x),
        visit(lambda: inverse_filter(x, k, floor=number, **other), x, refusals=(*REFUSALS, FloatingPointError)),
    ]
    for y in restored:
        assert y is None or not clip or (y.min() >= 0 and y.max() <= 1)


@fuzz
@given(x=tensors(), margin=st.tuples(st.integers(-3, 9), st.integers(-3, 9)))
def test_smooth_extension(x, margin):
    y = visit(lambda: smooth_extension(x, margin))
    if y is not None:
        assert torch.equal(y[..., : x.shape[-2], : x.shape[-1]], x)


@fuzz
@given(k=kernels(), shape=st.tuples(st.integers(0, 15), st.integers(0, 15)))
def test_transfer_function(k, shape):
    transfer = visit(lambda: transfer_function(k, shape))
    if transfer is not None:
        assert transfer.shape == (len(k), 1, shape[0], shape[1] // 2 + 1)


def encodings():
    """One small file of every kind that a camera, a scanner or a web page writes."""
    grey = (np.arange(12 * 9).reshape(12, 9) * 2).astype(np.uint8)
    colour = np.stack([grey, grey[::-1], grey[:, ::-1]], axis=-1)
    files = {}
    for form, pixels, options in (
        ("PNG", grey, {}),
        ("PNG", colour, {}),
        ("PNG", grey.astype(np.uint16) * 257, {}),
        (
            "JPEG",
            colour,
            {"exif": b"Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"},
        ),
        ("WEBP", colour, {}),
        ("WEBP", colour, {"lossless": True}),
        ("GIF", grey, {}),
        ("TIFF", colour, {}),
        ("TIFF", colour, {"compression": "tiff_lzw"}),
        ("BMP", colour, {}),
        ("PPM", grey, {}),
    ):
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, form, **options)
        files[f"{form} {len(files)}"] = stream.getvalue()
    for name, pixels in (("16 bit", colour.astype(np.uint16) * 257), ("float", (colour / 255).astype(np.float32))):
        stream = io.BytesIO()
        tifffile.imwrite(stream, pixels, photometric="rgb", compression="zlib")
        files[f"TIFF {name}"] = stream.getvalue()
    return files


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", encodings())
@settings(fuzz, max_examples=40)
@given(data=st.data())
def test_load_a_damaged_file(name, data, tmp_path):
    """Cut short, or with bytes changed anywhere, most of all in the header."""
    content = bytearray(encodings()[name])
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content) - 1))]
    for _ in range(data.draw(st.integers(0, 4))):
        if content:
            place = data.draw(st.integers(0, min(len(content), 120) - 1) | st.integers(0, len(content) - 1))
            content[place] = data.draw(st.sampled_from([0, 1, 255]) | st.integers(0, 255))
    path = tmp_path / f"damaged.{name.split()[0].lower()}"
    path.write_bytes(content)
    x = visit(lambda: images.load(path))
    if x is not None:
        assert x.ndim == 4
        assert x.shape[1] in (1, 3)
        assert 0 <= x.min() <= x.max() <= 1


@fuzz
@given(path=st.text(max_size=300) | st.sampled_from(["", ".", "..", "/", "\0", "a" * 300, "x/" * 200, None, 3, b"x"]))
def test_load_a_strange_name(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert visit(lambda: images.load(path)) is None


@fuzz
@given(
    image=tensors(),
    suffix=st.sampled_from([*images.SUFFIXES, ".PNG", ".gif", "", ".png.txt"]),
    bits=st.sampled_from([8, 8, 16, 16, 12, 0, -8, "8", None, 8.5]),
)
def test_save(image, suffix, bits, tmp_path):
    path = tmp_path / f"picture{suffix}"
    try:
        images.save(path, image, bits=bits)
    except REFUSALS as error:
        assert str(error)
        assert not list(tmp_path.iterdir())
    else:
        assert [p.name for p in tmp_path.iterdir()] == [path.name]
        x = images.load(path)
        assert x.shape[-2:] == image.shape[-2:]
        path.unlink()


def test_the_strategies_reach_both_sides_of_every_door():
    """A fuzz test that only ever brings refusals would find nothing: count what gets through."""
    through = {"blurred": 0, "restored": 0, "refused": 0}

    @fuzz
    @given(both=images_with_kernels())
    def walk(both):
        x, k = both
        blurred = visit(lambda: Blur(k)(x))
        through["blurred" if blurred is not None else "refused"] += 1
        if blurred is not None and visit(lambda: wiener(x, k)) is not None:
            through["restored"] += 1

    walk()
    assert min(through.values()) > 30, through


def test_nothing_is_left_behind(tmp_path):
    """A refused image leaves no file, not even a temporary one."""
    for bad in (torch.full((1, 3, 8, 8), math.nan), torch.rand(2, 3, 8, 8), "photo"):
        with pytest.raises(REFUSALS):
            images.save(tmp_path / "x.png", bad)
    assert list(Path(tmp_path).iterdir()) == []
