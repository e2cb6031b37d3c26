"""The exercises of the chapter 'What else a sharp picture is'."""

import math
from typing import Any

import torch
from torch import Tensor

from deblurlib.exercises.check import exercise
from deblurlib.exercises.known_kernel import FORGOTTEN
from deblurlib.exercises.proximal_steps import _judge
from deblurlib.profile import seed


@exercise("frame_shrink")
def _frame_shrink(answer: Any) -> str | None:
    row = torch.rand(3, 24, generator=seed(4)).double()
    row[:, 9:] += torch.tensor([0.5, 1.0, 2.0]).double()[:, None]
    weight = 0.15
    filters = (
        torch.tensor([0.25, 0.5, 0.25]).double(),
        torch.tensor([math.sqrt(2) / 4, 0.0, -math.sqrt(2) / 4]).double(),
        torch.tensor([-0.25, 0.5, -0.25]).double(),
    )

    def along(x: Tensor, h: Tensor, sign: int = 1) -> Tensor:
        return sum((h[t] * x.roll(sign * (t - 1), -1) for t in range(3)), torch.zeros_like(x))

    def soft(v: Tensor, w: float) -> Tensor:
        return v.sign() * (v.abs() - w).clamp_min(0)

    def whole(
        shrink: Any = soft, low: bool = False, back: int = -1, scale: float = 1.0, averages: bool = True
    ) -> Tensor:
        bands = [scale * along(row, h) for h in filters]
        bands[0] = averages * bands[0]
        kept = [shrink(b, weight) if low or i else b for i, b in enumerate(bands)]
        return sum((scale * along(b, h, back) for b, h in zip(kept, filters, strict=True)), torch.zeros_like(row))

    mistakes = [
        (row, "nothing has been shrunk: this is the row itself, as it should be with the weight at zero only."),
        (whole(low=True), "you have shrunk the averages too: they are brightness, and only differences are sparse."),
        (
            whole(lambda v, w: torch.where(v.abs() > w, v, 0.0)),
            "you keep what is large as it is (the hard threshold); here each price is |v|, which pulls at every value.",
        ),
        (
            whole(back=1),
            "you went back with the filters as they are; the adjoint runs along the row the other way, and for the "
            "odd filter that is a sign.",
        ),
        (
            whole(scale=2.0),
            "your filters are twice too strong: their squares must add up to one at every frequency.",
        ),
        (
            whole(averages=False),
            "the averages are missing from the sum: what came back is the detail alone.",
        ),
    ]
    return _judge(answer(row.clone(), weight), whole(), mistakes, "at one pixel")


@exercise("shrink_singular_values")
def _shrink_singular_values(answer: Any) -> str | None:
    s = torch.tensor([[6.0, 2.5, 1.2, 0.4, 0.0], [3.0, 2.1, 2.0, 1.9, 0.7]]).double()
    cost, tiny = 1.0, 0.05

    def root(sign: int, shift: float = tiny) -> Tensor:
        inside = (s + shift).square() - 4 * cost
        return torch.where(inside < 0, 0.0, ((s - shift) + sign * inside.clamp_min(0).sqrt()) / 2).clamp_min(0)

    once = (s - cost / (s + tiny)).clamp_min(0)
    mistakes = [
        (
            (s - cost).clamp_min(0),
            "every value has lost the same amount: that is the plain nuclear norm, and it costs the large ones most.",
        ),
        (
            once,
            "you weighed by the value *before* the shrinkage; the weight is that of the value which comes out, so "
            "solve the quadratic.",
        ),
        (root(-1), "you took the smaller root, where the cost has its maximum; the larger one is the minimum."),
        (
            torch.where(s >= math.sqrt(4 * cost) - tiny, s, 0.0),
            "you keep what passes the threshold as it is; it shrinks too, if only a little.",
        ),
        (s, "nothing has been shrunk."),
        (
            (s - cost * (s + tiny)).clamp_min(0),
            "your weight grows with the value; it has to be large where the value is small.",
        ),
    ]
    given = answer(s.clone(), cost, tiny)
    if isinstance(given, Tensor) and bool(given.isnan().any()):
        count = int(given.isnan().sum())
        return (
            f"{count} of your values are NaN: under the root stands (s + tiny)² - 4 cost, and where that is negative "
            "there is no minimum but zero."
        )
    return _judge(given, root(1), mistakes, "of one value")


@exercise("where_it_fits")
def _where_it_fits(answer: Any) -> str | None:
    scene = torch.rand(2, 40, 44, generator=seed(8)).double() - 0.5
    form = torch.rand(2, 9, 9, generator=seed(9)).double() - 0.5
    scene[:, 23:32, 11:20] = 0.4 * form  # the true place, faint
    scene[:, 4:13, 30:39] = -1.5 * form  # its negative
    scene[:, 2:11, 3:12] = 1.2 * form.flip(-1, -2)  # turned round
    scene[:, 30:39, 31:40] *= 6  # loud, and nothing like it
    given = answer(scene.clone(), form.clone())
    if given is None:
        return FORGOTTEN
    try:
        place = tuple(int(n) for n in given)
    except TypeError:
        return f"your answer is of type {type(given).__name__}, expected two numbers: the row and the column."
    if len(place) != 2:
        return f"your answer has {len(place)} numbers, expected two: the row and the column."
    if place == (23, 11):
        return None
    start = f"your answer is row {place[0]}, column {place[1]}, expected row 23, column 11"
    known = {
        (4, 30): "there is the negative of the form: do not take the absolute value of the correlation.",
        (2, 3): "there the form stands on its head: you have convolved, and a correlation does not flip.",
        (27, 15): "that is the middle of the form; asked for is its upper left corner.",
        (11, 23): "you have given the column first.",
    }
    if place in known:
        return f"{start}: {known[place]}"
    sums = torch.nn.functional.conv2d(scene[None], form[None])[0, 0]
    loudest = divmod(int(sums.argmax()), sums.shape[-1])
    if place == loudest:
        return f"{start}: there the picture is loud. Divide each sum by the length of the part that it is taken over."
    return f"{start}."
