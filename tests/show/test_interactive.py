"""Sliders: described, captioned, light, without ids inside and without requests."""

import base64
import io
import re
from collections.abc import Callable
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from PIL import Image

from deblurlib import blur, images, show
from deblurlib.show.shell import BUDGET

ALT = "On the left the picture is dark, on the right it is light."
DARK, LIGHT = torch.zeros(1, 3, 40, 60), torch.ones(1, 3, 40, 60)


class Tags(HTMLParser):
    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(source)
        assert not self.open, "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in ("img", "input"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def all(self, name: str) -> list[dict[str, str | None]]:
        return [attributes for tag, attributes in self.tags if tag == name]


def picture(attributes: dict[str, str | None]) -> Image.Image:
    kind, _, data = (attributes["src"] or "").partition(";base64,")
    assert kind == "data:image/webp"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def wipe() -> show.Html:
    return show.before_after(DARK, LIGHT, alt=ALT, caption="Dark and light.", name="fig-wipe", inset=blur.disk(2.0))


def dial() -> show.Html:
    figures = [show.lines({"a": ([0, 1], [0, height])}) for height in (1, 2)]
    return show.scrub(
        [DARK, LIGHT, *figures], labels=["a", "b & c", "d", "e"], alt=ALT, caption="Four.", name="fig-dial", start=-1
    )


@pytest.mark.parametrize("make", [wipe, dial])
def test_a_slider_is_one_described_figure(make: Callable[[], show.Html]) -> None:
    source = make()._repr_html_()
    tags = Tags(source)
    assert [figure["class"] for figure in tags.all("figure")] == ["deblur-slider"]
    assert [attributes["id"] for _, attributes in tags.tags if "id" in attributes] == [tags.all("figure")[0]["id"]]
    assert len(tags.all("figcaption")) == 1
    (control,) = tags.all("input")
    assert control["type"] == "range"
    assert control["aria-label"] and control["aria-valuetext"] and "this." in (control["oninput"] or "")
    for image in tags.all("img"):
        assert image.get("aria-hidden") == "true" or len(image["alt"] or "") >= 40
        assert picture(image).width <= 640
    assert "noscript" in [tag for tag, _ in tags.tags]
    assert not re.search(r"https?://|//\w|url\(|@import|fetch\(", re.sub(r"base64,[\w+/=]+", "", source))
    assert ALT in repr(make())


def test_left_is_before_and_right_is_after() -> None:
    source = wipe()._repr_html_()
    left, right = (re.search(rf'class="layer {side}"><img[^>]* src="([^"]+)"', source) for side in ("before", "after"))
    assert left and right
    assert np.asarray(picture({"src": left[1]})).max() == 0
    assert np.asarray(picture({"src": right[1]})).min() == 255


def test_the_dial_starts_where_it_is_told() -> None:
    tags = Tags(dial()._repr_html_())
    layers = [attributes for attributes in tags.all("div") if attributes["class"] == "layer"]
    assert ["hidden" in layer for layer in layers] == [True, True, True, False]
    assert tags.all("input")[0]["value"] == "3"
    assert tags.all("img")[1]["alt"] == f"{ALT} Shown here: b & c."


def test_many_large_pictures_stay_in_the_budget() -> None:
    x = images.bundled("china")
    noisy = [blur.add_noise(x, 0.05 * i) for i in range(9)]
    slider = show.scrub(noisy, labels=[str(i) for i in range(9)], alt=ALT, caption="Noise.", name="fig-noise")
    assert len(slider._repr_html_().encode()) <= BUDGET


def test_small_pictures_are_enlarged_unsmoothed_and_lose_nothing() -> None:
    x = torch.rand(1, 1, 9, 9)
    slider = show.before_after(x, x, alt=ALT, caption="The same twice.")
    image = Tags(slider._repr_html_()).all("img")[0]
    assert image["class"] == "pixels"
    assert np.array_equal(np.asarray(picture(image).convert("L")), (x[0, 0] * 255).round().byte().numpy())


def test_text_is_escaped() -> None:
    slider = show.before_after(
        DARK, LIGHT, alt='A "dark" picture & a light one, beside each other.', caption="1 < 2", labels=("<a>", '"b"')
    )
    tags = Tags(slider._repr_html_())
    assert "1 &lt; 2" in slider._repr_html_() and not tags.all("a")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: show.before_after(DARK, LIGHT, alt="dark, light", caption="c"), "alt: describe what there is to see"),
        (lambda: show.before_after(DARK, LIGHT, alt=ALT, caption=" "), "caption"),
        (lambda: show.before_after(DARK, LIGHT, alt=ALT, caption="c", name="wipe"), "name: expected 'fig-'"),
        (lambda: show.before_after(DARK, LIGHT, alt=ALT, caption="c", name='fig-"x'), "name: expected 'fig-'"),
        (lambda: show.before_after(DARK, LIGHT[..., :9], alt=ALT, caption="c"), "one size, got 40x60 and 40x9"),
        (lambda: show.before_after(DARK.repeat(2, 1, 1, 1), LIGHT, alt=ALT, caption="c"), "batch of 2"),
        (lambda: show.before_after(DARK, LIGHT, alt=ALT, caption="c", inset=torch.ones(1, 1, 3, 3)), "sums to 9"),
        (lambda: show.scrub([DARK], labels=["a"], alt=ALT, caption="c"), "two or more"),
        (lambda: show.scrub([DARK, LIGHT], labels=["a"], alt=ALT, caption="c"), "labels: expected 2"),
        (lambda: show.scrub([DARK, LIGHT], labels=["a", "b"], alt=ALT, caption="c", start=2), "start"),
        (lambda: show.scrub([DARK, "x"], labels=["a", "b"], alt=ALT, caption="c"), "expected a torch.Tensor"),
    ],
)
def test_a_wrong_argument_is_named(make: Callable[[], show.Html], message: str) -> None:
    with pytest.raises((ValueError, TypeError), match=message):
        make()
