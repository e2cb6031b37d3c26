"""Widgets: they compute when a slider is let go, and say what is missing."""

import sys

import pytest

from deblurlib import show


def test_explore_calls_the_function_with_the_values_of_its_sliders() -> None:
    pytest.importorskip("ipywidgets")
    seen = []
    widget = show.live.explore(
        lambda kernel_size, flip: seen.append((kernel_size, flip)), kernel_size=(1, 9, 2), flip=True
    )
    slider, box = widget.children[:2]
    assert (slider.description, slider.continuous_update, box.description) == ("kernel size", False, "flip")
    slider.value = 7
    assert seen[-1] == (7, True)


def test_a_slider_of_fine_steps_says_all_its_places() -> None:
    pytest.importorskip("ipywidgets")
    widget = show.live.explore(lambda noise, gain: None, noise=(0.0, 0.05, 0.005), gain=(0.5, 8.0, 0.5))
    fine, coarse = widget.children[:2]
    assert (fine.readout_format, coarse.readout_format) == (".3f", ".2f")


def test_explore_shows_what_the_function_returns(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ipywidgets")
    widget = show.live.explore(lambda size: f"a kernel of {size} pixels", size=(1, 9, 2))
    widget.children[0].value = 7
    assert "a kernel of 7 pixels" in capsys.readouterr().out


def test_the_kernel_explorer_draws_every_kind_at_every_end(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("ipywidgets")
    explorer = show.live.kernel_explorer()
    kind, size, angle, noise, _trial = explorer.children[:5]
    assert (angle.min, noise.value) == (0, 0.0)
    for name in kind.options:
        for pixels in (size.min, size.max):
            kind.value, size.value = name, pixels
            assert not any(output.get("output_type") == "error" for output in explorer.out.outputs)
            assert "Error" not in capsys.readouterr().err


def test_missing_ipywidgets_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipywidgets", None)
    with pytest.raises(ImportError, match=r"pip install .deblurlib\[book\]."):
        show.live.explore(lambda: None)
