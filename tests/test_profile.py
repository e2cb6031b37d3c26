"""At which scale, on what, and what the doctor says about it."""

import html

import pytest
import torch

from deblurlib import profile


@pytest.fixture
def scale(monkeypatch):
    """Set the environment variable, and pretend to have a GPU of so many bytes."""

    def to(value, memory=None):
        monkeypatch.delenv("DEBLUR_SCALE", raising=False)
        if value is not None:
            monkeypatch.setenv("DEBLUR_SCALE", value)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: memory is not None)
        device = type("Device", (), {"total_memory": memory})
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: device)
        return profile.current()

    return to


@pytest.mark.parametrize("value", ["pocket", "full", "FULL", "Pocket"])
@pytest.mark.parametrize("memory", [None, 80 * 2**30])
def test_the_variable_decides(scale, value, memory):
    found = scale(value, memory)
    assert found.scale == value.lower()
    assert found.device.type == ("cpu" if memory is None else "cuda")
    assert found.why == f"DEBLUR_SCALE={value.lower()}"


@pytest.mark.parametrize("value", [None, "", "auto"])
def test_auto_looks_at_the_device(scale, value):
    assert scale(value).scale == "pocket"
    assert "no CUDA device" in scale(value).why
    assert scale(value, 80 * 2**30).scale == "full"
    assert scale(value, 4 * 2**30).scale == "pocket"
    assert "less than 12 GiB" in scale(value, 4 * 2**30).why


def test_another_scale_is_refused(scale):
    with pytest.raises(ValueError, match=r"DEBLUR_SCALE: unknown 'huge', expected one of pocket, full, auto"):
        scale("huge")


def test_pick(scale):
    assert scale("pocket").pick(pocket=1, full=2) == 1
    assert scale("full").pick(pocket=1, full=2) == 2


def test_seed():
    assert torch.equal(torch.rand(5, generator=profile.seed(7)), torch.rand(5, generator=profile.seed(7)))
    assert not torch.equal(torch.rand(5, generator=profile.seed(7)), torch.rand(5, generator=profile.seed(8)))
    for number in (10**23, -(2**63) - 1):
        with pytest.raises(ValueError, match=f"seed: expected a number of 64 bits, got {number}"):
            profile.seed(number)
    assert torch.equal(profile.seed(2**64 - 1).get_state(), profile.seed(-1).get_state())


@pytest.mark.parametrize("value", ["pocket", "full"])
def test_doctor(monkeypatch, value):
    monkeypatch.setenv("DEBLUR_SCALE", value)
    report = profile.doctor()
    found = dict(report.lines)
    assert found["scale"].startswith(value)
    assert torch.__version__.split("+")[0] in found["versions"]
    assert "missing" not in found["versions"]
    assert ("training" in found["skips"]) == (value == "pocket")
    text = str(report)
    assert text.splitlines()[0].split(None, 1) == ["scale", found["scale"]]
    table = report._repr_html_()
    assert table.count("<tr>") == len(report.lines)
    assert html.escape(found["device"]) in table


def test_html_is_escaped():
    table = profile.Report((("<b>", "a & b"),))._repr_html_()
    assert "&lt;b&gt;" in table
    assert "a &amp; b" in table


def test_fast_bfloat16_is_an_answer():
    assert profile.fast_bfloat16(torch.device("cpu")) in (True, False)
    assert profile.fast_bfloat16(torch.device("meta")) is False
