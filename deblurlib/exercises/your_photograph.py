"""The exercises of the chapter 'Blind deconvolution on your own photograph'."""

from typing import Any

import torch
from torch import Tensor

from deblurlib.blur import from_linear, to_linear
from deblurlib.exercises.check import exercise
from deblurlib.exercises.known_kernel import FORGOTTEN, _no_picture
from deblurlib.profile import seed


@exercise("mixed")
def _mixed(answer: Any) -> str | None:
    a = torch.full((1, 1, 2, 3), 0.5, dtype=torch.float64)
    b = torch.tensor([1.0, 0.8, 0.2, 0.0, 0.55, 0.9], dtype=torch.float64).view(1, 1, 2, 3)
    expected = from_linear((to_linear(a) + to_linear(b)) / 2)
    given = answer(a.clone(), b.clone())
    if complaint := _no_picture(given, expected):
        return complaint
    mine = given.double()
    if torch.allclose(mine, expected, atol=1e-4):
        return None
    known = [
        ((a + b) / 2, "you took the mean of the values; it is light that adds up."),
        ((to_linear(a) + to_linear(b)) / 2, "that is an amount of light; the file holds its value, one step on."),
        (from_linear((a + b) / 2), "the values went in as if they were light already."),
        (to_linear((a + b) / 2), "you took the mean first and converted afterwards."),
        (to_linear((from_linear(a) + from_linear(b)) / 2), "the two conversions are exchanged."),
        (from_linear(to_linear(a) + to_linear(b)), "that is all the light of both; half came from each."),
        (torch.maximum(a, b), "you took the brighter of the two."),
    ]
    reason = next((text for value, text in known if torch.allclose(mine, value, atol=1e-4)), "what adds up?")
    return f"half grey and white give {mine[0, 0, 0, 0]:.3f} in your file, not {expected[0, 0, 0, 0]:.3f}: {reason}"


@exercise("rim_light")
def _rim_light(answer: Any) -> str | None:
    kernels = torch.rand(3, 1, 7, 9, generator=seed(1)).double() * torch.tensor([1.0, 2.0, 0.5]).view(3, 1, 1, 1)
    kernels[1, :, 2:5, 3:6] += 4
    reach = 2
    total = kernels.sum(dim=(1, 2, 3))

    def inside(n: int) -> Tensor:
        return kernels[..., n:-n, n:-n].sum(dim=(1, 2, 3))

    expected = 1 - inside(reach) / total
    given = answer(kernels.clone(), reach)
    if given is None:
        return FORGOTTEN
    if not isinstance(given, Tensor) or tuple(given.shape) != (3,):
        shape = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        hint = " Every kernel has a rim of its own." if shape == () else ""
        return f"your answer is {shape}, expected (3,): one share for each kernel.{hint}"
    mine = given.double()
    if torch.allclose(mine, expected, atol=1e-5):
        return None
    sides = [kernels[..., :reach, :], kernels[..., -reach:, :], kernels[..., :reach], kernels[..., -reach:]]
    edges = torch.stack([side.sum(dim=(1, 2, 3)) for side in sides])
    known = [
        (inside(reach) / total, "that is the share inside; the rim is the rest."),
        (total - inside(reach), "that is the light at the rim, not its share; these kernels do not sum to one."),
        (1 - inside(reach), "you took the sum of a kernel for one."),
        (1 - inside(1) / total, "your rim is one pixel wide, whatever the reach."),
        (edges.sum(dim=0) / total, "the corners are counted twice."),
        (edges[:2].sum(dim=0) / total, "the left and the right side are missing."),
        (edges[2:].sum(dim=0) / total, "the top and the bottom are missing."),
        ((total - inside(reach)) / total.sum(), "you divided by the light of all kernels together."),
    ]
    reason = next((text for value, text in known if torch.allclose(mine, value, atol=1e-5)), "draw the inside.")
    return f"for the first kernel you have {mine[0]:.3f}, not {expected[0]:.3f}: {reason}"


@exercise("best_window")
def _best_window(answer: Any) -> str | None:
    worth = torch.rand(12, 17, generator=seed(3)).double() * 0.1
    worth[6:10, 11:15] += 1
    worth[2, 3] = 9
    side = 4
    expected = (6, 11)
    given = answer(worth.clone(), side)
    if given is None:
        return FORGOTTEN
    try:
        top, left = (int(v) for v in given)
    except (TypeError, ValueError):
        return f"your answer is {given!r}, expected two whole numbers, (top, left)."
    if (top, left) == expected:
        return None
    known = {
        (11, 6): "row and column are exchanged.",
        (2, 3): "that is the best *pixel*; a window is judged by its sum.",
        (8, 13): "that is the window's middle; its upper left corner was asked for.",
        (9, 14): "that is the window's last pixel; its upper left corner was asked for.",
        divmod(6 * 14 + 11, 17): "the flat place counts windows: a row of them is shorter than a row of pixels.",
    }
    reason = known.get((top, left), f"its sum is {worth[top : top + side, left : left + side].sum():.1f}.")
    return f"your window begins at ({top}, {left}), the best one at {expected}: {reason}"
