"""Learned deconvolution: its contracts, and what the weights that ship are worth."""

import importlib.util
import os
import warnings
from pathlib import Path

import pytest
import torch

from deblurlib import images
from deblurlib.blur import Blur, add_noise, camera_shake, delta
from deblurlib.deconvolution import (
    deconvolution_cnn,
    deep_deconvolution,
    explained_extension,
    hyper_laplacian,
    plug_and_play,
    smooth_extension,
    wiener,
)
from deblurlib.deconvolution.learned import shipped_denoiser, strengths
from deblurlib.metrics import psnr
from deblurlib.networks import Deconvolver, Denoiser, KernelCNN, load_generator, load_known_kernel, load_weights
from deblurlib.networks.deconvolver import separable_inverse
from deblurlib.networks.pretrained import FOLDER
from deblurlib.profile import seed

METHODS = [plug_and_play, deep_deconvolution, deconvolution_cnn]
SHIPPED = {"denoiser": Denoiser, "deep_deconvolution": Deconvolver}


def scene(*shape):
    """Blocks between dark grey and light grey."""
    blocks = torch.rand(*shape[:-2], *[-(-side // 8) for side in shape[-2:]], generator=seed(5))
    return 0.1 + 0.8 * blocks.repeat_interleave(8, -2).repeat_interleave(8, -1)[..., : shape[-2], : shape[-1]]


def shakes(count, size=9):
    return camera_shake(count, size, length=6.0, generator=seed(3))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_batch_is_restored_like_its_images_one_by_one(method, channels):
    x, k = scene(3, channels, 41, 50), shakes(1 if method is deconvolution_cnn else 3)
    y = add_noise(Blur(k)(x), 0.01, generator=seed(1))
    batch = method(y, k)
    loop = torch.cat([method(y[i : i + 1], k[i : i + 1] if len(k) > 1 else k) for i in range(3)])
    torch.testing.assert_close(batch, loop, atol=2e-5, rtol=0)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("size", [(37, 50), (64, 33), (21, 21)])
def test_any_size_and_dtype_comes_back(method, size):
    x = scene(1, 3, *size)
    for dtype in (torch.float32, torch.float64):
        restored = method(x.to(dtype), delta(9, dtype=dtype))
        assert restored.shape == x.shape
        assert restored.dtype == dtype
        assert restored.min() >= 0
        assert restored.max() <= 1


@pytest.mark.parametrize(("method", "least"), [(plug_and_play, 1.0), (deep_deconvolution, -1.0)])
def test_without_a_blur_a_photograph_stays(method, least):
    """The network for all has never met a kernel without a blur; it must not do harm that could be seen."""
    for name in ("coffee", "camera"):
        x = images.bundled(name)[..., :150, :160]
        y = add_noise(x, 0.01, generator=seed(2)).clamp(0, 1)
        assert psnr(method(y, delta(5), noise=0.01), x) > psnr(y, x) + least
    assert psnr(plug_and_play(x, delta(5), noise=1e-3), x) > 55


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"noise": 0.0}, ValueError, "noise"),
        ({"noise": -1.0}, ValueError, "noise"),
        ({"boundary": "mirror"}, ValueError, "boundary"),
        ({"blurred": torch.zeros(3, 20, 20)}, ValueError, "expected shape"),
        ({"blurred": torch.full((1, 3, 20, 20), 128.0)}, ValueError, "divide by 255"),
        ({"blurred": torch.zeros(1, 3, 20, 20, dtype=torch.uint8)}, TypeError, "uint8"),
        ({"kernel": torch.full((1, 1, 4, 4), 1 / 16)}, ValueError, "odd"),
        ({"blurred": torch.zeros(1, 1, 4, 4)}, ValueError, "kernel"),
    ],
)
def test_bad_input_is_named(method, changes, error, words):
    given = {"blurred": scene(1, 3, 20, 20), "kernel": delta(5)} | changes
    with pytest.raises(error, match=words):
        method(**given)


