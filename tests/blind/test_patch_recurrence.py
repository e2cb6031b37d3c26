"""Recurrence across scales: the windows of the search, the step, and that the smaller picture does the work."""

from itertools import pairwise

import pytest
import torch

from deblurlib import blind, blur, metrics
from deblurlib.blind.edges import gradients
from deblurlib.blind.patch_recurrence import PatchRecurrenceSettings, recurrence, smaller, windows


def noise(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def patches_of(x, side):
    """Every patch of (H, W), by its corner: (H - side + 1, W - side + 1, side, side)."""
    return x.unfold(0, side, 1).unfold(1, side, 1)


def rho(x, r, settings):
    """-sum_j log sum_i exp(-|Q_j x - R_i r|^2 / (2 h^2)), the patches of x where `recurrence` takes them: (B,)."""
    side, stride = settings.patch, settings.stride
    own = torch.nn.functional.unfold(x, side, stride=stride).mT
    others = torch.nn.functional.unfold(r, side).mT
    places = windows((x.shape[-2], x.shape[-1]), (r.shape[-2], r.shape[-1]), settings, x.device)
    distance = torch.stack([(others[:, i] - own).square().sum(dim=2) for i in places])
    return -torch.logsumexp(distance / (-2 * settings.width**2), dim=0).sum(dim=1)


def test_windows_lie_inside_round_the_place_that_corresponds():
    settings = PatchRecurrenceSettings()
    places = windows((44, 35), (33, 26), settings, torch.device("cpu"))
    assert places.shape == (25, 14 * 11)
    down, across = places // (26 - 4), places % (26 - 4)
    assert int(down.min()) == int(across.min()) == 0
    assert int(down.max()) == 33 - 5
    assert int(across.max()) == 26 - 5
    assert all(len(set(column.tolist())) == 25 for column in places.T)
    middle = places[12].view(14, 11)[7, 5]  # the patch at (21, 15), whose middle is at (23.5, 17.5)
    assert abs(int(middle) // 22 + 2.5 - 23.5 * 3 / 4) <= 0.5
    assert abs(int(middle) % 22 + 2.5 - 17.5 * 26 / 35) <= 0.5


def test_the_step_is_the_average_patch_by_patch():
    settings = PatchRecurrenceSettings(patch=3, stride=2, reach=1, width=0.4)
    x, r = noise(2, 1, 9, 11), noise(2, 1, 7, 8, seed=1)
    places = windows((9, 11), (7, 8), settings, x.device)
    for b in range(2):
        small = patches_of(r[b, 0], 3).reshape(-1, 3, 3)
        total, times = torch.zeros_like(x[b, 0]), torch.zeros_like(x[b, 0])
        for j in range(places.shape[1]):
            top, left = j // 5 * 2, j % 5 * 2
            own = x[b, 0, top : top + 3, left : left + 3]
            weights = torch.stack([(-(small[i] - own).square().sum() / (2 * 0.4**2)).exp() for i in places[:, j]])
            total[top : top + 3, left : left + 3] += torch.einsum(
                "i,ihw->hw", weights / weights.sum(), small[places[:, j]]
            )
            times[top : top + 3, left : left + 3] += 1
        torch.testing.assert_close(recurrence(x, r, settings)[b, 0], total / times)


def test_the_step_lowers_the_prior(blurred):
    settings = PatchRecurrenceSettings()
    x = blurred.double()[..., :62, :65]
    r = smaller(x, settings.smaller)
    values = [rho(x, r, settings)]
    for _ in range(4):
        x = recurrence(x, r, settings)
        values.append(rho(x, r, settings))
    assert all(float(b) < float(a) for a, b in pairwise(values))


def test_what_a_blurred_edge_finds_in_its_smaller_self_is_sharper_and_in_itself_it_is_not():
    edge = (torch.arange(40, dtype=torch.float64) - 19.5).div(4.0).sigmoid().expand(1, 1, 40, 40)
    settings = PatchRecurrenceSettings(width=0.02)
    slope = float(edge.diff(dim=-1).max())
    assert float(recurrence(edge, smaller(edge, 4 / 3), settings).diff(dim=-1).max()) > 1.1 * slope
    assert float(recurrence(edge, edge, settings).diff(dim=-1).max()) < 1.001 * slope


def test_the_step_sharpens_a_blurred_picture_and_softens_a_sharp_one(sharp, kernel):
    """Between the two lies where the loop comes to rest."""
    y = blur.Blur(kernel, "valid")(sharp)
    settings = PatchRecurrenceSettings()

    def steepest(x):
        return float(gradients(x).abs().quantile(0.999))

    after = {name: steepest(recurrence(x, smaller(x, 4 / 3), settings)) for name, x in (("y", y), ("x", sharp))}
    assert after["y"] > 1.02 * steepest(y)
    assert after["x"] < 0.95 * steepest(sharp)


def test_the_prior_prefers_the_blurred_picture(sharp, kernel):
    settings, pair = PatchRecurrenceSettings(), (sharp[..., 4:-4, 4:-4], blur.Blur(kernel, "valid")(sharp))
    values = [float(rho(v, smaller(v, settings.smaller), settings)) for v in (x[..., :188, :188] for x in pair)]
    assert values[1] < values[0]


def test_without_a_smaller_picture_the_kernel_is_not_found(blurred, kernel):
    """The same loop, its patches looked for in the picture itself: what is left is the selection of edges."""
    part = blurred[..., 40:168, 40:168]
    across, within = (
        metrics.kernel_similarity(blind.estimate(part, 13, method="patch_recurrence", smaller=s).kernel, kernel)
        for s in (4 / 3, 1.0)
    )
    assert float(across) > float(within) + 0.1


def test_what_leaves_pixels_out_or_does_not_fit_is_refused(blurred):
    with pytest.raises(ValueError, match="stride: expected at most the side of a patch, 5, got 6"):
        blind.estimate(blurred, 9, method="patch_recurrence", stride=6)
    for method in ("patch_recurrence", "low_rank"):
        with pytest.raises(ValueError, match=r"patch: 300 is larger than the picture at this scale, \d+x\d+"):
            blind.estimate(blurred, 9, method=method, patch=300)


def test_a_picture_made_so_small_that_no_patch_fits_stays_as_large_as_one():
    assert smaller(torch.ones(1, 1, 40, 60), 20.0, 5).shape == (1, 1, 5, 5)
