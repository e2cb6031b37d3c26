"""The checkers of the chapter on MAP's rescue: each wrong answer draws its own message."""

import pytest
import torch

from deblurlib.exercises import check


def maps(x):
    return torch.cat([x[..., :-1, 1:] - x[..., :-1, :-1], x[..., 1:, :-1] - x[..., :-1, :-1]], dim=1)


def ratio(x, view=maps, top=1, bottom=0.5, mean=False, dim=(1, 2, 3)):
    g = view(x)
    total = torch.mean if mean else torch.sum
    return total(g.abs(), dim=dim) ** top / total(g.square(), dim=dim) ** bottom


def tidy(estimate, part, negative=False, level=None, whole=True, sign=1, peak=False):
    limit = part * estimate.max() if level is None else level
    k = torch.where((estimate.abs() if negative else estimate) >= limit, estimate, 0.0)
    k = k / k.sum() if whole else k
    h, w = k.shape[-2:]
    row = (k.sum(dim=(0, 1, 3)) * torch.arange(h)).sum() / k.sum()
    column = (k.sum(dim=(0, 1, 2)) * torch.arange(w)).sum() / k.sum()
    if peak:
        row, column = k.argmax() // w, k.argmax() % w
    return k.roll(
        (sign * (h // 2 - int(row.float().round())), sign * (w // 2 - int(column.float().round()))), dims=(2, 3)
    )


def shock(u, step, sign=1, slope="smaller", curve=torch.sign):
    p = torch.cat([u[:1], u, u[-1:]])
    ahead, behind = p[2:] - u, u - p[:-2]
    least, most = torch.minimum(ahead.abs(), behind.abs()), torch.maximum(ahead.abs(), behind.abs())
    size = {
        "smaller": torch.where(ahead * behind > 0, least, 0.0),
        "larger": torch.where(ahead * behind > 0, most, 0.0),
        "always": least,
        "central": (ahead + behind).abs() / 2,
    }[slope]
    return u - sign * step * curve(ahead - behind) * size


RIGHT = {"sparsity_ratio": ratio, "tidy_kernel": tidy, "shock_step": shock}

WRONG = [
    ("sparsity_ratio", lambda x: 1 / ratio(x), "other way round"),
    ("sparsity_ratio", lambda x: ratio(x, bottom=1), "root is missing"),
    ("sparsity_ratio", lambda x: ratio(x, bottom=0), "denominator"),
    ("sparsity_ratio", lambda x: ratio(x, mean=True), "means"),
    ("sparsity_ratio", lambda x: ratio(x, view=lambda x: x), "brightness"),
    ("sparsity_ratio", lambda x: ratio(x, view=lambda x: maps(x)[:, :1]), "none down"),
    (
        "sparsity_ratio",
        lambda x: ratio(x, view=lambda x: maps(x).square().sum(1, keepdim=True).sqrt()),
        "length of each",
    ),
    ("sparsity_ratio", lambda x: ratio(x, dim=(0, 1, 2, 3)), "mixes three"),
    ("sparsity_ratio", lambda x: None, "None"),
    ("sparsity_ratio", lambda x: ratio(x) + 1, "each sum"),
    ("tidy_kernel", lambda *a: tidy(*a, negative=True), "negative light"),
    ("tidy_kernel", lambda *a: tidy(*a, level=1e-12), "dust"),
    ("tidy_kernel", lambda *a: tidy(*a, level=0.05), "'part' itself"),
    ("tidy_kernel", lambda *a: tidy(*a, whole=False), "sum is not one"),
    ("tidy_kernel", lambda *a: tidy(*a, sign=-1), "away from the centre"),
    ("tidy_kernel", lambda *a: tidy(*a, sign=0), "not moved"),
    ("tidy_kernel", lambda *a: tidy(*a, peak=True), "brightest pixel"),
    ("tidy_kernel", lambda *a: None, "None"),
    ("tidy_kernel", lambda *a: tidy(*a).mT, "shape"),
    ("tidy_kernel", lambda *a: tidy(*a) + 0.1, "at row"),
    ("shock_step", lambda *a: shock(*a, sign=-1), "gentler"),
    ("shock_step", lambda u, step: shock(u, 1.0), "as if it were 1"),
    ("shock_step", lambda *a: shock(*a, curve=lambda c: c), "second derivative"),
    ("shock_step", lambda *a: shock(*a, slope="central"), "central"),
    ("shock_step", lambda *a: shock(*a, slope="always"), "disagree"),
    ("shock_step", lambda *a: shock(*a, slope="larger"), "larger of the two"),
    ("shock_step", lambda *a: shock(*a, curve=torch.ones_like), "sign of the second"),
    ("shock_step", lambda u, step: u, "nothing has changed"),
    ("shock_step", lambda u, step: shock(u, step)[1:-1], "expected (14,)"),
    ("shock_step", lambda u, step: None, "None"),
]


@pytest.mark.parametrize("name", RIGHT)
def test_the_solution_passes(name):
    assert check(name, RIGHT[name]).passed


@pytest.mark.parametrize("name", RIGHT)
def test_a_blank_is_not_done_yet(name):
    def blank(*_):
        raise NotImplementedError

    assert check(name, blank).passed is None


@pytest.mark.parametrize(("name", "answer", "words"), WRONG)
def test_each_mistake_draws_its_own_message(name, answer, words):
    result = check(name, answer)
    assert result.passed is False
    assert words in result.message
