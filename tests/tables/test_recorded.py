"""The recorded tables hold what they promise, and say how they were made."""

import pytest

from deblurlib import benchmarks
from deblurlib.benchmarks.tables import SIX


@pytest.mark.parametrize("name", benchmarks.recorded_names())
def test_a_record_says_how_it_was_made(name):
    found = benchmarks.recorded(name)
    assert found.command.startswith("deblurlib benchmark table")
    assert "/" not in found.command
    assert {"processor", "cores", "device", "versions"} <= found.machine.keys()
    present = [m for m in found.methods if m not in found.absent]
    pictures = {r.image for r in found.results}
    assert len(found.results) == len(present) * len(pictures)
    assert all(found.absent[m] for m in found.absent)
    assert str(found).count("\n") >= len(found.methods)


def test_the_comparison_is_large_enough():
    found = benchmarks.recorded("shaken")
    present = [m for m in found.methods if m not in found.absent]
    assert len(present) >= 10
    assert found.metrics == SIX
    assert len({r.scene for r in found.results}) >= 24
    for method in present:
        for metric in SIX:
            mean = found.mean(method, metric)
            assert mean.low < mean.mean < mean.high and mean.count >= 24, (method, metric)


def test_the_best_blind_method_and_the_generator_beat_the_input_on_every_metric_with_a_reference():
    found = benchmarks.recorded("shaken")
    blind = [m for m in found.methods if m in ("l0_gradient", "dark_channel", "two_phase", "fast_edges")]
    best = max(blind, key=lambda m: found.mean(m, "psnr").mean)
    for method in (best, "pretrained"):
        for metric in SIX[:5]:
            assert found.difference(method, "blurred", metric).low > 0, (method, metric)


def test_an_unknown_record_is_refused():
    with pytest.raises(ValueError, match="unknown 'magic'"):
        benchmarks.recorded("magic")


def test_the_papers_figures():
    scenes = [benchmarks.printed_table(number)["Ours"]["psnr"] for number in (2, 3, 4, 5)]
    assert sum(scenes) / 4 == pytest.approx(24.595, abs=1e-3)
    assert len(benchmarks.printed_table(1)) == 4
    assert benchmarks.printed_table(5)["Kupyn [23]"]["niqe"] == 19.2725
    with pytest.raises(ValueError, match="expected 1 to 5, got 6"):
        benchmarks.printed_table(6)
