"""The exercises of the chapter 'Reading a paper critically'."""

import itertools
from typing import Any

from deblurlib.exercises.check import exercise

CLOSE = 1e-6
"""Two numbers this near are equal."""


def _number(given: object, what: str) -> str | None:
    """What is wrong with the form of an answer that should be a number."""
    if given is None:
        return "your answer is None: does the function return its result?"
    if isinstance(given, bool) or not isinstance(given, int | float):
        return f"your answer is of type {type(given).__name__}, expected {what}."
    return None


def _judge(given: Any, expected: float, mistakes: list[tuple[float, str]], case: str, what: str) -> str | None:
    """None for the right answer; else the message of the first known mistake, with the reader's number."""
    if complaint := _number(given, what):
        return complaint
    if abs(given - expected) < CLOSE:
        return None
    start = f"{case} your answer is {given:.4g}, expected {expected:.4g}"
    for wrong, reason in mistakes:
        if abs(given - wrong) < CLOSE:
            return f"{start}: {reason}"
    return f"{start}."


@exercise("reference_bound")
def _reference_bound(answer: Any) -> str | None:
    ifc, vif = [2.4, 4.5, 1.5], [0.3, 0.75, 0.2]
    ratios = [i / v for i, v in zip(ifc, vif, strict=True)]
    mistakes = [
        (max(ratios), "you took the largest bound; R must keep below all of them, so the smallest counts."),
        (sum(ratios) / 3, "you took the mean of the bounds; R must keep below each of them."),
        (min(v / i for i, v in zip(ifc, vif, strict=True)), "you divided VIF by IFC; solve VIF · R ≤ IFC for R."),
        (
            max(v / i for i, v in zip(ifc, vif, strict=True)),
            "your fraction is upside down; from VIF · R ≤ IFC comes R ≤ IFC / VIF.",
        ),
        (min(ifc) / min(vif), "you took each minimum by itself; each method gives its own bound."),
        (min(ifc) / max(vif), "you took IFC of one method and VIF of another; each method gives its own bound."),
        (sum(ifc) / sum(vif), "you added the scores first; each method gives its own bound."),
        (min(i * v for i, v in zip(ifc, vif, strict=True)), "you multiplied; solve VIF · R ≤ IFC for R."),
    ]
    return _judge(answer(list(ifc), list(vif)), min(ratios), mistakes, "for three methods", "a number")


@exercise("generator_updates")
def _generator_updates(answer: Any) -> str | None:
    pairs, batch, epochs, judge_steps = 1003, 4, 8, 10
    batches = epochs * (pairs // batch)
    mistakes = [
        (
            batches // judge_steps,
            "you divided by the judge's steps alone; the generator's own step belongs to a round.",
        ),
        (batches - batches // (judge_steps + 1), "these are the judge's updates."),
        (epochs * pairs // (judge_steps + 1), "you counted pairs; a whole batch is one update."),
        ((pairs // batch) // (judge_steps + 1), "you counted one epoch; there are several."),
        (batches, "you counted all batches; most of them update the judge."),
        (
            epochs * ((pairs // batch) // (judge_steps + 1)),
            "you began a new round with every epoch; the rounds go on through all of them.",
        ),
        (
            epochs * -(-pairs // batch) // (judge_steps + 1),
            "you kept the batch at the end that is not full; it is dropped, in every epoch.",
        ),
        (batches / (judge_steps + 1), "an update is whole: the last round may be left unfinished."),
    ]
    given = answer(pairs, batch, epochs, judge_steps)
    return _judge(given, batches // (judge_steps + 1), mistakes, "for 1003 pairs, 8 epochs,", "a whole number")


@exercise("wins_of_four")
def _wins_of_four(answer: Any) -> str | None:
    a, b = [6.0, 5.0, 5.0, 2.0, 1.0, 3.0], [6.0, 1.0, 5.0, 2.0, 5.0, 6.0]
    difference = [p - q for p, q in zip(a, b, strict=True)]
    sums = [sum(four) for four in itertools.combinations(difference, 4)]
    share = sum(1 if s > 0 else 0.5 if s == 0 else 0 for s in sums) / len(sums)
    ordered = [sum(four) for four in itertools.product(difference, repeat=4)]
    mistakes = [
        (sum(s > 0 for s in sums) / len(sums), "a tie counts as half a win; you counted it as none."),
        (sum(s >= 0 for s in sums) / len(sums), "a tie counts as half a win; you counted it as a whole one."),
        (1 - share, "this is how often `b` wins."),
        (share * len(sums), "this is a number of sets; divide by how many there are."),
        (
            sum(1 if d > 0 else 0.5 if d == 0 else 0 for d in difference) / len(a),
            "you compared picture by picture; take the mean over each set of four.",
        ),
        (
            sum(1 if s > 0 else 0.5 if s == 0 else 0 for s in ordered) / len(ordered),
            "you drew with replacement; the four pictures of a set are different.",
        ),
        (
            sum(d > 0 for d in difference) / len(a),
            "you compared picture by picture; take the mean over each set of four.",
        ),
        (float(sum(difference[:4]) > 0), "you took the first four; draw every set of four."),
        (float(sum(difference) > 0), "you compared the means over all pictures; draw every set of four."),
    ]
    return _judge(answer(list(a), list(b)), share, mistakes, "for six pictures", "a share from 0 to 1")
