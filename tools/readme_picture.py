"""Compute the README's picture, book/_static/readme.webp, with the library: `python tools/readme_picture.py`.

A photograph that no network of ours has practised on, blurred by a shaking hand, restored with the kernel and without.
White letters on a dark plate are legible whatever the page around them looks like.
"""

from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

import deblurlib as db
from deblurlib.profile import seed

TARGET = Path(__file__).resolve().parent.parent / "book" / "_static" / "readme.webp"
LARGEST = 120_000
"""Bytes."""

CROP = (..., slice(70, 220), slice(97, 217))
"""Rows and columns that are shown, each pixel as a square of ENLARGED."""

ENLARGED, GAP, BAND, INSET = 2, 8, 58, 88
DESCRIPTION = 270
"""The EXIF tag 'ImageDescription'."""

PLATE, INK, MUTED = "#16202b", "#ffffff", "#b9c6d4"


def restorations() -> list[tuple[str, str, Tensor]]:
    """What, how, and the photograph, of each panel; and the kernel, as the last."""
    sharp = db.images.bundled("chelsea")
    kernel = db.blur.camera_shake(1, 17, length=9.0, generator=seed(19))
    blurred = db.blur.add_noise(db.blur.Blur(kernel, "reflect")(sharp), sigma=0.004, generator=seed(20))
    told = db.deconvolution.wiener(blurred, kernel, noise=0.004)
    untold = db.training.load_generator()(blurred)

    def score(picture: Tensor) -> str:
        return f"{db.metrics.psnr(picture, sharp).item():.1f} dB"

    return [
        ("Blurred by a shaking hand", score(blurred), blurred),
        ("Network, kernel unknown", score(untold), untold),
        ("Wiener filter, kernel known", score(told), told),
        ("Sharp", "the original", sharp),
        ("", "", kernel),
    ]


def pixels(x: Tensor, side: int = 0) -> Image.Image:
    """An image or, scaled to its maximum and to ``side`` pixels, a kernel."""
    array = (x[0].double().clamp(0, 1) * 255).round().permute(1, 2, 0).numpy().astype(np.uint8)
    if side:
        return Image.fromarray(array[..., 0]).resize((side, side), Image.Resampling.NEAREST).convert("RGB")
    picture = Image.fromarray(array)
    return picture.resize((picture.width * ENLARGED, picture.height * ENLARGED), Image.Resampling.BICUBIC)


def letters(size: int, *, bold: bool = False) -> ImageFont.FreeTypeFont:
    """DejaVu Sans, which comes with matplotlib."""
    name = "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf"
    return ImageFont.truetype(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / name, size)


def picture(parts: list[tuple[str, str, Tensor]]) -> Image.Image:
    """The four panels on their plate."""
    *panels, (_, _, kernel) = parts
    shown = [pixels(x[CROP]) for _, _, x in panels]
    width, height = shown[0].size
    plate = Image.new("RGB", (len(panels) * (width + GAP) + GAP, height + GAP + BAND), PLATE)
    draw = ImageDraw.Draw(plate)
    for i, ((what, how, _), panel) in enumerate(zip(panels, shown, strict=True)):
        left = GAP + i * (width + GAP)
        plate.paste(panel, (left, GAP))
        draw.text((left + width / 2, GAP + height + 9), what, INK, letters(15, bold=True), anchor="ma")
        draw.text((left + width / 2, GAP + height + 31), how, MUTED, letters(15), anchor="ma")
    corner = (GAP + 8, GAP + height - INSET - 8)
    draw.rectangle((corner[0] - 1, corner[1] - 1, corner[0] + INSET, corner[1] + INSET), outline=INK)
    plate.paste(pixels(kernel[..., 3:14, 3:14] / kernel.amax(), INSET), corner)
    return plate


def description(parts: list[tuple[str, str, Tensor]]) -> str:
    """The labels, which travel in the file: a test compares them with what the library computes now."""
    return "; ".join(f"{what}: {how}" for what, how, _ in parts if what)


if __name__ == "__main__":
    parts = restorations()
    plate = picture(parts)
    notes = Image.Exif()
    notes[DESCRIPTION] = description(parts)
    for quality in range(92, 50, -4):
        plate.save(TARGET, quality=quality, method=6, exif=notes)
        if TARGET.stat().st_size <= LARGEST:
            break
    print(f"{TARGET}: {plate.width}x{plate.height} pixels, {TARGET.stat().st_size / 1000:.0f} kB, quality {quality}")
