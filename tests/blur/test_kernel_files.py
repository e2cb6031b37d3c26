"""Kernels as image files: they come back as they were, and what is no kernel is named."""

import numpy as np
import pytest
import torch
from PIL import Image

from deblurlib import contracts
from deblurlib.blur import camera_shake, delta, linear_motion, load_kernel, save_kernel
from deblurlib.files import OutputExistsError
from deblurlib.profile import seed


@pytest.mark.parametrize("suffix", [".png", ".tif", ".tiff", ".PNG"])
@pytest.mark.parametrize("family", ["shake", "line", "oblong"])
def test_round_trip(suffix, family, tmp_path):
    k = {
        "shake": camera_shake(1, 31, generator=seed(1)),
        "line": linear_motion(9.0, 30.0, dtype=torch.float64),
        "oblong": torch.tensor([0.2, 0.5, 0.3, 0.0, 0.0]).view(1, 1, 1, 5).expand(1, 1, 3, 5) / 3,
    }[family]
    save_kernel(tmp_path / f"k{suffix}", k)
    again = contracts.kernel(load_kernel(tmp_path / f"k{suffix}"))
    assert again.shape == k.shape
    assert again.dtype == torch.float32
    torch.testing.assert_close(again, k.float(), rtol=0, atol=k.max().item() * 1e-4)
    assert Image.open(tmp_path / f"k{suffix}").mode.startswith("I;16")
    assert contracts.kernel(again).sum().item() == pytest.approx(1, abs=1e-5)


def test_a_kernel_of_one_pixel_gets_a_frame(tmp_path):
    save_kernel(tmp_path / "k.png", delta(1))
    assert torch.equal(load_kernel(tmp_path / "k.png"), delta(3))


@pytest.mark.parametrize("size", [(4, 4), (4, 7), (5, 6)], ids=str)
def test_an_even_side_is_padded_so_that_the_centre_stays(size, tmp_path):
    pixels = np.zeros(size, np.uint8)
    pixels[size[0] // 2, size[1] // 2] = 255
    Image.fromarray(pixels).save(tmp_path / "k.png")
    k = load_kernel(tmp_path / "k.png")
    assert k[0, 0, k.shape[-2] // 2, k.shape[-1] // 2] == 1


def test_colours_are_averaged(tmp_path):
    pixels = np.zeros((3, 3, 3), np.uint8)
    pixels[1, 0] = (255, 0, 0)
    pixels[1, 2] = (255, 255, 255)
    Image.fromarray(pixels).save(tmp_path / "k.png")
    assert load_kernel(tmp_path / "k.png")[0, 0, 1].tolist() == pytest.approx([0.25, 0, 0.75])


def test_what_is_no_kernel_is_refused(tmp_path):
    Image.new("L", (5, 5)).save(tmp_path / "black.png")
    with pytest.raises(ValueError, match=r"black.png: the image is black"):
        load_kernel(tmp_path / "black.png")
    with pytest.raises(FileNotFoundError):
        load_kernel(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("kernel")
    with pytest.raises(ValueError, match="not a readable image"):
        load_kernel(tmp_path / "text.png")


def test_saving_keeps_its_contract(tmp_path):
    with pytest.raises(ValueError, match=r"k.jpg: a kernel is kept as .png"):
        save_kernel(tmp_path / "k.jpg", delta(3))
    with pytest.raises(ValueError, match="a batch of one, got 2"):
        save_kernel(tmp_path / "k.png", delta(3).expand(2, -1, -1, -1))
    with pytest.raises(ValueError, match="sums to 2"):
        save_kernel(tmp_path / "k.png", 2 * delta(3))
    assert not list(tmp_path.iterdir())
    save_kernel(tmp_path / "k.png", delta(3))
    with pytest.raises(OutputExistsError):
        save_kernel(tmp_path / "k.png", delta(5))
    save_kernel(tmp_path / "k.png", delta(5), overwrite=True)
    assert load_kernel(tmp_path / "k.png").shape[-1] == 5
