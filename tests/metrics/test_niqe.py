"""NIQE: its features are the definition's, its models load and fit, and sharp photographs score lowest."""

import math

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.io import savemat
from scipy.special import gamma
from skimage.transform import resize

from deblurlib import images, metrics
from deblurlib.blur import Blur, add_noise, gaussian
from deblurlib.files import OutputExistsError
from deblurlib.metrics.natural_scenes import SHIFTS, features, fit_asymmetric, half_size
from deblurlib.metrics.niqe import SHIPPED, FlatImageError


@pytest.fixture(scope="module")
def chelsea():
    return images.bundled("chelsea")[..., :200, :300].double()


@pytest.mark.parametrize("name", ["chelsea", "camera", "astronaut"])
def test_blur_and_noise_look_less_natural(name):
    x = images.bundled(name)[..., :288, :288]
    values = metrics.niqe(torch.cat([x, Blur(gaussian(11, 1.5), "reflect")(x), add_noise(x, 0.1)]))
    assert values.shape == (3,) and values.dtype == torch.float32
    assert values[0] < values[1] and values[0] < values[2]


def test_range_dtype_batch_and_colour(chelsea):
    value = metrics.niqe(chelsea)
    torch.testing.assert_close(metrics.niqe(255 * chelsea, data_range=255.0), value)
    torch.testing.assert_close(metrics.niqe(chelsea.float()).double(), value, rtol=1e-3, atol=0)
    torch.testing.assert_close(metrics.niqe(metrics.rgb2gray(chelsea)), value)
    other = chelsea.flip(-1)
    batch = metrics.niqe(torch.cat([chelsea, other]))
    torch.testing.assert_close(batch, torch.cat([value, metrics.niqe(other)]))


def test_what_is_beyond_whole_blocks_does_not_count(chelsea):
    torch.testing.assert_close(metrics.niqe(chelsea), metrics.niqe(chelsea[..., :192, :288]))


def test_what_it_refuses(chelsea):
    for h, w in ((95, 300), (191, 95), (96, 191), (64, 64)):
        with pytest.raises(ValueError, match=f"niqe: {h}x{w} pixels are too few, it needs at least 96x192"):
            metrics.niqe(torch.zeros(1, 1, h, w))
    assert metrics.niqe(chelsea[..., :96, :192]).isfinite().all()
    with pytest.raises(FlatImageError, match="0 of 2 blocks are not flat"):
        metrics.niqe(torch.full((1, 1, 96, 192), 0.5))
    with pytest.raises(TypeError, match="model: expected a NiqeModel, got str"):
        metrics.niqe(chelsea, model="live")
    with pytest.raises(ValueError, match="black where data_range=255"):
        metrics.niqe(chelsea, data_range=255.0)


def test_half_size_keeps_constants_and_straight_lines():
    x = torch.linspace(0, 1, 60, dtype=torch.float64).expand(1, 1, 50, 60)
    torch.testing.assert_close(half_size(torch.ones_like(x)), torch.ones(1, 1, 25, 30, dtype=torch.float64))
    torch.testing.assert_close(half_size(x)[..., 3:-3], ((x[..., ::2] + x[..., 1::2]) / 2)[..., :25, 3:-3])
    assert half_size(torch.rand(1, 1, 7, 9)).shape == (1, 1, 4, 5)


def test_half_size_is_bicubic_with_antialiasing(chelsea):
    """Pillow's bicubic is MATLAB's but for the edges."""
    from PIL import Image

    grey = chelsea[0, 0].float()
    theirs = np.asarray(Image.fromarray(grey.numpy()).resize((150, 100), Image.Resampling.BICUBIC))
    np.testing.assert_allclose(half_size(grey[None, None])[0, 0, 4:-4, 4:-4], theirs[4:-4, 4:-4], atol=1e-5)
    assert np.abs(theirs - resize(grey.numpy(), (100, 150), order=3)).max() > 1e-3  # another antialiasing


@pytest.mark.parametrize(
    ("alpha", "left", "right"), [(0.5, 1.0, 1.0), (1.0, 0.7, 1.2), (2.0, 1.0, 2.0), (4.0, 1.0, 1.0)]
)
def test_the_fit_finds_the_distribution_that_it_was_drawn_from(alpha, left, right):
    draw = np.random.default_rng(0)
    size = draw.gamma(1 / alpha, size=200_000) ** (1 / alpha)
    below = draw.random(size.size) < left / (left + right)
    x = torch.from_numpy(np.where(below, -left * size, right * size))
    found = [t.item() for t in fit_asymmetric(x[None])]
    assert found == pytest.approx([alpha, left, right], rel=0.05)


def test_features_are_the_definition(chelsea):
    """One block's features at full size, with NumPy: windows by SciPy, the shape by trying all of them."""
    from scipy.ndimage import correlate

    grey = (255 * metrics.rgb2gray(chelsea))[0, 0].numpy()[:192, :288]
    t = np.arange(-3, 4)
    window = np.exp(-(t[:, None] ** 2 + t**2) / (2 * (7 / 6) ** 2))
    window /= window.sum()
    mean = correlate(grey, window, mode="nearest")
    deviation = np.sqrt(np.abs(correlate(grey**2, window, mode="nearest") - mean**2))
    normal = ((grey - mean) / (deviation + 1))[96:, 96:192]
    shapes = np.arange(0.2, 10.0005, 0.001)
    ratios = gamma(2 / shapes) ** 2 / (gamma(1 / shapes) * gamma(3 / shapes))

    def fit(x):
        left, right = (math.sqrt((x[side] ** 2).mean()) for side in (x < 0, x > 0))
        g = left / right
        r = np.abs(x).mean() ** 2 / (x**2).mean() * (g**3 + 1) * (g + 1) / (g**2 + 1) ** 2
        a = shapes[np.argmin((ratios - r) ** 2)]
        width = math.sqrt(gamma(1 / a) / gamma(3 / a))
        return a, left * width, right * width

    alpha, left, right = fit(normal)
    expected = [alpha, (left + right) / 2]
    for shift in SHIFTS:
        alpha, left, right = fit(normal * np.roll(normal, shift, axis=(0, 1)))
        expected += [alpha, (right - left) * gamma(2 / alpha) / gamma(1 / alpha), left, right]
    found, sharpness = features(torch.from_numpy(grey)[None, None])
    assert found.shape == (1, 6, 36)
    np.testing.assert_allclose(found[0, 4, :18], expected, rtol=1e-9)
    assert sharpness[0, 4].item() == pytest.approx(deviation[96:, 96:192].mean())


