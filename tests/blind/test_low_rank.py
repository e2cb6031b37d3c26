"""The low-rank prior: its groups, its shrinkage, its step, and what it prefers."""

import pytest
import torch

from deblurlib import blur
from deblurlib.blind.edges import gradients
from deblurlib.blind.latent_steps import Periodic
from deblurlib.blind.low_rank import LowRankSettings, low_rank_patches, low_rank_step, shrink, similar_patches


def noise(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def wrapped_patch(x, corner, side):
    """(C side side,) of a periodic picture (C, H, W)."""
    rows, columns = (torch.arange(side) + c for c in corner)
    return x[:, rows % x.shape[1]][:, :, columns % x.shape[2]].flatten()


def group(x, corners, side):
    """(m, C side side) of a periodic picture (C, H, W)."""
    return torch.stack([wrapped_patch(x, divmod(int(c), x.shape[2]), side) for c in corners])


def test_the_groups_are_those_of_a_search_patch_by_patch():
    x, side, reach = noise(2, 1, 11, 14), 4, 2
    groups = similar_patches(x, side, 3, reach)
    assert groups.shape == (2, 3 * 4, 3)
    for b in range(2):
        for r in range(12):
            top, left = r // 4 * side, r % 4 * side
            own = wrapped_patch(x[b], (top, left), side)
            corners = [
                ((top + i) % 11 * 14 + (left + j) % 14)
                for i in range(-reach, reach + 1)
                for j in range(-reach, reach + 1)
            ]
            distance = {c: float((wrapped_patch(x[b], divmod(c, 14), side) - own).square().sum()) for c in corners}
            assert set(groups[b, r].tolist()) == set(sorted(corners, key=distance.__getitem__)[:3])


def test_a_patch_is_in_its_own_group_where_all_look_alike():
    """Otherwise a pixel of a flat part might be in no group, and what it becomes would be 0 / 0."""
    x = torch.full((1, 1, 10, 10), 0.5, dtype=torch.float64)
    groups = similar_patches(x, 3, 2, 3)
    own = [top * 10 + left for top in (0, 3, 6, 9) for left in (0, 3, 6, 9)]
    assert all(o in g for o, g in zip(own, groups[0].tolist(), strict=True))
    torch.testing.assert_close(low_rank_patches(x, groups, 3, 1e-9), x)


def test_singular_values_shrink_to_the_fixed_point_or_to_nothing():
    m, cut = noise(5, 6, 9), 2.0
    found = torch.linalg.svdvals(shrink(m @ m.mT, cut) @ m)
    q = torch.linalg.svdvals(m)
    some = q.square() > 4 * cut
    assert 0 < int(some.sum()) < some.numel()
    torch.testing.assert_close(found[some], (q - cut / found)[some])
    assert float(found[~some].abs().max()) < 1e-9


def test_the_shrinkage_is_the_best_point_of_its_objective():
    """(s - q)^2 / 2 + C log s, whose derivative is s - q + C / s, has its local minimum where the step goes."""
    q = torch.tensor([3.0, 4.0, 7.0], dtype=torch.float64)
    s = torch.diagonal(shrink(torch.diag(q.square()), 2.0)) * q

    def objective(v):
        return (v - q).square() / 2 + 2.0 * v.log()

    for nearby in (s * 0.99, s * 1.01):
        assert (objective(nearby) > objective(s)).all()


def test_groups_are_lowered_and_averaged_as_one_by_one():
    x, side, cut = noise(1, 2, 9, 10), 4, 1.5
    groups = similar_patches(x[:, :1], side, 4, 3)
    total, times = torch.zeros_like(x[0]), torch.zeros_like(x[0])
    for corners in groups[0]:
        m = group(x[0], corners, side)
        u, q, v = torch.linalg.svd(m, full_matrices=False)
        s = torch.where(q**2 > 4 * cut, (q + (q**2 - 4 * cut).clamp_min(0).sqrt()) / 2, 0.0)
        for corner, patch in zip(corners, u @ torch.diag(s) @ v, strict=True):
            top, left = divmod(int(corner), 10)
            rows, columns = (torch.arange(side) + top) % 9, (torch.arange(side) + left) % 10
            total[:, rows[:, None], columns] += patch.view(2, side, side)
            times[:, rows[:, None], columns] += 1
    torch.testing.assert_close(low_rank_patches(x, groups, side, cut)[0], total / times)


def test_with_no_blur_and_hardly_a_prior_the_picture_stays(blurred):
    y = Periodic(blurred[..., :60, :60].double(), 5)
    point = blur.delta(5).double()
    groups = similar_patches(y.picture, 4, 6, 5)
    near, far = (low_rank_step(y, point, weight, groups, LowRankSettings()) - y.picture for weight in (1e-9, 1e-2))
    assert float(near.abs().max()) < 1e-6
    assert float(far.abs().max()) > 0.01


def test_the_step_drops_faint_slopes_and_keeps_the_strong_ones(blurred, kernel):
    y = Periodic(blurred, 9)
    groups = similar_patches(y.picture, 4, 6, 5)
    weak, strong = (
        gradients(y.cut(low_rank_step(y, kernel, weight, groups, LowRankSettings()))).abs() for weight in (1e-5, 2e-3)
    )
    assert float(strong.quantile(0.5)) < 0.6 * float(weak.quantile(0.5))
    assert float(strong.quantile(0.99)) > 0.7 * float(weak.quantile(0.99))


@pytest.mark.parametrize("least", [0.1, 0.2, 0.4])
def test_the_objective_prefers_the_blurred_picture(sharp, kernel, least):
    """Groups of the blurred picture have fewer singular values that count, so that the prior alone asks for no blur."""
    y = blur.Blur(kernel, "valid")(sharp)
    ranks = []
    for x in (sharp[..., 4:-4, 4:-4], y):
        corners = similar_patches(x, 6, 16, 10)[0, ::7]
        slopes = torch.nn.functional.pad(gradients(x), (0, 1, 0, 1))[0]
        ranks.append(torch.stack([(torch.linalg.svdvals(group(slopes, c, 6)) > least).sum() for c in corners]))
    assert float(ranks[1].double().mean()) < 0.8 * float(ranks[0].double().mean())
