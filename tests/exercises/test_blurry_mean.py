"""The checkers of the chapter on the blurry mean: the solution passes, and each wrong answer draws its own message."""

import pytest
import torch

from deblurlib.exercises import check


def median(values, chances):
    order = values.argsort()
    return values[order][chances[order].cumsum(0) >= 0.5 - 1e-9][0]


def cheapest(values, chances, loss):
    return (chances * values).sum() if loss == "squared" else median(values, chances)


def mixed(truth, shifts, chances, *, sign=1, dim=-1):
    return sum(c * truth.roll(sign * s, dims=dim) for s, c in zip(shifts, chances, strict=True))


def features(maps, restored, truth):
    with torch.no_grad():
        target = maps(truth)
    return (maps(restored) - target).square().mean() / target.var()


def one(loss, wrong):
    """Right, but for one of the losses."""
    return lambda v, c, which: wrong(v, c) if which == loss else cheapest(v, c, which)


def target(maps, truth):
    return maps(truth).detach()


RIGHT = {"cheapest_answer": cheapest, "misaligned_answer": mixed, "feature_distance": features}

WRONG = [
    ("cheapest_answer", lambda v, c, k: None, "expected one number"),
    ("cheapest_answer", one("squared", lambda v, c: v.mean()), "each count alike"),
    ("cheapest_answer", one("squared", median), "that is the median"),
    ("cheapest_answer", one("squared", lambda v, c: v[c.argmax()]), "likeliest value"),
    ("cheapest_answer", one("squared", lambda v, c: (v * c).mean()), "do not average"),
    ("cheapest_answer", one("absolute", lambda v, c: (v * c).sum()), "that is the mean"),
    ("cheapest_answer", one("absolute", lambda v, c: v.sort().values[1:3].mean()), "their chances are the weights"),
    ("cheapest_answer", one("absolute", lambda v, c: v[c.cumsum(0) >= 0.5][0]), "sort them"),
    ("cheapest_answer", one("absolute", lambda v, c: v[v.argsort()][c[v.argsort()].cumsum(0) > 0.5][0]), ">= 0.5"),
    ("cheapest_answer", one("absolute", lambda v, c: v[c.argmax()]), "less than half"),
    ("cheapest_answer", lambda v, c, k: 0.77, "expected"),
    ("misaligned_answer", lambda x, s, c: None, "expected a tensor"),
    ("misaligned_answer", lambda x, s, c: x[..., 1:], "shape"),
    ("misaligned_answer", lambda x, s, c: mixed(x, s, c, sign=-1), "to the left"),
    ("misaligned_answer", lambda x, s, c: mixed(x, s, c, dim=-2), "went down"),
    ("misaligned_answer", lambda x, s, c: mixed(x, s, [1 / 3] * 3), "count alike"),
    ("misaligned_answer", lambda x, s, c: mixed(x, s, c) / 3, "averaged once more"),
    ("misaligned_answer", lambda x, s, c: x, "perfectly aligned"),
    ("misaligned_answer", lambda x, s, c: torch.stack([x.roll(i, -1) for i in s]).median(0).values, "the median"),
    ("misaligned_answer", lambda x, s, c: x.roll(1, -1), "mean displacement"),
    ("misaligned_answer", lambda x, s, c: 2 * x, "not"),
    ("feature_distance", lambda m, r, t: m(r), "expected one number"),
    ("feature_distance", lambda m, r, t: (m(r) - target(m, t)).square().mean(), "is missing"),
    ("feature_distance", lambda m, r, t: (m(r) - target(m, t)).abs().mean() / m(t).var(), "absolute differences"),
    (
        "feature_distance",
        lambda m, r, t: (m(r) - target(m, t)).square().mean() / m(r).var(),
        "truth sets the scale",
    ),
    ("feature_distance", lambda m, r, t: (m(r) - target(m, t)).square().mean() / m(t).std(), "with a variance"),
    ("feature_distance", lambda m, r, t: (m(r) - target(m, t)).square().sum() / m(t).var(), "you took the sum"),
    ("feature_distance", lambda m, r, t: (r - t).square().mean() / t.var(), "compared the pixels"),
    ("feature_distance", lambda m, r, t: (m(r).mean() - m(t).mean()).square() / m(t).var(), "averaged before"),
    ("feature_distance", lambda m, r, t: (m(r) - m(t)).square().mean() / m(t).square().mean(), "about the mean"),
    ("feature_distance", lambda m, r, t: features(m, r, t).detach(), "no gradient reaches"),
    ("feature_distance", lambda m, r, t: (m(r) - m(t)).square().mean() / m(t).var(), "under no_grad"),
    ("feature_distance", lambda m, r, t: 7.0, "expected"),
]


@pytest.mark.parametrize("name", RIGHT)
def test_the_solution_passes(name):
    assert check(name, RIGHT[name], strict=True).passed


@pytest.mark.parametrize("name", RIGHT)
def test_a_blank_is_no_mistake(name):
    def blank(*_):
        raise NotImplementedError("your turn")

    assert check(name, blank).passed is None


@pytest.mark.parametrize(("name", "answer", "message"), WRONG)
def test_each_mistake_has_its_message(name, answer, message):
    result = check(name, answer)
    assert result.passed is False and message in result.message, result.message
