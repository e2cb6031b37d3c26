"""The checkers of the chapter on marginalisation: the solution passes, and each wrong answer draws its own message."""

import math

import pytest
import torch
import torch.nn.functional as F

from deblurlib.exercises import check


def evidence(y, gain, noise, x, prior, *, total="sum", width=True, height=True, log=True):
    density = torch.exp(-0.5 * ((y[:, None] - gain * x) / noise) ** 2)
    if height:
        density = density / (noise * math.sqrt(2 * math.pi))
    z = getattr(density * prior, total)(dim=1)
    z = z * (x[1] - x[0]) if width else z
    return z.log() if log else z


def precision(moment, weights, rates, *, half=0.5, power=0.5, weighted=True, normal=True):
    scores = (weights if weighted else 1) * rates**power * torch.exp(-half * rates * moment[:, None])
    scores = scores / scores.sum(dim=-1, keepdim=True) if normal else scores
    return (scores * rates).sum(dim=-1)


def blur(x, k):
    return F.conv1d(x.view(1, 1, -1), k.flip(0).view(1, 1, -1)).flatten()


def misfit(y, k, m, v, *, spread=lambda k, v: blur(v, k**2), sign=1):
    return ((y - blur(m, k)) ** 2).sum() + sign * spread(k, v).sum()


RIGHT = {"log_evidence": evidence, "mean_precision": precision, "expected_misfit": misfit}

WRONG = [
    ("log_evidence", lambda *a: None, "does the function return"),
    ("log_evidence", lambda *a: 3.0, "type float"),
    ("log_evidence", lambda *a: evidence(*a)[:2], "shape"),
    ("log_evidence", lambda *a: evidence(*a) * math.nan, "NaN"),
    ("log_evidence", lambda *a: evidence(*a, total="amax"), "largest term, the mode; the evidence sums"),
    ("log_evidence", lambda *a: evidence(*a, total="amax", width=False), "largest term, the mode; the evidence is"),
    ("log_evidence", lambda *a: evidence(*a, width=False), "width of a grid cell"),
    ("log_evidence", lambda *a: evidence(*a, total="mean", width=False), "averaged over the grid"),
    ("log_evidence", lambda y, k, s, x, p: evidence(y, k, s, x, 1.0), "forgot the prior"),
    ("log_evidence", lambda *a: evidence(*a, height=False), "sqrt"),
    ("log_evidence", lambda y, k, s, x, p: evidence(y, 1.0, s, x, p), "left out the gain"),
    ("log_evidence", lambda *a: evidence(*a, log=False), "its logarithm"),
    ("log_evidence", lambda *a: evidence(*a) + 1, "not"),
    ("mean_precision", lambda *a: precision(*a, power=0), "height of each bell"),
    ("mean_precision", lambda *a: precision(*a, power=1), "not the precision"),
    ("mean_precision", lambda *a: precision(*a, power=-0.5), "for one: narrow"),
    ("mean_precision", lambda *a: precision(*a, weighted=False), "weights of the mixture"),
    ("mean_precision", lambda *a: precision(*a, half=1), "one half"),
    ("mean_precision", lambda *a: precision(*a, normal=False), "add up to one"),
    ("mean_precision", lambda m, w, p: (w * p).sum().expand(5), "ignores the gradient"),
    ("expected_misfit", lambda *a: misfit(*a, sign=0), "back at the mode"),
    ("expected_misfit", lambda *a: misfit(*a, sign=-1), "subtracted"),
    ("expected_misfit", lambda *a: misfit(*a, spread=lambda k, v: blur(v, k)), "square* of the kernel"),
    ("expected_misfit", lambda *a: misfit(*a, spread=lambda k, v: blur(v, k) ** 2), "square the kernel, not"),
    ("expected_misfit", lambda *a: misfit(*a, spread=lambda k, v: blur(v**2, k**2)), "a square already"),
    ("expected_misfit", lambda *a: misfit(*a, spread=lambda k, v: v), "before the blur"),
    ("expected_misfit", lambda *a: misfit(*a) / 12, "the mean"),
    ("expected_misfit", lambda y, k, m, v: misfit(y, k.flip(0), m, v), "turn the kernel"),
]


@pytest.mark.parametrize("name", RIGHT)
def test_right_answers_pass(name):
    assert check(name, RIGHT[name]).passed


@pytest.mark.parametrize(("name", "answer", "message"), WRONG)
def test_wrong_answers_are_told_why(name, answer, message):
    result = check(name, answer)
    assert result.passed is False
    assert message in result.message


def test_every_misconception_has_a_sentence_of_its_own():
    said = [check(name, answer).message for name, answer, _ in WRONG]
    assert len(set(said)) == len(said)
