"""How fast, against the least that could be done and against the peers; the first of each group is the yardstick."""

from functools import partial
from itertools import count

import pytest
import scipy.signal
import skimage.metrics
import skimage.restoration
import torch

from deblurlib import images
from deblurlib.blur import Blur, camera_shake, transfer_function
from deblurlib.deconvolution import richardson_lucy, tikhonov, wiener
from deblurlib.metrics import psnr, ssim
from deblurlib.networks import Deblurrer, UNetGenerator
from deblurlib.profile import seed
from deblurlib.training import BlurredPairs, TrainingConfig
from deblurlib.training.systems import build_system

SIDE = 512
CPU = torch.device("cpu")


def measure(benchmark, group, call, parts=1):
    benchmark.group = group
    benchmark.extra_info["parts"] = parts
    benchmark.pedantic(call, rounds=7, warmup_rounds=1)


@pytest.fixture(scope="module")
def scene():
    x = images.bundled("camera")
    k = camera_shake(1, 31, generator=seed(0))
    return x, k, Blur(k)(x)


def forward(name, scene):
    x, k, _ = scene
    kept = transfer_function(k, (SIDE, SIDE))
    wrap, reflect = Blur(k), Blur(k, "reflect")
    single = x[0, 0].numpy(), k[0, 0].numpy()
    return {
        "bare irfft2(rfft2(x) K)": lambda: torch.fft.irfft2(torch.fft.rfft2(x) * kept, s=(SIDE, SIDE)),
        "Blur, wrap": lambda: wrap(x),
        "Blur, wrap, adjoint": lambda: wrap.adjoint(x),
        "Blur, wrap, made anew": lambda: Blur(k)(x),
        "Blur, reflect": lambda: reflect(x),
        "scipy.signal.fftconvolve": lambda: scipy.signal.fftconvolve(*single, mode="same"),
        "torch conv2d": lambda: torch.nn.functional.conv2d(x, k.flip(-1, -2), padding=15),
    }[name]


@pytest.mark.parametrize(
    "name",
    [
        "bare irfft2(rfft2(x) K)",
        "Blur, wrap",
        "Blur, wrap, adjoint",
        "Blur, wrap, made anew",
        "Blur, reflect",
        "scipy.signal.fftconvolve",
        "torch conv2d",
    ],
)
def test_forward(name, scene, benchmark):
    measure(benchmark, f"blur, grey {SIDE} x {SIDE}, kernel 31 x 31", forward(name, scene))


@pytest.mark.parametrize("name", ["wiener, wrap", "wiener, extend", "tikhonov, wrap", "skimage wiener"])
def test_direct(name, scene, benchmark):
    _, k, y = scene
    single = y[0, 0].numpy(), k[0, 0].numpy()
    call = {
        "wiener, wrap": lambda: wiener(y, k, boundary="wrap"),
        "wiener, extend": lambda: wiener(y, k),
        "tikhonov, wrap": lambda: tikhonov(y, k, boundary="wrap"),
        "skimage wiener": lambda: skimage.restoration.wiener(*single, 0.1),
    }[name]
    measure(benchmark, f"direct deconvolution, grey {SIDE} x {SIDE}, kernel 31 x 31", call)


@pytest.mark.parametrize("name", ["richardson_lucy, wrap", "richardson_lucy, extend", "skimage richardson_lucy"])
def test_richardson_lucy(name, scene, benchmark):
    _, k, y = scene
    single = y[0, 0].numpy(), k[0, 0].numpy()
    call = {
        "richardson_lucy, wrap": lambda: richardson_lucy(y, k, iterations=20, boundary="wrap"),
        "richardson_lucy, extend": lambda: richardson_lucy(y, k, iterations=20),
        "skimage richardson_lucy": lambda: skimage.restoration.richardson_lucy(*single, num_iter=20),
    }[name]
    measure(benchmark, f"Richardson-Lucy, 20 iterations, grey {SIDE} x {SIDE}, kernel 31 x 31", call)


@pytest.mark.parametrize("name", ["ssim", "skimage ssim, a loop", "psnr", "skimage psnr, a loop"])
def test_metrics(name, benchmark):
    x = torch.rand(16, 3, 256, 256, generator=seed(0))
    y = (x + 0.05 * torch.randn(x.shape, generator=seed(1))).clamp(0, 1)
    pairs = list(zip(x.numpy(), y.numpy(), strict=True))
    wang = {
        "gaussian_weights": True,
        "sigma": 1.5,
        "use_sample_covariance": False,
        "data_range": 1.0,
        "channel_axis": 0,
    }
    call = {
        "ssim": lambda: ssim(y, x),
        "skimage ssim, a loop": lambda: [skimage.metrics.structural_similarity(b, a, **wang) for a, b in pairs],
        "psnr": lambda: psnr(y, x),
        "skimage psnr, a loop": lambda: [skimage.metrics.peak_signal_noise_ratio(b, a, data_range=1) for a, b in pairs],
    }[name]
    measure(benchmark, f"{'SSIM' if 'ssim' in name else 'PSNR'}, 16 x 3 x 256 x 256", call)


@pytest.mark.parametrize(
    ("name", "batch", "settings"),
    [
        ("256 steps, batch 64", 64, {}),
        ("256 steps, batch 1024", 1024, {}),
        ("2000 steps, batch 64", 64, {"steps": 2000}),
        ("256 steps, batch 64, size 65", 64, {"size": 65}),
    ],
)
def test_camera_shake(name, batch, settings, benchmark):
    call = partial(camera_shake, batch, generator=seed(0), **settings)
    measure(benchmark, "camera shake, a kernel of 31 x 31", call, batch)


@pytest.mark.parametrize("name", ["width 16, 2 levels", "width 32, 3 levels"])
def test_generator(name, benchmark):
    x = torch.rand(1, 3, 256, 256, generator=seed(0))
    deblurrer = Deblurrer(UNetGenerator(16, 2) if "16" in name else UNetGenerator(32, 3))
    measure(benchmark, "generator, 3 x 256 x 256", lambda: deblurrer(x))


@pytest.mark.parametrize("name", ["a batch", "regression", "cycle_gan", "paired_cycle_gan"])
def test_training_step(name, benchmark):
    config = TrainingConfig(system="regression" if name == "a batch" else name, precision="float32", device="cpu")
    pairs = BlurredPairs(config, CPU, [torch.rand(1, 3, 200, 200, generator=seed(i)) for i in range(2)])
    system, batch = build_system(config, CPU), pairs.batch(0)
    steps = count()
    call = (lambda: pairs.batch(next(steps))) if name == "a batch" else (lambda: system.step(batch))
    measure(benchmark, "training, a step of the pocket run", call)
