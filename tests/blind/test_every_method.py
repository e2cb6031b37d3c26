"""What every blind method promises, on one synthetic photograph."""

import math
from dataclasses import fields, replace

import pytest
import torch

from deblurlib import blind, blur, metrics
from deblurlib.blind.constants import OFF_AT_ZERO

METHODS = list(blind.METHODS)

FEW_STEPS = {
    "total_variation": {"iterations": 50},
    "low_rank": {"iterations": 2},
    "sparse_coding": {"iterations": 2},
}
"""For what holds after any number of steps; all of them take long."""

JUMPY = {"dark_channel"}
"""Their thresholds enlarge a rounding of float32: one unit in the last place of the photograph, or the products of
complex numbers and the transforms, which round otherwise at the end of a batch, change which pixels pass. The kernels
are then 0.95 alike in one of two cases; in float64 they keep 15 digits."""

MORE_STEPS = {"total_variation": {"iterations": 2000}}
"""A step moves a kernel by a thousandth, and the way from a flat one to a point is the longest that there is."""


def seen_by(method, picture):
    """A part is enough for the slowest method."""
    return picture[..., 40:160, 40:160] if method == "total_variation" else picture


@pytest.fixture(scope="module")
def found(blurred):
    memory = {}

    def run(method):
        if method not in memory:
            memory[method] = blind.estimate(seen_by(method, blurred), 13, method=method, history=True)
        return memory[method]

    return run


@pytest.mark.parametrize("method", METHODS)
def test_the_kernel_is_found(method, found, kernel, sharp, blurred):
    estimate = found(method)
    assert estimate.kernel.shape == (1, 1, 13, 13)
    assert metrics.kernel_similarity(estimate.kernel, kernel) > 0.75
    assert metrics.kernel_similarity(estimate.kernel, kernel) > metrics.kernel_similarity(
        estimate.kernel, kernel.flip(-1, -2)
    )
    x = sharp[..., 4:-4, 4:-4]
    restored = blind.deblur(blurred, 13, method=method).image if method == METHODS[0] else None
    if restored is not None:
        aligned = metrics.align(restored, x)[..., 15:-15, 15:-15]
        before, x = blurred[..., 15:-15, 15:-15], x[..., 15:-15, 15:-15]
        assert metrics.psnr(aligned, x) > metrics.psnr(before, x) + 1


@pytest.mark.parametrize("method", METHODS)
def test_the_history_goes_from_coarse_to_fine(method, found):
    rounds = found(method).history
    sizes = [r.kernel.shape[-1] for r in rounds]
    assert sizes == sorted(sizes)
    assert sizes[-1] == 13
    assert len(rounds) > 5
    for r in rounds:
        assert torch.isfinite(r.latent).all()
        assert abs(float(r.kernel.sum()) - 1) < 1e-3
        assert float(r.kernel.min()) >= 0


@pytest.mark.parametrize("method", METHODS)
def test_it_does_the_same_twice_and_alone_as_in_a_batch(method, found, blurred):
    few = FEW_STEPS.get(method, {})
    first = blurred.double() if method in JUMPY else blurred
    second = first.flip(-1)
    both = blind.estimate(torch.cat([first, second]), 13, method=method, **few)
    alone = blind.estimate(second, 13, method=method, **few)
    one = blind.estimate(first, 13, method=method, **few) if few or method in JUMPY else found(method)
    assert metrics.kernel_similarity(both.kernel[:1], one.kernel) > 0.99
    assert metrics.kernel_similarity(both.kernel[1:], alone.kernel) > 0.99
    again = blind.estimate(second, 13, method=method, **few)
    assert torch.equal(again.kernel, alone.kernel)


@pytest.mark.parametrize("method", sorted(JUMPY))
def test_what_jumps_begins_alike_in_float32_and_finds_the_kernel_in_a_batch_as_well(method, blurred, kernel):
    """The rounds of the coarsest scale agree with those of the picture alone; later ones may pass other pixels."""
    both = blind.estimate(torch.cat([blurred, blurred.flip(-1)]), 13, method=method, history=True)
    alone = blind.estimate(blurred.flip(-1), 13, method=method, history=True)
    coarsest = [(a, b) for a, b in zip(both.history, alone.history, strict=True) if a.scale == 0]
    assert len(coarsest) == 5
    for a, b in coarsest:
        torch.testing.assert_close(a.kernel[1:], b.kernel, rtol=0, atol=1e-3)
    for found, true in zip(both.kernel.split(1), (kernel, kernel.flip(-1)), strict=True):
        assert metrics.kernel_similarity(found, true) > 0.8


@pytest.mark.parametrize("method", METHODS)
def test_float64_colour_and_a_point(method, sharp):
    """A sharp photograph has a kernel close to a point; colour and float64 go through."""
    photograph = seen_by(method, sharp).double().expand(-1, 3, -1, -1)
    kernel = blind.estimate(photograph, 7, method=method, **MORE_STEPS.get(method, {})).kernel
    assert kernel.dtype == torch.float64
    assert metrics.kernel_similarity(kernel, blur.delta(3).double()) > 0.7