class TestModels:
    def test_the_one_that_ships(self):
        model = metrics.load_niqe_model()
        assert SHIPPED.stat().st_size < 20_000
        assert torch.linalg.eigvalsh(model.covariance)[0] > 0
        assert model.notes["photographs"] == "400"
        card = SHIPPED.with_suffix(".md").read_text(encoding="utf-8")
        for heading in ("Data", "Command", "Scores", "Limits"):
            assert f"## {heading}" in card

    def test_it_is_what_its_card_says(self, shared_data):
        folder = shared_data / "sharp_train"
        if not folder.is_dir():
            pytest.skip(f"{folder} is not here: set DEBLUR_DATA to the folder that holds sharp_train")
        some = sorted(folder.glob("*.jpg"))[::40]
        model, shipped = metrics.fit_niqe(some), metrics.load_niqe_model()
        spread = shipped.covariance.diagonal().sqrt()
        assert ((model.mean - shipped.mean).abs() / spread).max() < 1  # ten photographs of the four hundred

    def test_fit_from_a_folder_from_files_and_from_tensors(self, tmp_path):
        names = ("astronaut", "coffee", "chelsea")
        for name in names:
            images.save(tmp_path / f"{name}.png", images.bundled(name))
        (tmp_path / "notes.txt").write_text("not an image")
        folder = metrics.fit_niqe(tmp_path, sharpness=0.3)
        files = metrics.fit_niqe(sorted(tmp_path.glob("*.png")), sharpness=0.3)
        tensors = metrics.fit_niqe((255 * images.bundled(n) for n in sorted(names)), sharpness=0.3, data_range=255.0)
        for other in (files, tensors):
            torch.testing.assert_close(folder.mean, other.mean, rtol=1e-4, atol=1e-4)
        assert folder.notes["photographs"] == "3"
        assert int(metrics.fit_niqe(tmp_path, sharpness=0.0).notes["blocks"]) > int(folder.notes["blocks"])

    def test_what_fitting_refuses(self, tmp_path):
        for given, message in ((tmp_path, "there are none"), ([images.bundled("camera")], "blocks are too few")):
            with pytest.raises(ValueError, match=message):
                metrics.fit_niqe(given)
        with pytest.raises(FileNotFoundError, match="no such folder"):
            metrics.fit_niqe(tmp_path / "missing")
        with pytest.raises(ValueError, match="64x64 pixels are too few, it needs at least 96x96"):
            metrics.fit_niqe([torch.zeros(1, 1, 64, 64)])

    def test_saved_and_loaded(self, tmp_path, chelsea):
        model = metrics.load_niqe_model()
        model.save(tmp_path / "model.safetensors")
        loaded = metrics.load_niqe_model(tmp_path / "model.safetensors")
        assert loaded.notes == model.notes
        torch.testing.assert_close(metrics.niqe(chelsea, model=loaded), metrics.niqe(chelsea))
        with pytest.raises(OutputExistsError):
            model.save(tmp_path / "model.safetensors")

    @pytest.mark.parametrize("names", [("mu_prisparam", "cov_prisparam"), ("pop_mu", "pop_cov")])
    def test_the_authors_formats(self, names, tmp_path):
        model = metrics.load_niqe_model()
        arrays = dict(zip(names, (model.mean.numpy()[None], model.covariance.numpy()), strict=True))
        savemat(tmp_path / "parameters.mat", arrays)
        np.savez(tmp_path / "parameters.npz", **arrays)
        for suffix in ("mat", "npz"):
            loaded = metrics.load_niqe_model(tmp_path / f"parameters.{suffix}")
            assert torch.equal(loaded.mean, model.mean) and torch.equal(loaded.covariance, model.covariance)

    def test_what_is_no_model(self, tmp_path):
        save_file({"weight": torch.zeros(1)}, tmp_path / "other.safetensors")
        np.savez(tmp_path / "other.npz", weight=np.zeros(1))
        np.savez(tmp_path / "pickled.npz", mu_prisparam=np.array([object()]), cov_prisparam=np.zeros((36, 36)))
        np.savez(tmp_path / "small.npz", pop_mu=np.zeros(18), pop_cov=np.zeros((18, 18)))
        (tmp_path / "text.mat").write_text("not a model")
        (tmp_path / "text.safetensors").write_text("not a model")
        for name in ("other.safetensors", "other.npz", "pickled.npz", "small.npz", "text.mat", "text.safetensors"):
            with pytest.raises(ValueError, match=r"other|pickled|text|mean: expected shape \(36,\), got \(18,\)"):
                metrics.load_niqe_model(tmp_path / name)
        with pytest.raises(FileNotFoundError, match="no such file"):
            metrics.load_niqe_model(tmp_path / "missing.mat")
        with pytest.raises(ValueError, match="covariance: contains NaN"):
            metrics.NiqeModel(torch.zeros(36), torch.full((36, 36), math.nan))
