"""The exercise of the chapter 'Where the field went'."""

from typing import Any

import torch
from torch import Tensor

from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

CLOSE = 1e-5
"""Two values this near are equal."""


@exercise("open_shutter")
def _open_shutter(answer: Any) -> str | None:
    gamma = 2.2
    frames = torch.rand(5, 3, 6, 7, generator=seed(2)).double()
    expected = (frames**gamma).mean(dim=0, keepdim=True) ** (1 / gamma)
    given = answer(frames.clone(), gamma)
    if given is None:
        return "your answer is None: does the function return its result?"
    if not isinstance(given, Tensor):
        return f"your answer is of type {type(given).__name__}, expected a tensor."
    if given.shape != expected.shape:
        return f"your answer has shape {tuple(given.shape)}, expected {tuple(expected.shape)}: keep the dimension."
    error = (given.double() - expected).abs()
    if bool((error < CLOSE).all()):
        return None
    worst = int(error.argmax())
    values = float(given.double().flatten()[worst]), float(expected.flatten()[worst])
    start = f"at one pixel your answer is {values[0]:.4f}, expected {values[1]:.4f}"
    light = (frames**gamma).mean(dim=0, keepdim=True)
    mistakes = [
        (frames.mean(dim=0, keepdim=True), "you took the mean of file values; light adds up, file values do not."),
        (light, "this is light; apply the camera's curve again."),
        (
            (frames ** (1 / gamma)).mean(dim=0, keepdim=True) ** gamma,
            "you applied the curve where it has to be undone, and the other way round.",
        ),
        (light**gamma, "you undid the curve twice; the second time it has to be applied."),
        ((frames**gamma).sum(dim=0, keepdim=True) ** (1 / gamma), "you added the frames up; divide by how many."),
        (frames[:1], "this is the first frame."),
        (
            (frames**gamma).median(dim=0, keepdim=True).values ** (1 / gamma),
            "you took the median; a shutter adds up.",
        ),
    ]
    for wrong, reason in mistakes:
        if bool(((given.double() - wrong).abs() < CLOSE).all()):
            return f"{start}: {reason}"
    return f"{start}."