def test_callbacks_and_settings(blurred):
    seen = []
    found = blind.estimate(blurred, 9, method="l0_gradient", callback=seen.append, iterations=2)
    assert not found.history
    assert [r.iteration for r in seen] == [1, 2] * (len(seen) // 2)
    with pytest.raises(TypeError, match="l0_gradient has no constant 'rounds', only pyramid"):
        blind.estimate(blurred, 9, method="l0_gradient", rounds=2)


@pytest.mark.parametrize("method", METHODS)
def test_a_constant_out_of_range_is_refused_by_name(method, blurred):
    numbers = {f.name: f.default for f in fields(blind.METHODS[method].settings) if isinstance(f.default, (int, float))}
    assert numbers or method == "agreement"
    for name in numbers:
        for wrong in (-1, math.nan, math.inf):
            with pytest.raises((ValueError, TypeError), match=f"{method}, {name}: expected an? "):
                blind.estimate(blurred, 9, method=method, **{name: wrong})
        with pytest.raises(TypeError, match=f"{method}, {name}: expected an? "):
            blind.estimate(blurred, 9, method=method, **{name: "1"})
    for name in ("iterations", "weight") if "weight" in numbers else ():
        with pytest.raises(ValueError, match=f"{method}, {name}: .* got 0"):
            blind.estimate(blurred, 9, method=method, **{name: 0})
    with pytest.raises(ValueError, match="agreement, two_phase, cut: expected a number of at least 0, got -1"):
        blind.estimate(blurred, 9, method="agreement", two_phase=blind.TwoPhaseSettings(cut=-1))


@pytest.mark.parametrize("method", METHODS)
def test_zero_switches_off_what_it_may(method, blurred):
    part = blurred[..., 40:104, 40:104]
    for name in {f.name for f in fields(blind.METHODS[method].settings)} & OFF_AT_ZERO:
        kernel = blind.estimate(part, 5, method=method, **{name: 0, "iterations": 2}).kernel
        assert torch.isfinite(kernel).all(), name


def test_what_cannot_be_called_is_refused_before_the_work(blurred, monkeypatch):
    monkeypatch.setitem(blind.METHODS, "l0_gradient", replace(blind.METHODS["l0_gradient"], estimate=None))
    with pytest.raises(TypeError, match=r"finish: expected a function such as .*, got 'wiener'"):
        blind.deblur(blurred, 9, method="l0_gradient", finish="wiener")
    with pytest.raises(TypeError, match="callback: expected a function of a Round, got 3"):
        blind.estimate(blurred, 9, method="l0_gradient", callback=3)


@pytest.mark.parametrize(
    ("size", "error", "message"),
    [
        (8, ValueError, "odd number, got 8"),
        (1, ValueError, "at least 3, got 1"),
        (-3, ValueError, "got -3"),
        (999, ValueError, "999 is larger than the photograph"),
        (9.0, TypeError, "expected an integer"),
    ],
)
def test_a_bad_kernel_size(size, error, message, blurred):
    with pytest.raises(error, match=message):
        blind.estimate(blurred, size)


def test_a_flat_picture_is_no_case_for_a_kernel(blurred):
    with pytest.raises(ValueError, match="image 1 of the batch is flat"):
        blind.estimate(torch.cat([blurred, torch.full_like(blurred, 0.5)]), 9)
    with pytest.raises(ValueError, match="unknown 'magic'"):
        blind.estimate(blurred, 9, method="magic")


@pytest.mark.parametrize("method", METHODS)
def test_a_saturated_photograph_gives_a_kernel(method, blurred):
    few = FEW_STEPS.get(method, {})
    kernel = blind.estimate((3 * blurred).clamp(0, 1), 13, method=method, **few).kernel
    assert torch.isfinite(kernel).all()
    assert abs(float(kernel.sum()) - 1) < 1e-3


@pytest.mark.filterwarnings("ignore:blurred.*saturated")
def test_the_window_is_where_the_edges_are_and_not_the_lamps(blurred):
    x = torch.full((1, 1, 300, 400), 0.5)
    x[..., 100:292, 200:392] = blurred
    lamps = torch.rand(1, 1, 90, 150, generator=torch.Generator().manual_seed(0)).round()
    x[..., :90, :150] = lamps
    window = blind.choose_window(x, 13, 190)
    assert window.top >= 90
    assert window.left >= 190
    found = blind.estimate(x, 13, method="l0_gradient", window=190)
    assert found.window == window
    assert found.latent.shape[-2:] == (190, 190)
    assert blind.deblur(x, 13, method="l0_gradient", window=190).image.shape == x.shape
    assert blind.choose_window(x, 13, 500) is None
    with pytest.raises(ValueError, match="too few for a kernel of 13"):
        blind.choose_window(x, 13, 20)


def test_the_rows_of_the_table_are_complete():
    for name, method in blind.METHODS.items():
        assert method.title
        assert method.reference[-4:].isdigit()
        assert method.chapter.startswith("4-unknown-kernel/")
        assert callable(method.estimate), name
        assert method.papers or name == "agreement", f"{name}: which keys of book/references.bib?"
