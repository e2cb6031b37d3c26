"""How the learning rate goes over a run."""

import math

from deblurlib.contracts import choice

SCHEDULES = ("cosine", "linear")
WARM_UP, FLOOR = 0.03, 0.01
"""Fraction of the run in which the rate rises, and the fraction of its height that it ends at (our choice)."""


def schedule(name: str, step: int, steps: int) -> float:
    """The learning rate at a step, as a fraction of its highest value.

    'cosine': a linear rise over the first 3 %, then half a cosine down to 1 %. 'linear': constant for four fifths of
    the run, then linearly to zero, as Yuan et al. do (40 epochs and 10).

    Args:
        name: 'cosine' or 'linear'.
        step: From 0 to steps - 1.
        steps: Of the whole run.

    Returns:
        A number in (0, 1].

    Raises:
        ValueError: another name.

    Example:
        >>> [round(schedule("linear", step, 50), 2) for step in (0, 39, 45, 49)]
        [1.0, 1.0, 0.5, 0.1]
        >>> [round(schedule("cosine", step, 1000), 3) for step in (0, 29, 999)]
        [0.033, 1.0, 0.01]
    """
    if choice(name, "schedule", SCHEDULES) == "linear":
        return min(1.0, (steps - step) / max(1.0, steps / 5))
    warm_up = max(1, round(WARM_UP * steps))
    if step < warm_up:
        return (step + 1) / warm_up
    progress = (step - warm_up + 1) / max(1, steps - warm_up)
    return FLOOR + (1 - FLOOR) * 0.5 * (1 + math.cos(math.pi * progress))
