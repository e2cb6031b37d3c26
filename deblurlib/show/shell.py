"""What all sliders share: the `<figure>` around them, its style, and its pictures, as large as the budget allows."""

import base64
import html
import io
from collections.abc import Callable

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from deblurlib import contracts

BUDGET = 400_000
"""Bytes of one slider's HTML."""

LADDER = ((640, 90), (560, 90), (480, 90), (480, 80), (400, 80), (320, 80), (240, 75), (160, 70))
"""Width in pixels and WebP quality, best first (our choice): a slider stands as high as the budget allows."""

SHORTEST_ALT = 40

STYLE = (
    ".deblur-slider{margin:1.5em auto;text-align:center;max-width:100%}"
    ".deblur-slider .stage{position:relative;display:grid;margin:0 auto;max-width:100%;--at:50%;overflow:hidden}"
    ".deblur-slider .stage>.layer{grid-area:1/1;position:relative;margin:0;line-height:0}"
    ".deblur-slider img{display:block;width:100%;height:auto;margin:0;max-width:none}"
    ".deblur-slider img.pixels{image-rendering:pixelated}"
    ".deblur-slider .before{clip-path:inset(0 calc(100% - var(--at)) 0 0)}"
    ".deblur-slider .tag{position:absolute;top:.6em;padding:.15em .55em;border-radius:4px;background:#111;color:#fff;"
    "font:600 .8rem/1.4 sans-serif}"
    ".deblur-slider .before .tag{left:.6em}.deblur-slider .after .tag{right:.6em}"
    ".deblur-slider img.inset{position:absolute;left:.6em;bottom:.6em;width:18%;max-width:96px;min-width:48px;"
    "border:1px solid #fff;image-rendering:pixelated}"
    ".deblur-slider .edge{position:absolute;top:0;bottom:0;left:var(--at);width:2px;margin-left:-1px;background:#fff;"
    "box-shadow:0 0 3px #000;pointer-events:none}"
    # The thumb's centre travels from one edge of the picture to the other: the input is one thumb wider.
    ".deblur-slider input.wipe{position:absolute;top:0;left:-1.25rem;width:calc(100% + 2.5rem);height:100%;margin:0;"
    "padding:0;background:none;border:0;-webkit-appearance:none;appearance:none;cursor:ew-resize;touch-action:pan-y;"
    "outline:none}"
    ".deblur-slider input.wipe::-webkit-slider-runnable-track{height:100%;background:none}"
    ".deblur-slider input.wipe::-moz-range-track{height:100%;background:none}"
    ".deblur-slider input.wipe::-webkit-slider-thumb{-webkit-appearance:none;width:2.5rem;height:100%;background:"
    "radial-gradient(circle at center,#fff 0 .28rem,#111 .32rem .85rem,#fff .9rem 1rem,#0000 1.05rem)}"
    ".deblur-slider input.wipe::-moz-range-thumb{width:2.5rem;height:100%;border:0;border-radius:0;background:"
    "radial-gradient(circle at center,#fff 0 .28rem,#111 .32rem .85rem,#fff .9rem 1rem,#0000 1.05rem)}"
    ".deblur-slider .stage:focus-within{outline:3px solid #0072b2;outline-offset:2px}"
    ".deblur-slider .stage:not(:has(:focus-visible)){outline:none}"
    ".deblur-slider .sheet>.layer>.tag{display:none;left:.6em}"
    ".deblur-slider .layer[hidden]{display:none}"
    ".deblur-slider .dial{display:flex;align-items:center;gap:.8em;margin:.5em auto 0;max-width:100%}"
    ".deblur-slider .dial input{flex:1;min-width:6em}"
    ".deblur-slider .dial output{min-width:8em;text-align:left;font-variant-numeric:tabular-nums}"
    ".deblur-slider figcaption{margin:.6em auto 0;text-align:left}"
)

SHEET = (
    "@S .stage{display:flex;flex-wrap:wrap;gap:4px;max-width:100%!important}"
    "@S .stage>.layer{flex:0 1 calc(33.3% - 4px);clip-path:none;display:block!important}"
    "@S .stage:not(.sheet)>.layer{flex:1 1 40%}@S .stage>.before{order:-1}@S{break-inside:avoid}"
    "@S .stage .tag{display:block!important}"
    "@S input,@S .edge,@S .dial{display:none!important}"
)
"""Every picture at once: on paper, and where scripts are off."""


