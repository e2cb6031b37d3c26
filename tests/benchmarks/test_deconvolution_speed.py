"""Richardson–Lucy against its peers: the time of 20 iterations, and the PSNR over the full frame of photographs.

The peers are scikit-image's `richardson_lucy` in float32, which takes the world beyond the frame for dark, and
deepinv's `MLEM` with `BlurFFT`, for which it repeats. Each is skipped where its library is absent, and takes its rounds
in turn with ours: scikit-image takes 1.9 times as long or more, deepinv twice.
"""

import pytest
import torch

from deblurlib import images
from deblurlib.blur import Blur, add_noise, camera_shake
from deblurlib.deconvolution import richardson_lucy
from deblurlib.metrics import psnr
from deblurlib.profile import seed

STEPS, GAIN = 20, 2.0
NAMES = ["richardson_lucy", "richardson_lucy, as a tile", "scikit-image, float32", "deepinv MLEM, BlurFFT"]


def restorer(name, y, k):
    """A function without arguments that restores `y`; the test that asks for it is skipped without the peer."""
    if name.startswith("richardson_lucy"):
        boundary = "wrap" if "tile" in name else "extend"
        return lambda: richardson_lucy(y, k, iterations=STEPS, boundary=boundary)
    if name.startswith("scikit"):
        restoration = pytest.importorskip("skimage.restoration", reason="scikit-image is not installed")
        picture, point = y[0, 0].numpy(), k[0, 0].numpy()
        return lambda: torch.from_numpy(restoration.richardson_lucy(picture, point, num_iter=STEPS))[None, None]
    deepinv = pytest.importorskip("deepinv", reason="deepinv is not installed")
    physics = deepinv.physics.BlurFFT(img_size=tuple(y.shape[1:]), filter=k, device="cpu")
    model = deepinv.optim.MLEM(
        data_fidelity=deepinv.optim.PoissonLikelihood(), prior=None, max_iter=STEPS, early_stop=False
    )
    return lambda: model(y, physics)


def photograph(name, k):
    x = images.bundled(name)[:, :1]
    y = add_noise(Blur(k, "valid")(x), 0.01, generator=seed(1)).clamp(min=0)
    p, q = k.shape[-2] // 2, k.shape[-1] // 2
    return x[..., p:-p, q:-q].contiguous(), y.contiguous()


@pytest.mark.parametrize("side", [512, 1024])
@pytest.mark.parametrize("name", NAMES)
def test_richardson_lucy(name, side, benchmark, beside):
    k = camera_shake(1, 31, generator=seed(0))
    x = torch.nn.functional.interpolate(images.bundled("camera"), size=(side, side), mode="area")
    y = add_noise(Blur(k)(x), 0.01, generator=seed(1)).clamp(min=0)
    benchmark.group = f"Richardson–Lucy, {STEPS} iterations, grey {side} x {side}, kernel 31 x 31"
    with torch.no_grad():
        if name == NAMES[0]:
            benchmark.pedantic(restorer(name, y, k), rounds=9, warmup_rounds=1)
        else:
            beside(restorer(name, y, k), restorer(NAMES[0], y, k), rounds=9)


@pytest.mark.parametrize(("name", "gain"), [(NAMES[2], GAIN), (NAMES[3], 0.0)])
@pytest.mark.parametrize("picture", ["camera", "coffee", "chelsea", "china"])
def test_full_frame(picture, name, gain, benchmark):
    """No dark rim: at least 2 dB above scikit-image over the whole photograph, and above deepinv, which repeats it."""
    k = camera_shake(1, 31, generator=seed(0))
    x, y = photograph(picture, k)
    with torch.no_grad():
        ours, theirs = (float(psnr(restorer(n, y, k)().clamp(0, 1), x)) for n in (NAMES[0], name))
        benchmark.group = f"full frame, {picture}: richardson_lucy {ours:.2f} dB"
        benchmark.extra_info |= {"parts": 1, "psnr": theirs}
        benchmark.pedantic(restorer(name, y, k), rounds=1)
    assert ours >= theirs + gain
