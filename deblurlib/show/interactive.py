"""Sliders in plain HTML: they work in a notebook, on Colab, and in the built book from a disk, without a kernel.

A slider is one `<figure>` with its pictures inside it (WebP in data: addresses), one `<input type="range">`, and one
line of script in its `oninput`. Nothing inside it has an id, so it may be shown twice; without script it shows a
contact sheet.
"""

import html
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from PIL import Image
from torch import Tensor

from deblurlib import contracts
from deblurlib.show.shell import Html, address, drawing, in_figure, photograph, shown_width


def before_after(
    before: Tensor,
    after: Tensor,
    *,
    alt: str,
    caption: str,
    name: str = "fig-before-after",
    labels: tuple[str, str] = ("blurred", "restored"),
    inset: Tensor | None = None,
) -> Html:
    """Two pictures of one scene, and a boundary between them that the reader moves.

    Pictures are scaled down to 640 pixels across, and further if the slider would be larger than 400 kB.

    Args:
        before: (1, C, H, W) in [0, 1], on the left.
        after: Same size, on the right.
        alt: What there is to see, in 40 characters or more, for readers who cannot see it.
        caption: Of the figure.
        name: The id of the figure, starting with 'fig-'; links go to '#' and this name.
        labels: Of the left and the right picture.
        inset: The kernel, (1, 1, h, w), shown in a corner of the left picture.

    Returns:
        The slider, as the last expression of a cell it shows itself.

    Raises:
        TypeError: not tensors.
        ValueError: not single photographs of one size, or a description that is too short.

    Example:
        >>> import torch
        >>> slider = before_after(torch.zeros(1, 1, 8, 8), torch.ones(1, 1, 8, 8), caption="Night and day.",
        ...     alt="On the left a black square, on the right a white one of the same size.")
        >>> '<figure id="fig-before-after"' in slider._repr_html_()
        True
    """
    pictures = [photograph(x, title) for x, title in zip((before, after), ("before", "after"), strict=True)]
    if pictures[0].size != pictures[1].size:
        sizes = " and ".join(f"{p.height}x{p.width}" for p in pictures)
        raise ValueError(f"before and after: expected two pictures of one size, got {sizes} pixels.")
    kernel = None
    if inset is not None:
        k = contracts.kernel(inset, "inset")[0, 0].detach().cpu().double()
        kernel = address(Image.fromarray((k / k.max() * 255).round().numpy().astype(np.uint8)), lossless=True)
    left, right = (html.escape(label) for label in labels)

    def stage(sources: list[str], attributes: str) -> str:
        corner = f'<img class="inset" src="{kernel}" alt="" aria-hidden="true">' if kernel else ""
        return (
            f'<div class="stage" style="max-width:{shown_width(pictures[0])}px">'
            f'<div class="layer after"><img {attributes} src="{sources[1]}" alt="" aria-hidden="true">'
            f'<span class="tag">{right}</span></div>'
            f'<div class="layer before"><img {attributes} src="{sources[0]}" alt="{html.escape(alt)}">{corner}'
            f'<span class="tag">{left}</span></div>'
            '<div class="edge"></div>'
            f'<input class="wipe" type="range" min="0" max="100" value="50" aria-label="Boundary between the two '
            f'pictures: {left} to its left, {right} to its right" aria-valuetext="50 % {left}" '
            "oninput=\"this.parentNode.style.setProperty('--at',this.value+'%');"
            "this.setAttribute('aria-valuetext',this.value+' % '+this.dataset.left)\" "
            f'data-left="{left}"></div>'
        )

    return in_figure(pictures, stage, alt=alt, caption=caption, name=name)


def scrub(
    frames: Sequence[Tensor | Figure],
    *,
    labels: Sequence[str],
    alt: str,
    caption: str,
    name: str = "fig-scrub",
    start: int = 0,
) -> Html:
    """A series of pictures, and a slider that goes through it: iterations, strengths, epochs.

    Pictures are scaled down to 640 pixels across, and further if the slider would be larger than 400 kB.

    Args:
        frames: (1, C, H, W) tensors in [0, 1], or matplotlib figures.
        labels: One for each frame: what the slider stands at.
        alt: What there is to see along the series, in 40 characters or more.
        caption: Of the figure.
        name: The id of the figure, starting with 'fig-'; links go to '#' and this name.
        start: The frame that is shown first; -1 is the last one.

    Returns:
        The slider, as the last expression of a cell it shows itself.

    Raises:
        TypeError: frames that are neither tensors nor figures.
        ValueError: fewer than two frames, other numbers of labels, or a description that is too short.

    Example:
        >>> import torch
        >>> greys = [torch.full((1, 1, 8, 8), level) for level in (0.0, 0.5, 1.0)]
        >>> slider = scrub(greys, labels=["dark", "middle", "light"], caption="Three greys.", name="fig-greys",
        ...     alt="A square that goes from black over grey to white as the slider moves.")
        >>> slider._repr_html_().count("<img")
        3
    """
    if len(frames) < 2:
        raise ValueError(f"frames: a slider needs two or more, got {len(frames)}.")
    if len(labels) != len(frames):
        raise ValueError(f"labels: expected {len(frames)}, one for each frame, got {len(labels)}.")
    if not -len(frames) <= start < len(frames):
        raise ValueError(f"start: expected a frame from 0 to {len(frames) - 1}, got {start}.")
    start %= len(frames)
    pictures = [drawing(f) if isinstance(f, Figure) else photograph(f, f"frame {i}") for i, f in enumerate(frames)]
    texts = [html.escape(label) for label in labels]

    def stage(sources: list[str], attributes: str) -> str:
        layers = "".join(
            f'<div class="layer"{"" if i == start else " hidden"}><img {attributes} src="{source}" '
            f'alt="{html.escape(alt)} Shown here: {text}."><span class="tag">{text}</span></div>'
            for i, (source, text) in enumerate(zip(sources, texts, strict=True))
        )
        width = max(shown_width(picture) for picture in pictures)
        return (
            f'<div class="stage sheet" style="max-width:{width}px">{layers}</div>'
            f'<div class="dial" style="max-width:{width}px">'
            f'<input type="range" min="0" max="{len(frames) - 1}" step="1" value="{start}" '
            f'aria-label="Go through the {len(frames)} pictures" aria-valuetext="{texts[start]}" '
            "oninput=\"const f=this.closest('figure'),l=f.querySelectorAll('.layer');"
            "l.forEach((e,i)=>{e.hidden=i!=this.value});const t=l[this.value].querySelector('.tag').textContent;"
            "f.querySelector('output').textContent=t;this.setAttribute('aria-valuetext',t)\">"
            f'<output aria-live="off">{texts[start]}</output></div>'
        )

    return in_figure(pictures, stage, alt=alt, caption=caption, name=name)
