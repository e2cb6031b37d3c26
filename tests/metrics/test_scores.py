"""The table: every metric with its own number, what is missing says why, and it prints, parses and is shown."""

import csv
import json
import math

import pytest
import torch

from deblurlib import images, metrics
from deblurlib.blur import add_noise
from deblurlib.metrics.scores import COLUMNS


@pytest.fixture(scope="module")
def pair():
    x = images.bundled("astronaut")[..., 50:230, 100:300]
    return add_noise(x, 0.05), x


def test_every_metric_has_its_own_number(pair):
    scores = metrics.score(*pair)
    assert list(scores.values) == list(COLUMNS) and not scores.skipped
    for name in COLUMNS:
        alone = getattr(metrics, name)(*pair[: 1 if name == "niqe" else 2])
        torch.testing.assert_close(scores[name], alone)
    lines = str(scores).splitlines()
    assert len(lines) == 7
    assert lines[0].split() == ["PSNR", f"{scores['psnr'].item():.2f}", "dB"]
    assert repr(scores) == str(scores)
    assert scores._repr_html_().count("<tr>") == 7


def test_json_and_csv(pair):
    scores = metrics.score(*pair)
    values = json.loads(scores.to_json())
    assert values == {name: pytest.approx(scores[name].item()) for name in COLUMNS}
    header, row = csv.reader(scores.to_csv().splitlines())
    assert header == list(COLUMNS)
    assert [float(cell) for cell in row] == pytest.approx([scores[name].item() for name in COLUMNS])


def test_a_batch(pair):
    x = pair[1][..., :64, :64]
    scores = metrics.score(torch.cat([x, pair[0][..., :64, :64]]), x.expand(2, -1, -1, -1))
    assert len(scores) == 2
    assert "mean" in str(scores).splitlines()[0] and "2 images" in str(scores)
    values = json.loads(scores.to_json())
    assert values["psnr"] == [None, pytest.approx(scores["psnr"][1].item())]
    assert values["vif"] == [None, None]
    assert len(scores.to_csv().splitlines()) == 3
    assert scores["psnr"][0] == math.inf and "infinite" in str(scores)


@pytest.mark.parametrize(
    ("side", "missing"),
    [
        ((11, 11), {"ms_ssim", "ifc", "vif", "vif_pixel", "niqe"}),
        ((71, 300), {"ms_ssim", "ifc", "vif", "niqe"}),
        ((72, 300), {"ms_ssim", "niqe"}),
        ((96, 191), {"ms_ssim", "niqe"}),
        ((192, 96), {"ms_ssim"}),
    ],
)
def test_what_needs_more_pixels_is_left_out_and_says_so(side, missing):
    x = images.bundled("astronaut")[..., : side[0], 100 : 100 + side[1]]
    scores = metrics.score(0.9 * x, x)
    assert scores.skipped.keys() == missing
    assert set(scores.values) == COLUMNS.keys() - missing
    for reason in scores.skipped.values():
        assert reason.startswith("needs at least") and reason in str(scores)
    assert json.loads(scores.to_json())["ms_ssim"] is None


def test_flat_images_have_scores():
    flat = torch.full((1, 1, 192, 192), 0.5)
    scores = metrics.score(flat, flat)
    assert scores.skipped.keys() == {"niqe"}
    assert "not flat" in scores.skipped["niqe"]


def test_aligned_first(pair):
    x = images.bundled("astronaut")[..., 50:230, 100:300]
    moved = images.bundled("astronaut")[..., 52:232, 99:299]
    assert metrics.score(moved, x)["psnr"] < 25
    assert metrics.score(moved, x, max_shift=4.0)["psnr"] > 60


def test_what_it_refuses(pair):
    y, x = pair
    with pytest.raises(ValueError, match="restored has shape"):
        metrics.score(y[..., 1:], x)
    with pytest.raises(ValueError, match="expected 1"):
        metrics.score(y[:, :2], x[:, :2])
    with pytest.raises(ValueError, match="fewer than its window"):
        metrics.score(y[..., :10], x[..., :10])
    with pytest.raises(ValueError, match="values run from"):
        metrics.score(255 * y, 255 * x)
