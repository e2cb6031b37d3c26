"""Sparse deconvolution with one kernel for each region: what it refuses, and what it does when numbers run away."""

import pytest
import torch

from deblurlib.blur import gaussian
from deblurlib.deconvolution import reweighted, sparse_varying
from deblurlib.profile import seed


def draw(*shape, number=0):
    return torch.rand(shape, generator=seed(number), dtype=torch.float64)


def two_by_three():
    """Six kernels, each wider than the one before: (2, 3, 5, 5)."""
    widths = torch.linspace(0.7, 1.2, 6).tolist()
    return torch.cat([gaussian(5, width, dtype=torch.float64) for width in widths]).reshape(2, 3, 5, 5)


@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
@pytest.mark.parametrize("which", ["blurred", "kernels"])
def test_what_is_not_finite_is_refused(which, bad):
    given = {"blurred": draw(1, 1, 20, 22), "kernels": two_by_three()}
    given[which][0, 0, 3, 4] = bad
    with pytest.raises(ValueError, match=f"{which}: contains NaN or infinite values"):
        sparse_varying(**given)


def test_a_pass_that_is_not_finite_is_not_taken(monkeypatch):
    """The second pass is spoilt: the first one's estimate comes back, and the warning says which pass and why."""
    y, k = 0.1 + 0.8 * draw(1, 1, 20, 22), two_by_three()
    first, passes, real = sparse_varying(y, k, reweightings=0), [], reweighted.conjugate_gradients

    def spoilt(*args, **settings):
        passes.append(real(*args, **settings))
        return passes[-1] / 0 if len(passes) == 2 else passes[-1]

    monkeypatch.setattr(reweighted, "conjugate_gradients", spoilt)
    with pytest.warns(RuntimeWarning, match="sparse deconvolution: pass 1 brought NaN or infinity") as caught:
        restored = sparse_varying(y, k, reweightings=4)
    assert len(passes) == 2 and caught[0].filename == __file__
    torch.testing.assert_close(restored, first, rtol=0, atol=1e-12)


@pytest.mark.parametrize(
    ("setting", "value"),
    [("weight", torch.nan), ("weight", torch.inf), ("exponent", torch.nan), ("exponent", 3.0), ("reweightings", -1)],
)
def test_bad_settings_are_refused(setting, value):
    with pytest.raises(ValueError, match=setting):
        sparse_varying(draw(1, 1, 20, 22), two_by_three(), **{setting: value})