def test_plug_and_play_refuses_what_it_cannot_plug_in():
    y, k = scene(1, 3, 24, 24), delta(5)
    with pytest.raises(ValueError, match=r"denoiser: expected .* back"):
        plug_and_play(y, k, denoiser=lambda x, s: x[..., :-1])
    with pytest.raises(ValueError, match=r"1 \(grey\) or 3"):
        plug_and_play(scene(1, 2, 24, 24), k)
    for bad in ({"rounds": 0}, {"rounds": True}, {"weight": 0.0}, {"strongest": 0.0}):
        with pytest.raises(ValueError, match=next(iter(bad))):
            plug_and_play(y, k, **bad)


def test_the_strip_beyond_the_frame_is_what_the_blur_explains():
    x = images.bundled("coffee")[..., :150, :200]
    k = camera_shake(1, 31, generator=seed(179))
    y = Blur(k, "valid")(x).clamp(0, 0.99)
    wide = explained_extension(y, k)
    assert torch.equal(wide[..., : y.shape[-2], : y.shape[-1]], y)
    smooth = smooth_extension(y, (60, 60))
    assert torch.equal(explained_extension(y, k, rounds=0), smooth)
    scores = [
        psnr(wiener(w, k, boundary="wrap")[..., : y.shape[-2], : y.shape[-1]], x[..., 15:-15, 15:-15])
        for w in (smooth, wide)
    ]
    assert scores[1] > scores[0] + 0.3
    with pytest.raises(ValueError, match="rounds"):
        explained_extension(y, k, rounds=-1)


def test_any_denoiser_may_be_plugged_in():
    y, k = scene(1, 2, 24, 24), delta(5)
    asked = []

    def nothing(x, sigma):
        asked.append(sigma)
        return x

    history = []
    restored = plug_and_play(y, k, denoiser=nothing, rounds=4, history=history)
    assert (restored - y).abs().max() < 0.02
    assert all(step.image.shape == y.shape for step in history)
    assert len(history) == 4
    assert asked == pytest.approx([*strengths(0.01, 4), 0.01])


def test_the_denoiser_keeps_its_promises():
    denoise, x = shipped_denoiser(), images.bundled("coffee")[..., 50:111, 60:147]
    for sigma, share in ((0.02, 0.8), (0.1, 0.4), (0.18, 0.3)):
        noisy = add_noise(x, sigma, generator=seed(4))
        assert (denoise(noisy, sigma) - x).square().mean().sqrt() < share * sigma
    noisy = add_noise(x, 0.1, generator=seed(4))
    torch.testing.assert_close(denoise(0.5 * noisy, 0.05), 0.5 * denoise(noisy, 0.1), atol=1e-5, rtol=0)
    grey = noisy[:, :1]
    torch.testing.assert_close(
        denoise(grey, 0.1), denoise(grey.expand(-1, 3, -1, -1), 0.1).mean(1, keepdim=True), atol=1e-5, rtol=0
    )
    assert (denoise(x, 0.0) - x).abs().mean() < 2e-3


def test_untrained_the_network_for_one_kernel_is_its_truncated_pseudo_inverse():
    k = shakes(1).double()
    columns, rows = separable_inverse(k, 31, 31, 0.02)
    network = KernelCNN(k, taps=31, rank=31, noise=0.02)
    x = scene(1, 1, 40, 44)
    torch.testing.assert_close(network(x), _convolve(x, columns @ rows), atol=1e-4, rtol=0)
    errors = []
    for rank in (1, 4, 16, 31):
        c, r = separable_inverse(k, 31, rank, 0.02)
        errors.append(float((c @ r - columns @ rows).norm()))
    assert errors == sorted(errors, reverse=True)


def _convolve(x, filter_):
    padded = torch.zeros(x.shape[-2:])
    half = len(filter_) // 2
    padded[: len(filter_), : len(filter_)] = filter_
    spectrum = torch.fft.rfft2(padded.roll((-half, -half), dims=(0, 1)))
    return torch.fft.irfft2(torch.fft.rfft2(x) * spectrum, s=x.shape[-2:])


