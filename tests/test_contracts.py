"""One contract for everything that takes an image: shapes, dtypes, batches, devices, and what is refused."""

import numpy as np
import pytest
import torch

import deblurlib as db
from deblurlib import contracts
from deblurlib.blur import BOUNDARIES, Blur
from deblurlib.profile import seed


def picture(*shape, dtype=torch.float32, number=0):
    """Smooth random images in [0.1, 0.9]: neighbours resemble each other, as they do in photographs."""
    x = torch.rand(shape, generator=seed(number), dtype=torch.float64)
    for dim in (-2, -1):
        x = sum(x.roll(shift, dims=dim) for shift in range(-2, 3)) / 5
    low, high = x.amin(), x.amax()
    return (0.1 + 0.8 * (x - low) / (high - low)).to(dtype)


def spread(batch, h, w, dtype=torch.float32):
    """Kernels without symmetry, so that a flip or a shift cannot pass unseen."""
    k = torch.rand(batch, 1, h, w, generator=seed(h * w), dtype=torch.float64) ** 4
    k[..., h // 2, w // 2] += 1
    return (k / k.sum(dim=(-2, -1), keepdim=True)).to(dtype)


def restorer(x):
    """A Deblurrer with arbitrary weights, where `x` is."""
    network = db.networks.UNetGenerator(width=4, levels=2)
    with torch.no_grad():
        for p in network.parameters():
            p.copy_(0.05 * torch.randn(p.shape, generator=seed(5)))
    return db.networks.Deblurrer(network.to(getattr(x, "device", "cpu")))


OPERATIONS = {
    **{f"Blur {boundary}": lambda x, k, boundary=boundary: Blur(k, boundary)(x) for boundary in BOUNDARIES},
    **{f"adjoint {b}": lambda x, k, b=b: Blur(k, b).adjoint(x) for b in BOUNDARIES},
    "inverse_filter": lambda x, k: db.deconvolution.inverse_filter(x, k, floor=0.05),
    "inverse_filter extend": lambda x, k: db.deconvolution.inverse_filter(x, k, floor=0.05, boundary="extend"),
    **{
        f"wiener {prior} {boundary}": lambda x, k, p=prior, b=boundary: db.deconvolution.wiener(
            x, k, noise=0.02, prior=p, boundary=b
        )
        for prior in ("natural", "flat")
        for boundary in ("extend", "wrap")
    },
    "tikhonov extend": lambda x, k: db.deconvolution.tikhonov(x, k),
    "tikhonov wrap": lambda x, k: db.deconvolution.tikhonov(x, k, boundary="wrap"),
    "richardson_lucy extend": lambda x, k: db.deconvolution.richardson_lucy(x, k, iterations=5),
    "richardson_lucy wrap": lambda x, k: db.deconvolution.richardson_lucy(x, k, iterations=5, boundary="wrap"),
    "richardson_lucy damped": lambda x, k: db.deconvolution.richardson_lucy(x, k, iterations=5, damping=0.02),
    "richardson_lucy stopped": lambda x, k: db.deconvolution.richardson_lucy(x, k, iterations=99, tolerance=0.006),
    "edge_taper": lambda x, k: db.deconvolution.edge_taper(x, k),
    "Deblurrer": lambda x, k: restorer(x)(x),
    "psnr": lambda x, k: db.metrics.psnr(Blur(k)(x), x),
    "ssim": lambda x, k: db.metrics.ssim(Blur(k)(x), x),
}
METRICS = {"psnr", "ssim"}
WITHOUT_KERNEL = {"Deblurrer"}
WITH_KERNEL = [name for name in OPERATIONS if name not in METRICS | WITHOUT_KERNEL]
operations = pytest.mark.parametrize("name", OPERATIONS)


def expected_shape(name, x, k):
    if name in METRICS:
        return x.shape[:1]
    h, w = (side - 1 for side in k.shape[-2:])
    sign = {"Blur valid": -1, "adjoint valid": 1}.get(name, 0)
    return torch.Size((*x.shape[:-2], x.shape[-2] + sign * h, x.shape[-1] + sign * w))


@operations
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("shape", [(2, 1, 23, 30), (1, 3, 32, 19)], ids=str)
def test_shape_and_dtype(name, dtype, shape):
    x, k = picture(*shape, dtype=dtype), spread(1, 7, 5, dtype)
    y = OPERATIONS[name](x, k)
    assert y.shape == expected_shape(name, x, k)
    assert y.dtype == dtype
    assert y.isfinite().all()


@operations
@pytest.mark.parametrize("kernels", [1, 3], ids=["one kernel", "a kernel for each image"])
def test_a_batch_is_a_loop(name, kernels):
    """Images of very different contrast, so that a statistic taken over the whole batch would show."""
    x = picture(3, 3, 21, 26, dtype=torch.float64) * torch.tensor([1.0, 0.3, 0.05]).view(3, 1, 1, 1)
    k = spread(kernels, 5, 7, torch.float64)
    batch = OPERATIONS[name](x, k)
    loop = torch.cat([OPERATIONS[name](x[i : i + 1], k[i : i + 1] if kernels > 1 else k) for i in range(3)])
    torch.testing.assert_close(batch, loop, rtol=0, atol=1e-6 if name == "Deblurrer" else 1e-10)


@pytest.mark.parametrize("name", [name for name in WITH_KERNEL if name != "richardson_lucy stopped"])
def test_channels_do_not_mix(name):
    x, k = picture(2, 3, 21, 26, dtype=torch.float64), spread(2, 5, 7, torch.float64)
    x[:, 1] *= 0.2
    alone = torch.cat([OPERATIONS[name](x[:, c : c + 1], k) for c in range(3)], dim=1)
    torch.testing.assert_close(OPERATIONS[name](x, k), alone, rtol=0, atol=1e-10)


@operations
def test_float32_is_float64_up_to_rounding(name):
    x, k = picture(2, 3, 24, 25, dtype=torch.float64), spread(2, 5, 7, torch.float64)
    exact, single = OPERATIONS[name](x, k), OPERATIONS[name](x.float(), k.float())
    torch.testing.assert_close(single.double(), exact, rtol=1e-5, atol=2e-5)


@operations
def test_cuda_is_cpu_up_to_rounding(name, cuda):
    """In float64 to 1e-9; a network works in float32, whose products a GPU rounds to ten bits."""
    x, k = picture(2, 3, 24, 25, dtype=torch.float64), spread(2, 5, 7, torch.float64)
    there = OPERATIONS[name](x.to(cuda), k.to(cuda))
    assert there.device.type == "cuda"
    torch.testing.assert_close(there.cpu(), OPERATIONS[name](x, k), rtol=0, atol=1e-2 if name == "Deblurrer" else 1e-9)


@operations
def test_nothing_is_changed_and_nothing_is_drawn(name):
    """Inputs stay as they were, two calls agree, and the global source of random numbers is left alone."""
    x, k = picture(2, 3, 24, 25), spread(2, 5, 7)
    kept_x, kept_k, state = x.clone(), k.clone(), torch.get_rng_state()
    if name in WITHOUT_KERNEL:
        network = restorer(x)
        state = torch.get_rng_state()
        first, second = network(x), network(x)
    else:
        first, second = OPERATIONS[name](x, k), OPERATIONS[name](x, k)
    assert torch.equal(first, second)
    assert torch.equal(x, kept_x)
    assert torch.equal(k, kept_k)
    assert torch.equal(torch.get_rng_state(), state)


@operations
def test_memory_layout_does_not_matter(name):
    x, k = picture(2, 3, 24, 25, dtype=torch.float64), spread(2, 5, 7, torch.float64)
    plain = OPERATIONS[name](x, k)
    strided = torch.empty(2, 3, 48, 25, dtype=x.dtype)[..., ::2, :].copy_(x)
    for other in (x.to(memory_format=torch.channels_last), strided):
        torch.testing.assert_close(OPERATIONS[name](other, k), plain, rtol=0, atol=1e-6)


def bad_images():
    good = picture(1, 3, 16, 16)
    with_nan, with_inf = good.clone(), good.clone()
    with_nan[0, 1, 3, 4], with_inf[0, 2, 5, 5] = torch.nan, -torch.inf
    return {
        "an array": (good.numpy(), TypeError, "ndarray.*torch.as_tensor"),
        "a file name": ("photo.png", TypeError, "str.*images.load"),
        "nothing": (None, TypeError, "NoneType"),
        "a list": ([[0.5]], TypeError, "list"),
        "bytes": ((good * 255).byte(), TypeError, r"uint8.*x.float\(\) / 255"),
        "integers": (torch.ones(1, 3, 16, 16, dtype=torch.int64), TypeError, "int64"),
        "half precision": (good.half(), TypeError, r"float16.*x.float\(\)"),
        "complex": (good.to(torch.complex64), TypeError, "complex64"),
        "sparse": (good.to_sparse(), TypeError, "to_dense"),
        "two dimensions": (good[0, 0], ValueError, r"\(16, 16\).*x\[None, None\]"),
        "three dimensions": (good[0], ValueError, r"\(3, 16, 16\).*x\[None\]"),
        "five dimensions": (good[None], ValueError, r"\(1, 1, 3, 16, 16\)"),
        "no images": (good[:0], ValueError, "empty"),
        "no pixels": (good[..., :0], ValueError, "empty"),
        "one pixel": (good[..., :1, :1], ValueError, "1x1 pixels are too few"),
        "one column": (good[..., :1], ValueError, "16x1 pixels are too few"),
        "NaN": (with_nan, ValueError, "NaN"),
        "infinity": (with_inf, ValueError, "infinite"),
        "0..255": (255 * good, ValueError, r"expected 0 to 1.*divide by 255"),
    }


def bad_kernels():
    good = spread(1, 5, 5)
    with_nan, negative = good.clone(), good.clone()
    with_nan[0, 0, 1, 1] = torch.nan
    negative[0, 0, 0, 0] -= 0.5
    negative[0, 0, 2, 2] += 0.5
    return {
        "an array": (good.numpy(), TypeError, "ndarray"),
        "bytes": ((255 * good).byte(), TypeError, "uint8"),
        "two dimensions": (good[0, 0], ValueError, r"\(5, 5\).*k\[None, None\]"),
        "three dimensions": (good[0], ValueError, r"\(1, 5, 5\).*k\[:, None\]"),
        "three channels": (good.expand(1, 3, 5, 5), ValueError, r"\(1, 3, 5, 5\)"),
        "empty": (good[..., :0], ValueError, "empty"),
        "even height": (torch.full((1, 1, 4, 5), 0.05), ValueError, "4x5 is even"),
        "even width": (torch.full((1, 1, 5, 4), 0.05), ValueError, "5x4 is even"),
        "NaN": (with_nan, ValueError, "NaN"),
        "negative": (negative, ValueError, "negative"),
        "zero": (0 * good, ValueError, "sums to 0"),
        "sum 2": (2 * good, ValueError, r"sums to 2.*k / k.sum"),
        "larger than the image": (spread(1, 17, 3), ValueError, "17x3 is larger than the image, 16x16"),
        "another batch": (spread(2, 5, 5), ValueError, "2 kernels.*1 images"),
        "another dtype": (good.double(), TypeError, "float64"),
    }


# The adjoint of 'valid' makes a larger image, and takes the one pixel that a kernel as large as the image leaves.
TAKEN = {("adjoint valid", fault) for fault in ("one pixel", "one column", "larger than the image")}


@pytest.mark.parametrize(("name", "fault"), sorted({(n, f) for n in OPERATIONS for f in bad_images()} - TAKEN))
def test_a_bad_image_is_refused(name, fault):
    x, error, message = bad_images()[fault]
    with pytest.raises(error, match=message):
        if name in METRICS:  # the door of the metric, not that of the blur inside OPERATIONS
            getattr(db.metrics, name)(x, x)
        else:
            OPERATIONS[name](x, spread(1, 1, 1))


@pytest.mark.parametrize(("name", "fault"), sorted({(n, f) for n in WITH_KERNEL for f in bad_kernels()} - TAKEN))
def test_a_bad_kernel_is_refused(name, fault):
    k, error, message = bad_kernels()[fault]
    with pytest.raises(error, match=message):
        OPERATIONS[name](picture(1, 3, 16, 16), k)


@pytest.mark.parametrize("channels", [2, 4])
def test_a_photograph_has_one_or_three_channels(channels, tmp_path):
    x = picture(1, channels, 16, 16)
    for door in (restorer(x), lambda x: db.images.save(tmp_path / "x.png", x)):
        with pytest.raises(ValueError, match=f"got {channels}"):
            door(x)
    assert not list(tmp_path.iterdir())


def test_overshoot_is_tolerated_as_stated():
    x = picture(1, 1, 16, 16)
    x[0, 0, 0, 0], x[0, 0, 0, 1] = 1 + 0.99 * contracts.OVERSHOOT, -0.99 * contracts.OVERSHOOT
    assert contracts.image(x) is x
    for value in (1 + 1.01 * contracts.OVERSHOOT, -1.01 * contracts.OVERSHOOT):
        x[0, 0, 0, 0] = value
        with pytest.raises(ValueError, match="expected 0 to 1"):
            contracts.image(x)
    assert contracts.image(2 * x - 1, operator=True).min() < -1
    assert contracts.image(255 * picture(1, 1, 4, 4), data_range=255).max() > 200


@pytest.mark.parametrize("size", [3, np.int64(3), np.uint8(3)])
def test_an_odd_size_may_be_any_integer(size):
    assert contracts.odd_size(size) == 3
    assert type(contracts.odd_size(size)) is int


@pytest.mark.parametrize(
    ("size", "error"),
    [(0, ValueError), (-3, ValueError), (4, ValueError), (3.0, TypeError), ("3", TypeError), (True, TypeError)],
)
def test_another_size_is_refused(size, error):
    with pytest.raises(error):
        contracts.odd_size(size)


@pytest.mark.parametrize(
    ("value", "error"),
    [
        (0.0, ValueError),
        (1.1, ValueError),
        (np.nan, ValueError),
        (np.inf, ValueError),
        (-np.inf, ValueError),
        ("1", TypeError),
        (None, TypeError),
        (1j, TypeError),
    ],
)
def test_a_number_out_of_range_is_refused(value, error):
    with pytest.raises(error, match="sigma"):
        contracts.number(value, "sigma", low=0, high=1, open_low=True)


def test_a_number_in_range_is_handed_back():
    assert contracts.number(np.float32(0.5), "sigma", low=0, high=1) == 0.5
    assert contracts.number(0, "sigma", low=0) == 0.0


def test_a_generator_is_a_generator():
    assert torch.rand(1, generator=contracts.source(None)) == torch.rand(1, generator=seed(0))
    with pytest.raises(TypeError, match=r"profile.seed\(3\)"):
        contracts.source(3)


def test_a_centroid_is_never_minus_zero_off():
    k = torch.zeros(1, 1, 7, 7)
    k[..., 3, 5], k[..., 0, 5] = 1.0, 1e-7
    with pytest.warns(UserWarning, match=r"lies 0\.0 rows below and 2\.0 columns right"):
        contracts.centred(k)
