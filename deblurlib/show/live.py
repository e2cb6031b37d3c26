"""Widgets that compute while their sliders move: in JupyterLab and on Colab, where a kernel runs."""

import importlib
from collections.abc import Callable
from typing import Any

from deblurlib import images
from deblurlib.blur import Blur, add_noise, camera_shake, disk, gaussian, linear_motion
from deblurlib.profile import seed
from deblurlib.show.figures import workbench
from deblurlib.show.shell import Html, address, drawing

__all__ = ["explore", "kernel_explorer"]


def explore(function: Callable[..., Any], **sliders: Any) -> Any:
    """Sliders for the arguments of a function, and below them what it returns, computed anew when one is let go.

    Args:
        function: Called with one keyword for each slider; a figure, a slider or anything that a notebook shows.
        sliders: Name -> (low, high), (low, high, step), a list of choices, True or False, or a widget.

    Returns:
        A widget, as the last expression of a cell it shows itself.

    Raises:
        ImportError: ipywidgets is not installed.
        TypeError: the function does not take these names.
    """
    widgets = _widgets()
    live = widgets.interactive(function, {"auto_display": True}, **sliders)  # without it nothing is shown
    for child in live.children:
        if hasattr(child, "continuous_update"):
            child.continuous_update = False
        if isinstance(child, widgets.FloatSlider) and child.step < 0.01:  # two places would round what it says
            child.readout_format = ".3f"
        if hasattr(child, "description"):
            child.description = child.description.replace("_", " ")
    return live


def kernel_explorer(name: str = "camera") -> Any:
    """Choose a kernel, its size, its direction and the noise; see the kernel's work and its spectrum.

    Args:
        name: Of a bundled photograph.

    Returns:
        A widget, as the last expression of a cell it shows itself.

    Raises:
        ImportError: ipywidgets is not installed.
        ValueError: an unknown photograph.
    """
    x = images.bundled(name)

    def draw(kind: str, size: int, angle: int, noise: float, trial: int) -> Html:
        k = {
            "camera shake": lambda: camera_shake(1, 2 * size + 7, length=float(size), generator=seed(trial)),
            "linear motion": lambda: linear_motion(size, angle),
            "disk": lambda: disk(max(size / 2, 0.5)),
            "Gaussian": lambda: gaussian(2 * size + 1, size / 4),
        }[kind]()
        blurred = add_noise(Blur(k, "reflect")(x), noise, generator=seed(trial))
        # A figure would show itself without a word for readers who cannot see it.
        text = f"The photograph '{name}', blurred by {kind} of {size} pixels; beside it the kernel and its spectrum."
        source = address(drawing(workbench(blurred, k)))
        return Html(f'<img src="{source}" alt="{text}" style="max-width:100%;height:auto">', text)

    widgets = _widgets()
    return explore(
        draw,
        kind=["camera shake", "linear motion", "disk", "Gaussian"],
        size=widgets.IntSlider(9, 1, 31),
        angle=widgets.IntSlider(30, 0, 180, 5),
        noise=widgets.FloatSlider(0.0, min=0.0, max=0.1, step=0.002, readout_format=".3f"),
        trial=widgets.IntSlider(0, 0, 20),
    )


def _widgets() -> Any:
    try:
        return importlib.import_module("ipywidgets")
    except ImportError as error:
        raise ImportError(
            'show.live needs ipywidgets, which comes with the book: pip install "deblurlib[book]".'
        ) from error
