"""The learning rate over a run."""

import math

import pytest

from deblurlib.training import schedule

names = pytest.mark.parametrize("name", ["cosine", "linear"])


@names
@pytest.mark.parametrize("steps", [1, 2, 3, 7, 100, 1500])
def test_range(name, steps):
    rates = [schedule(name, step, steps) for step in range(steps)]
    assert max(rates) == pytest.approx(1)
    assert min(rates) > 0
    peak = rates.index(max(rates))
    assert rates[peak:] == sorted(rates[peak:], reverse=True)


def test_cosine():
    """A linear rise over the first 3 %, then half a cosine down to 1 %."""
    rates = [schedule("cosine", step, 1000) for step in range(1000)]
    assert rates[:30] == pytest.approx([(step + 1) / 30 for step in range(30)])
    for step in (100, 514, 900):
        progress = (step - 29) / 970
        assert rates[step] == pytest.approx(0.01 + 0.99 * (1 + math.cos(math.pi * progress)) / 2)
    assert rates[-1] == pytest.approx(0.01)


def test_linear():
    """Constant for four fifths, then straight down: 40 epochs and 10."""
    rates = [schedule("linear", step, 50) for step in range(50)]
    assert rates[:41] == [1] * 41
    assert rates[41:] == pytest.approx([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1])


def test_another_name_is_refused():
    with pytest.raises(ValueError, match="unknown 'step', expected one of cosine, linear"):
        schedule("step", 0, 10)
