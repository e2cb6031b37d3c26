"""The checkers of the chapter on known kernels: the solution passes, and each wrong answer draws its own message."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from deblurlib.blur import Blur, transfer_function
from deblurlib.deconvolution import richardson_lucy
from deblurlib.exercises import check

Answer = Callable[..., object]


def blank(*_: object) -> object:
    raise NotImplementedError("your turn")


# ---------------------------------------------------------------------------------------------------------- noise_gain
def gain(kernel: Tensor, shape: tuple[int, int] | None, ratio: float) -> Tensor:
    """|W| at every frequency."""
    size = torch.fft.fft2(kernel, s=shape).abs()
    return size / (size.square() + ratio)


def noise_gain(kernel: Tensor, shape: tuple[int, int], ratio: float) -> float:
    return gain(kernel, shape, ratio).square().mean().sqrt().item()


def half_plane(kernel: Tensor, shape: tuple[int, int], ratio: float) -> float:
    size = transfer_function(kernel, shape).abs()
    return (size / (size.square() + ratio)).square().mean().sqrt().item()


def of_the_picture(kernel: Tensor, shape: tuple[int, int], ratio: float) -> Tensor:
    return (gain(kernel, shape, ratio) * torch.fft.fft2(kernel, s=shape).abs()).square().mean().sqrt()


# ------------------------------------------------------------------------------------------------------- wiener_filter
def wiener_filter(blurred: Tensor, kernel: Tensor, ratio: float) -> Tensor:
    transfer = transfer_function(kernel, blurred.shape[-2:])
    return back(transfer.conj() * torch.fft.rfft2(blurred) / (transfer.abs().square() + ratio), blurred)


def back(spectrum: Tensor, like: Tensor) -> Tensor:
    return torch.fft.irfft2(spectrum, s=like.shape[-2:])


def without_conjugate(blurred: Tensor, kernel: Tensor, ratio: float) -> Tensor:
    return wiener_filter(blurred, kernel.flip(-2, -1), ratio)


def from_the_corner(blurred: Tensor, kernel: Tensor, ratio: float) -> Tensor:
    transfer = torch.fft.rfft2(kernel, s=blurred.shape[-2:])
    return back(transfer.conj() * torch.fft.rfft2(blurred) / (transfer.abs().square() + ratio), blurred)


def beside(blurred: Tensor, kernel: Tensor, ratio: float, power: int) -> Tensor:
    """The ratio added to K (power 0) or to |K| (power 1)."""
    transfer = transfer_function(kernel, blurred.shape[-2:])
    if power == 0:
        return back(torch.fft.rfft2(blurred) / (transfer + ratio), blurred)
    return back(transfer.conj() * torch.fft.rfft2(blurred) / (transfer.abs() + ratio), blurred)


def mean_kept(blurred: Tensor, kernel: Tensor, ratio: float) -> Tensor:
    x = wiener_filter(blurred, kernel, ratio)
    return x + (blurred - x).mean(dim=(-2, -1), keepdim=True)


def of_even_width(blurred: Tensor, kernel: Tensor, ratio: float) -> Tensor:
    return torch.fft.irfft2(torch.fft.rfft2(wiener_filter(blurred, kernel, ratio)))


def still_complex(blurred: Tensor, kernel: Tensor, ratio: float) -> Tensor:
    return torch.fft.ifft2(torch.fft.fft2(wiener_filter(blurred, kernel, ratio)))


# ---------------------------------------------------------------------------------------------------- Richardson–Lucy
def steps(y: Tensor, kernel: Tensor, *, forth: bool = True, to: bool = True, background: float = 0.0) -> "Steps":
    return Steps(y, kernel, forth=forth, to=to, background=background)


class Steps:
    """The estimates of Richardson–Lucy, one after another; `forth` and `to` turn the two blurs the right way round."""

    def __init__(self, y: Tensor, kernel: Tensor, *, forth: bool, to: bool, background: float) -> None:
        self.y, self.k = y, transfer_function(kernel, y.shape[-2:])
        self.there = self.k if forth else self.k.conj()
        self.back = self.k.conj() if to else self.k
        self.x = (y - background).clamp(min=0) if background else y.clamp(min=1e-6)

    def next(self) -> Tensor:
        ratio = self.y / back(self.there * torch.fft.rfft2(self.x), self.y).clamp(min=1e-6)
        self.x = self.x * back(self.back * torch.fft.rfft2(ratio), self.y)
        return self.x

    def after(self, iterations: int) -> Tensor:
        for _ in range(iterations):
            self.next()
        return self.x


def rms(x: Tensor) -> float:
    return x.square().mean().sqrt().item()


def stop_in_time(
    y: Tensor, kernel: Tensor, sigma: float, *, size: Callable[[Tensor], float] = rms, to: bool = True
) -> tuple[Tensor, int]:
    run, blur = steps(y, kernel, to=to), Blur(kernel)
    for t in range(1, 200):
        if size(blur(run.next()) - y) <= sigma:
            return run.x, t
    return run.next(), 200


def moved(y: Tensor, kernel: Tensor, sigma: float, by: int) -> tuple[Tensor, int]:
    """Off by some steps, the picture too."""
    t = stop_in_time(y, kernel, sigma)[1] + by
    return steps(y, kernel).after(t), t


def picture_before(y: Tensor, kernel: Tensor, sigma: float) -> tuple[Tensor, int]:
    t = stop_in_time(y, kernel, sigma)[1]
    return steps(y, kernel).after(t - 1), t


def with_ghosts(y: Tensor, kernel: Tensor, sigma: float) -> tuple[Tensor, int]:
    t = stop_in_time(y, kernel, sigma)[1]
    return steps(y, kernel, to=False).after(t), t


def mended_richardson_lucy(y: Tensor, kernel: Tensor, iterations: int) -> Tensor:
    return steps(y, kernel).after(iterations)


def normalized(y: Tensor, kernel: Tensor, iterations: int) -> Tensor:
    x = mended_richardson_lucy(y, kernel, iterations)
    return x / x.max()


SOLUTIONS: dict[str, Answer] = {
    "noise_gain": noise_gain,
    "wiener_filter": wiener_filter,
    "stop_in_time": stop_in_time,
    "mended_richardson_lucy": mended_richardson_lucy,
}

MUTANTS: dict[str, list[tuple[str, Answer]]] = {
    "noise_gain": [
        ("the factor of the variance", lambda k, s, r: noise_gain(k, s, r) ** 2),
        ("you averaged |W|", lambda k, s, r: gain(k, s, r).mean()),
        ("half plane of rfft2", half_plane),
        ("how much of the *picture*", of_the_picture),
        ("the ratio is missing", lambda k, s, r: noise_gain(k, s, 0.0)),
        ("at its own size", lambda k, s, r: gain(k, None, r).square().mean().sqrt()),
        ("added the frequencies up", lambda k, s, r: gain(k, s, r).square().sum().sqrt()),
        ("what the blur does to noise", lambda k, s, r: torch.fft.fft2(k, s=s).abs().square().mean().sqrt()),
        ("your answer is 1;", lambda k, s, r: 1.0),
        ("your answer is None", lambda k, s, r: None),
    ],
    "wiener_filter": [
        ("where its conjugate belongs", without_conjugate),
        ("displaced by -2 rows and -3 columns", from_the_corner),
        ("displaced by 2 rows and 3 columns", lambda y, k, r: wiener_filter(y, k, r).roll((2, 3), (-2, -1))),
        ("you divided by K + 0.02", lambda y, k, r: beside(y, k, r, 0)),
        ("you divided by |K| + 0.02", lambda y, k, r: beside(y, k, r, 1)),
        ("you squared the ratio", lambda y, k, r: wiener_filter(y, k, r**2)),
        ("plain inverse filter", lambda y, k, r: wiener_filter(y, k, 0.0)),
        ("you kept frequency zero", mean_kept),
        ("you clipped", lambda y, k, r: wiener_filter(y, k, r).clamp(0, 1)),
        ("whether the width was odd", of_even_width),
        ("is complex", still_complex),
        ("your answer is None", lambda y, k, r: None),
        ("at row", lambda y, k, r: wiener_filter(y, k, 3 * r)),
    ],
    "stop_in_time": [
        ("the variance", lambda y, k, s: stop_in_time(y, k, s, size=lambda r: r.square().mean().item())),
        ("a fifth smaller", lambda y, k, s: stop_in_time(y, k, s, size=lambda r: r.abs().mean().item())),
        ("you never stopped", lambda y, k, s: stop_in_time(y, k, s, size=lambda r: r.abs().max().item())),
        ("one late", lambda y, k, s: moved(y, k, s, 1)),
        ("one early", lambda y, k, s: moved(y, k, s, -1)),
        ("returned the picture after", picture_before),
        ("ghosts", with_ghosts),
        ("expected a pair", lambda y, k, s: stop_in_time(y, k, s)[0]),
    ],
    "mended_richardson_lucy": [
        ("neither bug is mended", lambda y, k, n: steps(y, k, to=False, background=0.2).after(n)),
        ("what starts at zero stays zero", lambda y, k, n: steps(y, k, background=0.2).after(n)),
        ("still goes *forward*", lambda y, k, n: steps(y, k, to=False).after(n)),
        ("both ways are turned round", lambda y, k, n: steps(y, k, forth=False, to=False).after(n)),
        ("you took 9 steps", lambda y, k, n: steps(y, k).after(n + 1)),
        ("you took 7 steps", lambda y, k, n: steps(y, k).after(n - 1)),
        ("times as bright", normalized),
        ("you clipped", lambda y, k, n: mended_richardson_lucy(y, k, n).clamp(0, 1)),
        ("at row", lambda y, k, n: y),
        ("your answer is None", lambda y, k, n: None),
    ],
}


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_passes(name: str) -> None:
    assert check(name, SOLUTIONS[name], strict=True).passed


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_stub_is_not_done_yet(name: str) -> None:
    result = check(name, blank)
    assert result.passed is None and "not done yet" in result.message


@pytest.mark.parametrize(
    ("name", "message", "mutant"),
    [(name, message, mutant) for name, mutants in MUTANTS.items() for message, mutant in mutants],
)
def test_each_mistake_is_named(name: str, message: str, mutant: Answer) -> None:
    result = check(name, mutant)
    assert result.passed is False
    assert message in result.message
    # No other mistake of this exercise is taken for it.
    assert not [other for other, _ in MUTANTS[name] if other != message and other in result.message]


@pytest.mark.parametrize("name", MUTANTS)
def test_an_exercise_has_four_mutants_or_more(name: str) -> None:
    assert len(MUTANTS[name]) >= 4


@pytest.mark.filterwarnings("ignore:kernel. its centroid")  # lopsided on purpose: symmetry would hide the bugs
def test_the_library_passes_the_bug_hunt() -> None:
    def library(y: Tensor, kernel: Tensor, iterations: int) -> Tensor:
        return richardson_lucy(y, kernel, iterations=iterations, boundary="wrap", clip=False)

    assert check("mended_richardson_lucy", library, strict=True).passed