class Html:
    """A piece of HTML that shows itself in a notebook; elsewhere it prints what there is to see.

    Args:
        source: The HTML.
        text: What it shows, in words.

    Example:
        >>> Html("<b>bold</b>", "a word in bold type")
        <Html: a word in bold type>
    """

    def __init__(self, source: str, text: str) -> None:
        self.source, self.text = source, text

    def __repr__(self) -> str:
        return f"<Html: {self.text}>"

    def _repr_html_(self) -> str:
        return self.source


def in_figure(
    pictures: list[Image.Image], stage: Callable[[list[str], str], str], *, alt: str, caption: str, name: str
) -> Html:
    """Put the pictures on their stage, as large as the budget allows."""
    if len(alt.strip()) < SHORTEST_ALT:
        raise ValueError(
            f"alt: describe what there is to see, in {SHORTEST_ALT} characters or more, "
            f"for readers who cannot see it; got {alt!r}."
        )
    if not caption.strip():
        raise ValueError("caption: a figure needs one.")
    if not name.startswith("fig-") or not name.replace("-", "").replace("_", "").isalnum():
        raise ValueError(f"name: expected 'fig-' and letters, digits or hyphens, got {name!r}.")
    pixels = ' class="pixels"' if _enlargement(pictures[0]) > 1 else ""
    for width, quality in LADDER:
        addresses = [address(_fit(picture, width), quality=quality) for picture in pictures]
        size = _fit(pictures[0], width).size
        body = stage(addresses, f'width="{size[0]}" height="{size[1]}"{pixels}')
        source = (
            f"<style>{STYLE}@media print{{{SHEET.replace('@S', '.deblur-slider')}}}</style>"
            f"<noscript><style>{SHEET.replace('@S', '.deblur-slider')}</style></noscript>"
            f'<figure id="{name}" class="deblur-slider">{body}<figcaption>{html.escape(caption)}</figcaption></figure>'
        )
        if len(source.encode()) <= BUDGET:
            return Html(source, f"{name}: {caption} {alt}")
    raise ValueError(f"{name}: {len(pictures)} pictures do not fit into {BUDGET // 1000} kB; show fewer.")


def photograph(x: Tensor, title: str) -> Image.Image:
    """A tensor (1, C, H, W) as a picture of 8 bits; `title` names it in an error."""
    if isinstance(x, Tensor) and x.is_floating_point():
        x = x.clamp(-0.5, 1.5)  # what noise and ringing overshoot is clipped, however far
    contracts.photograph(x, title)
    if x.shape[0] != 1:
        raise ValueError(f"{title}: expected one picture, got a batch of {x.shape[0]}.")
    array = (x[0].detach().cpu().double().clamp(0, 1) * 255).round().permute(1, 2, 0).numpy().astype(np.uint8)
    return Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def drawing(figure: Figure) -> Image.Image:
    """A figure as a picture; its size is the figure's own, so that frames of one series lie over each other."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=150, facecolor="white")
    return Image.open(file).convert("RGB")


def _enlargement(picture: Image.Image) -> int:
    """How many screen pixels a pixel of a small picture takes, unsmoothed."""
    return max(1, 480 // picture.width)


def shown_width(picture: Image.Image) -> int:
    """How wide a picture stands on the page, in screen pixels."""
    return min(LADDER[0][0], picture.width * _enlargement(picture))


def _fit(picture: Image.Image, width: int) -> Image.Image:
    if picture.width <= width:
        return picture
    return picture.resize((width, max(1, round(picture.height * width / picture.width))), Image.Resampling.LANCZOS)


def address(picture: Image.Image, *, quality: int = 90, lossless: bool = False) -> str:
    """The picture as a data: address. Small pictures, which are shown enlarged, lose nothing."""
    file = io.BytesIO()
    lossless = lossless or picture.width * picture.height <= 128 * 128
    picture.save(file, format="WEBP", quality=quality, method=4, lossless=lossless)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()
