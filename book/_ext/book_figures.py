"""Number the sliders of `deblurlib.show` together with the other figures, so that the text can refer to them.

A slider is HTML of its own, `<figure id="fig-name" class="deblur-slider">…<figcaption>…</figcaption></figure>`. Sphinx
numbers only figures that it knows: the slider becomes one, with the same id and caption.
"""

import html
import re

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform

SLIDER = re.compile(
    r'(?P<before>.*)<figure id="(?P<name>[\w-]+)" class="(?P<classes>deblur-slider[^"]*)">'
    r"(?P<body>.*)<figcaption>(?P<caption>.*)</figcaption></figure>(?P<after>.*)",
    re.DOTALL,
)


class NumberSliders(SphinxTransform):
    """Turn the HTML of a slider into a figure, before Sphinx collects and numbers what has a caption."""

    default_priority = 400

    def apply(self, **kwargs: object) -> None:
        """Replace each output that holds a slider."""
        for raw in list(self.document.findall(nodes.raw)):
            slider = SLIDER.fullmatch(raw.astext()) if "html" in raw.get("format", "") else None
            if slider:
                self.replace(raw, slider)

    def replace(self, raw: nodes.raw, slider: re.Match[str]) -> None:
        """Put a figure where the bundle of outputs stands that the slider is the HTML of."""
        content = nodes.raw("", slider["before"] + slider["body"] + slider["after"], format="html")
        content["classes"] = raw["classes"]
        text = html.unescape(slider["caption"])
        figure = nodes.figure("", content, nodes.caption(text, text), names=[slider["name"]])
        figure["classes"] = slider["classes"].split()
        bundle: nodes.Element = raw
        while isinstance(bundle.parent, nodes.container) and bundle.get("nb_element") != "mime_bundle":
            bundle = bundle.parent
        bundle.replace_self(figure)
        figure["ids"] = [slider["name"]]
        self.document.note_explicit_target(figure)


def setup(app: Sphinx) -> dict[str, object]:
    """Add the transform."""
    app.add_transform(NumberSliders)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
