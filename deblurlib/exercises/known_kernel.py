"""The exercises of the chapter 'When the kernel is known'."""

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from deblurlib.blur import Blur, add_noise, transfer_function
from deblurlib.exercises.check import exercise
from deblurlib.profile import seed

CLOSE = 1e-3
"""Two values this near are equal: another order of the same operations, not another idea."""

DARK = 1e-6
"""Keeps a ratio finite where nothing is predicted."""

MOST = 200
"""Iterations after which an answer counts as never stopping."""

FORGOTTEN = "your answer is None: does the function return its result?"


def _lopsided(h: int, w: int) -> Tensor:
    """A kernel without any symmetry, its light towards the lower left."""
    k = torch.rand(h, w, generator=seed(6)) * torch.linspace(0.1, 1, h)[:, None] * torch.linspace(1, 0.2, w)
    k[0], k[:, -1] = 0, 0
    return (k / k.sum())[None, None].double()


def _scene(*shape: int) -> Tensor:
    """Blocks of even brightness, between black and white."""
    blocks = torch.rand(*shape[:-2], *[-(-side // 6) for side in shape[-2:]], generator=seed(5)).double()
    return blocks.repeat_interleave(6, -2).repeat_interleave(6, -1)[..., : shape[-2], : shape[-1]] * 0.8 + 0.1


def _same(a: float, b: float) -> bool:
    return math.isclose(a, b, rel_tol=CLOSE)


def _close(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool(((a.double() - b).abs() < CLOSE).all())


def _no_picture(x: object, like: Tensor) -> str | None:
    """What is wrong with the form of an answer that should look like `like`."""
    if x is None:
        return FORGOTTEN
    if not isinstance(x, Tensor):
        return f"your answer is of type {type(x).__name__}, expected a tensor."
    if x.is_complex():
        return f"your picture is complex ({x.dtype}); a picture is real: end with irfft2."
    if x.shape != like.shape:
        hint = " irfft2 cannot know whether the width was odd: tell it, s=blurred.shape[-2:]."
        odd = x.ndim == 4 and x.shape[-1] == like.shape[-1] - 1
        return f"your picture has shape {tuple(x.shape)}, expected {tuple(like.shape)}.{hint if odd else ''}"
    if not bool(torch.isfinite(x).all()):
        count = int((~torch.isfinite(x)).sum())
        return f"{count} pixels of your picture are NaN or infinite: something was divided by zero."
    return None


def _matches(x: Tensor, mistakes: dict[str, Tensor]) -> str | None:
    """The message of the first known mistake that gives this picture."""
    return next((message for message, wrong in mistakes.items() if _close(x, wrong)), None)


def _worst(x: Tensor, expected: Tensor) -> str:
    place = int((x.double() - expected).abs().argmax())
    row, column = divmod(place % (x.shape[-2] * x.shape[-1]), x.shape[-1])
    mine, theirs = float(x.flatten()[place]), float(expected.flatten()[place])
    return f"at row {row}, column {column} your picture is {mine:.4f}, expected {theirs:.4f}."


@exercise("noise_gain")
def _noise_gain(answer: Any) -> str | None:
    k, shape, ratio = _lopsided(5, 7), (24, 31), 0.03
    size = torch.fft.fft2(k, s=shape).abs()
    w = size / (size.square() + ratio)
    expected = float(w.square().mean().sqrt())
    given = answer(k.clone(), shape, ratio)
    if given is None:
        return FORGOTTEN
    mine = float(given)
    half, small = transfer_function(k, shape).abs(), torch.fft.fft2(k).abs()

    def root(power: Tensor) -> float:
        return float(power.mean().sqrt())

    known = [
        (expected**2, "this is the factor of the variance; the standard deviation is its root."),
        (float(w.mean()), "you averaged |W|; noise adds in power, so average |W|² and take the root."),
        (root(size.square()), "you averaged |K|², which is what the blur does to noise, not the filter."),
        (
            root((half / (half.square() + ratio)).square()),
            "you averaged over the half plane of rfft2, where all but one column stand for two frequencies each; "
            "fft2 has each of them once.",
        ),
        (
            root((size * w).square()),
            "this is how much of the *picture* gets through, W K; noise comes in after the blur and meets W alone.",
        ),
        (root(1 / size.square()), "this is the plain inverse filter's gain, 1/|K|: the ratio is missing."),
        (
            root((small / (small.square() + ratio)).square()),
            "you transformed the kernel at its own size; the picture has more frequencies, fft2(kernel, s=shape).",
        ),
        (
            float(w.square().sum().sqrt()),
            "you added the frequencies up; the standard deviation of a pixel needs their mean.",
        ),
    ]
    if _same(mine, expected):
        return None
    reason = next((text for value, text in known if _same(mine, value)), "check |W| = |K| / (|K|² + ratio).")
    return f"your answer is {mine:.4g}; for this kernel it is {expected:.4g}: {reason}"


@exercise("wiener_filter")
def _wiener_filter(answer: Any) -> str | None:
    x, k, ratio = _scene(2, 3, 24, 31), _lopsided(5, 7), 0.02
    y = add_noise(Blur(k)((x - 0.1) / 0.8), 0.01, generator=seed(2))  # from black to white: the answer overshoots
    shape = (24, 31)
    spectrum, transfer = torch.fft.rfft2(y), transfer_function(k, shape)
    power = transfer.abs().square()

    def back(restored: Tensor) -> Tensor:
        x: Tensor = torch.fft.irfft2(restored, s=shape)
        return x

    expected = back(transfer.conj() * spectrum / (power + ratio))
    given = answer(y.clone(), k.clone(), ratio)
    if complaint := _no_picture(given, expected):
        return complaint
    if _close(given, expected):
        return None
    # Which shift, if any, brings it into place?
    both = torch.fft.rfft2(given.double()).conj() * torch.fft.rfft2(expected)
    row, column = divmod(int(back(both).sum(dim=(0, 1)).argmax()), shape[1])
    if (row or column) and _close(given.roll((row, column), dims=(-2, -1)), expected):
        down, right = [(-s + n // 2) % n - n // 2 for s, n in zip((row, column), shape, strict=True)]
        return (
            f"your picture is right but displaced by {down} rows and {right} columns: the kernel's corner lies at the "
            "origin, its centre should; transfer_function rolls it there."
        )
    penalty = torch.full_like(power, ratio)
    penalty[..., 0, 0] = 0
    mistakes = {
        "you multiplied by K where its conjugate belongs: the blur moved each wave, and K moves it once more "
        "instead of back.": back(transfer * spectrum / (power + ratio)),
        f"you divided by K + {ratio}; that shifts K along the real axis and can meet zero, the ratio belongs beside "
        "|K|², which is never negative.": back(spectrum / (transfer + ratio)),
        f"you divided by |K| + {ratio}, expected |K|² + {ratio}: where K is large you lose contrast.": back(
            transfer.conj() * spectrum / (power.sqrt() + ratio)
        ),
        f"you squared the ratio, {ratio}² = {ratio**2:.4f}: it is a ratio of powers already.": back(
            transfer.conj() * spectrum / (power + ratio**2)
        ),
        "this is the plain inverse filter: the ratio has no effect.": back(spectrum / transfer),
        f"your mean is {float(given.double().mean()):.4f}, expected {float(expected.mean()):.4f}: you kept frequency "
        "zero, as the library does; here the ratio counts everywhere.": back(
            transfer.conj() * spectrum / (power + penalty)
        ),
        f"you clipped to [0, 1]; the filter's own answer runs from {float(expected.min()):.2f} to "
        f"{float(expected.max()):.2f}.": expected.clamp(0, 1),
    }
    return _matches(given, mistakes) or _worst(given, expected)


Step = Callable[[Tensor, Tensor, Tensor], Tensor]


def _step(x: Tensor, y: Tensor, transfer: Tensor, *, turned: bool = True) -> Tensor:
    """One iteration of Richardson–Lucy on an image that repeats."""
    shape = (y.shape[-2], y.shape[-1])
    predicted = torch.fft.irfft2(torch.fft.rfft2(x) * transfer, s=shape)
    back = transfer.conj() if turned else transfer
    factor: Tensor = torch.fft.irfft2(torch.fft.rfft2(y / predicted.clamp_min(DARK)) * back, s=shape)
    return x * factor


def _run(y: Tensor, k: Tensor, iterations: int, *, start: Tensor | None = None, turned: bool = True) -> list[Tensor]:
    """The estimates 0, 1, ... of Richardson–Lucy, beginning with the blurred image."""
    transfer = transfer_function(k, (y.shape[-2], y.shape[-1]))
    estimates = [y.clamp_min(DARK) if start is None else start]
    for _ in range(iterations):
        estimates.append(_step(estimates[-1], y, transfer, turned=turned))
    return estimates


@exercise("stop_in_time")
def _stop_in_time(answer: Any) -> str | None:
    x, k, sigma = _scene(1, 1, 36, 40), _lopsided(7, 5), 0.03
    y = add_noise(Blur(k)(x), sigma, generator=seed(4))
    estimates, blur = _run(y, k, MOST), Blur(k)
    residuals = [blur(e) - y for e in estimates]

    def first(small_enough: Callable[[Tensor], bool]) -> int:
        return next((t for t, r in enumerate(residuals) if t and small_enough(r)), MOST)

    due = first(lambda r: float(r.square().mean().sqrt()) <= sigma)
    given = answer(y.clone(), k.clone(), sigma)
    if not (isinstance(given, tuple) and len(given) == 2):
        return f"your answer is of type {type(given).__name__}, expected a pair: the picture and the number of steps."
    picture, mine = given[0], int(given[1])
    if complaint := _no_picture(picture, estimates[0]):
        return complaint
    if mine == due and _close(picture, estimates[due]):
        return None
    if mine == due:
        if _close(picture, estimates[due - 1]):
            return (
                f"you counted {mine} steps but returned the picture after {due - 1}, which does not explain enough yet."
            )
        wrong = _run(y, k, due, turned=False)[-1]
        if _close(picture, wrong):
            return f"after {mine} steps your picture has ghosts: the ratio has to go back by the adjoint, conj(K)."
        return f"your {mine} steps are right, the picture is not: {_worst(picture, estimates[due])}"
    left = float(residuals[min(mine, MOST)].square().mean().sqrt())
    steps = f"{mine} step" if mine == 1 else f"{mine} steps"
    found = f"you stopped after {steps}, where k * x misses y by {left:.4f}; sigma is {sigma}, so stop after {due}"
    if mine == first(lambda r: float(r.square().mean()) <= sigma):
        return f"{found}: you compared the variance, {left**2:.5f}, with the standard deviation."
    if mine == first(lambda r: float(r.abs().mean()) <= sigma):
        return f"{found}: you took the mean of |k * x - y|, which is a fifth smaller than its root mean square."
    if mine >= MOST:
        return f"{found}: you never stopped; with sigma goes the root mean square of k * x - y, not its sum or maximum."
    if mine == due + 1:
        return f"{found}: you looked at the picture from before the step, and so were one late."
    if mine == due - 1:
        return f"{found}: you were one early; count the step that you have just taken."
    return f"{found}."


@exercise("mended_richardson_lucy")
def _mended_richardson_lucy(answer: Any) -> str | None:
    x, k, rounds = _scene(1, 3, 30, 36), _lopsided(5, 7), 8
    y = add_noise(Blur(k)(x), 0.01, generator=seed(8)).clamp_min(0)
    estimates = _run(y, k, rounds + 1)
    expected = estimates[rounds]
    given = answer(y.clone(), k.clone(), rounds)
    if complaint := _no_picture(given, expected):
        return complaint
    if _close(given, expected):
        return None
    black = (y - 0.2).clamp_min(0)  # the colleague's start
    holes = float((given.double() < DARK / 2).double().mean())
    if holes > 0.02:
        if _close(given, _run(y, k, rounds, start=black, turned=False)[-1]):
            return f"{100 * holes:.0f} % of your picture is black, and the rest has ghosts: neither bug is mended."
        return (
            f"{100 * holes:.0f} % of your picture is black: what starts at zero stays zero, whatever it is multiplied "
            "by; start above zero."
        )
    level = float(given.double().mean() / expected.mean())
    if not _same(level, 1) and _close(given / level, expected):
        return f"your picture is {level:.3g} times as bright as it should be: the step keeps the light's sum by itself."
    turned = torch.flip(k, (-2, -1))
    mistakes = {
        "your picture has ghosts, the ratio still goes *forward* with the kernel: it has to go back to where "
        "the light came from, conj(K).": _run(y, k, rounds, turned=False)[-1],
        "your picture has ghosts, both ways are turned round: the prediction is K x, only the way back has "
        "conj(K).": _run(y, turned, rounds)[-1],
        f"you took {rounds + 1} steps, expected {rounds}.": estimates[rounds + 1],
        f"you took {rounds - 1} steps, expected {rounds}.": estimates[rounds - 1],
        f"you clipped to [0, 1]; the estimate's largest value is {float(expected.max()):.3f}.": expected.clamp(0, 1),
    }
    return _matches(given, mistakes) or _worst(given, expected)
