"""Blur and its adjoint against the bare transforms and against peers; kernels of camera shake; blur that varies.

The first of each group is the yardstick; the others take their rounds in turn with it. Targets, as ratios on one
thread: Blur and its adjoint take at most 1.2 times the bare `irfft2(rfft2(x) K)`, fftconvolve 2.5 times as long as Blur
or more (in float64, as SciPy's users have their images, and as the target was set), deepinv's default 15 times or more.
"""

from functools import partial

import pytest
import scipy.signal
import torch

from deblurlib import images
from deblurlib.blur import Blur, FilterFlow, RotationBlur, camera_shake, local_kernels, transfer_function
from deblurlib.profile import seed

OURS = (
    "bare irfft2(rfft2(x) K)",
    "Blur, wrap",
    "Blur, wrap, adjoint",
    "Blur, reflect",
    "Blur, reflect, adjoint",
)
PEERS = (
    "Blur, wrap",
    "scipy.signal.fftconvolve, float32",
    "scipy.signal.fftconvolve, float64",
    "deepinv Blur, its default",
    "deepinv Blur, its default, adjoint",
    "deepinv BlurFFT",
)


def measure(benchmark, group, call, parts=1, rounds=11):
    benchmark.group = group
    benchmark.extra_info["parts"] = parts
    benchmark.pedantic(call, rounds=rounds, warmup_rounds=2)


def scene(side):
    x = images.bundled("camera")
    x = x if side == 512 else torch.nn.functional.interpolate(x, size=(side, side), mode="bilinear")
    return x, camera_shake(1, 31, generator=seed(0))


def deepinv(name, side):
    physics = pytest.importorskip("deepinv.physics", reason="deepinv is not installed here")
    x, k = scene(side)
    if "BlurFFT" in name:
        model = physics.BlurFFT((1, side, side), filter=k)
    else:
        model = physics.Blur(filter=k, padding="circular")
    assert (model.A(x) - Blur(k)(x)).abs().max() < 1e-4  # the same blur
    return partial(model.A_adjoint if "adjoint" in name else model.A, x)


def blur(name, side):
    x, k = scene(side)
    kept = transfer_function(k, (side, side))
    wrap, reflect = Blur(k), Blur(k, "reflect")
    single = x[0, 0].numpy(), k[0, 0].numpy()
    double = [array.astype("float64") for array in single]
    return {
        "bare irfft2(rfft2(x) K)": lambda: torch.fft.irfft2(torch.fft.rfft2(x) * kept, s=(side, side)),
        "Blur, wrap": lambda: wrap(x),
        "Blur, wrap, adjoint": lambda: wrap.adjoint(x),
        "Blur, reflect": lambda: reflect(x),
        "Blur, reflect, adjoint": lambda: reflect.adjoint(x),
        "scipy.signal.fftconvolve, float32": lambda: scipy.signal.fftconvolve(*single, mode="same"),
        "scipy.signal.fftconvolve, float64": lambda: scipy.signal.fftconvolve(*double, mode="same"),
    }[name]


@pytest.mark.parametrize("side", [512, 1024])
@pytest.mark.parametrize(
    ("names", "name"), [(names, name) for names in (OURS, PEERS) for name in names], ids=lambda part: str(part)
)
def test_blur(names, name, side, benchmark, beside):
    call = deepinv(name, side) if "deepinv" in name else blur(name, side)
    against = "the bare transforms" if names is OURS else "the peers"
    group = f"blur, grey {side:4} x {side}, kernel 31 x 31, and {against}"
    if name == names[0]:
        measure(benchmark, group, call)
    else:
        benchmark.group = group
        beside(call, blur(names[0], side), rounds=11 if "default" in name else 31)


@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("camera_shake, batch 256", {}),
        ("camera_shake, batch 256, exposure 0.1", {"exposure": 0.1}),
        ("camera_shake, batch 256, 2000 steps", {"steps": 2000}),
    ],
)
def test_camera_shake(name, settings, benchmark):
    """The target is 0.35 ms of CPU a kernel."""
    call = partial(camera_shake, 256, 31, generator=seed(0), **settings)
    measure(benchmark, "camera shake, a kernel of 31 x 31 of a batch of 256", call, 256)


@pytest.mark.parametrize("name", ["Blur, reflect", "FilterFlow, 4 x 4", "FilterFlow, 8 x 8", "RotationBlur, 17 angles"])
def test_blur_that_varies(name, benchmark):
    x, k = scene(512)
    turn = RotationBlur(torch.linspace(-1, 1, 17))
    if "Flow" in name:
        count = int(name[-1])
        call = FilterFlow(local_kernels(turn, (512, 512), (count, count), 31), "reflect")
    else:
        call = Blur(k, "reflect") if "Blur, r" in name else turn
    measure(benchmark, "blur that varies, grey 512 x 512, kernels 31 x 31", lambda: call(x), rounds=7)