def test_a_network_for_one_kernel_refuses_another():
    one, other = shakes(2).split(1)
    network = KernelCNN(one)
    with pytest.raises(ValueError, match="another kernel"):
        deconvolution_cnn(scene(1, 1, 30, 30), other, network=network)
    with pytest.raises(ValueError, match="one kernel"):
        deconvolution_cnn(scene(2, 1, 30, 30), shakes(2), network=network)
    with pytest.raises(TypeError, match="KernelCNN"):
        deconvolution_cnn(scene(1, 1, 30, 30), one, network=Denoiser())
    with pytest.raises(TypeError, match="Deconvolver"):
        deep_deconvolution(scene(1, 1, 30, 30), one, network=Denoiser())


def test_without_a_network_each_kernel_of_a_batch_has_its_own():
    x, kernels, state = scene(2, 1, 30, 30), shakes(2), torch.get_rng_state()
    both = deconvolution_cnn(x, kernels)
    assert torch.equal(torch.get_rng_state(), state)
    alone = [deconvolution_cnn(one, k) for one, k in zip(x.split(1), kernels.split(1), strict=True)]
    torch.testing.assert_close(both, torch.cat(alone), atol=1e-6, rtol=0)


@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_is_small_safe_and_has_a_card(name):
    path = FOLDER / "known_kernel" / f"{name}.safetensors"
    assert path.stat().st_size <= 1_000_000
    assert type(load_weights(path)) is SHIPPED[name]
    card = path.with_suffix(".md").read_text(encoding="utf-8")
    for heading in ("Data", "Command", "Hardware", "Scores", "Limits"):
        assert f"\n## {heading}\n" in card
    with pytest.raises(ValueError, match="needs the kernel"):
        load_generator(path)
    with pytest.raises(ValueError, match="expected a KernelCNN"):
        load_known_kernel(name, KernelCNN)


def test_a_pickled_file_is_refused(tmp_path):
    torch.save(Denoiser().state_dict(), tmp_path / "denoiser.pt")
    with pytest.raises(ValueError, match="Pickled weights are refused"):
        load_known_kernel(tmp_path / "denoiser.pt", Denoiser)


def test_it_beats_the_hand_made_priors_on_bundled_photographs():
    gains = []
    for i, name in enumerate(("coffee", "chelsea")):
        x = images.bundled(name)[..., :200, :240]
        k = camera_shake(1, 31, generator=seed(40 + i))
        y = add_noise(Blur(k, "valid")(x), 0.01, generator=seed(i)).clamp(0, 1)
        truth = x[..., 15:-15, 15:-15]
        best = max(psnr(hyper_laplacian(y, k, weight=w), truth) for w in (2 / 3000, 1e-3, 1.5e-3))
        assert psnr(deep_deconvolution(y, k), truth) > psnr(wiener(y, k), truth)
        gains.append(float(psnr(plug_and_play(y, k), truth) - best))
    assert sum(gains) / len(gains) > 0.5


def test_it_beats_the_hand_made_priors_where_nobody_trained():
    """Ten of the hundred photographs; `tools/known_kernel_figure.py` prints the whole figure."""
    data = Path(os.environ.get("DEBLUR_DATA", Path(__file__).parents[3] / "shared" / "data")) / "sharp_test"
    if not data.is_dir():
        pytest.skip(f"{data} is not here: set DEBLUR_DATA to the folder that holds sharp_test")
    spec = importlib.util.spec_from_file_location(
        "known_kernel_figure", Path(__file__).parents[2] / "tools" / "known_kernel_figure.py"
    )
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        scores = tool.figure(data, every=10)
    best = max(v.mean() for name, v in scores.items() if name.split()[0] in tool.WEIGHTS)
    assert scores["plug_and_play"].mean() > best + 0.5
    assert scores["deep_deconvolution"].mean() > scores["wiener"].mean() + 0.5
