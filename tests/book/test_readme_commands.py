"""What the README shows does what it says, in the order in which it stands there."""

import re

import pytest
from typer.testing import CliRunner

from deblurlib import images, metrics
from deblurlib.cli import app

from .conftest import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_its_lines_of_python_make_a_photograph_sharper() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    names: dict[str, object] = {}
    exec(code, names)
    gain = metrics.psnr(names["restored"], names["sharp"]) - metrics.psnr(names["blurred"], names["sharp"])
    (said,) = re.findall(r"# (\d+\.\d) dB better", code)
    assert float(gain) == pytest.approx(float(said), abs=0.05)


def test_its_commands_run_one_after_the_other(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    images.save("holiday.jpg", images.bundled("clock")[..., 100:180, 150:250])
    commands = re.findall(r"(?m)^deblurlib ([^#\n]*)", README)
    assert {command.split()[0] for command in commands} == {"deblur", "doctor"}
    for command in commands:
        done = CliRunner().invoke(app, command.split(), prog_name="deblurlib")
        assert done.exit_code == 0, (command, done.stderr)
