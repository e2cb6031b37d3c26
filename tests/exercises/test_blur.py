"""The checkers of the chapter on blur: the solution passes, and each wrong answer draws its own message."""

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from deblurlib.blur import Blur
from deblurlib.exercises import check

Answer = Callable[..., object]


def blank(*_: object) -> object:
    raise NotImplementedError("your turn")


def grouped(image: Tensor, weight: Tensor) -> Tensor:
    channels = image.shape[1]
    return F.conv2d(image, weight.expand(channels, 1, -1, -1), groups=channels)


def convolve_valid(image: Tensor, kernel: Tensor) -> Tensor:
    return grouped(image, kernel.flip(-2, -1))


def offsets(kernel: Tensor, dim: int) -> Tensor:
    return torch.arange(kernel.shape[dim]) - kernel.shape[dim] // 2


def image_shift(kernel: Tensor) -> tuple[float, float]:
    k = kernel[0, 0]
    return (k.sum(1) @ offsets(kernel, -2).float()).item(), (k.sum(0) @ offsets(kernel, -1).float()).item()


def gain(kernel: Tensor, frequency: float, dim: int = -1) -> Tensor:
    light = kernel[0, 0].sum(0 if dim == -1 else 1)
    return (light * torch.exp(-2j * math.pi * frequency * offsets(kernel, dim))).sum()


def surviving_contrast(kernel: Tensor, period: float) -> float:
    return gain(kernel, 1 / period).abs().item()


def fft_blur(x: Tensor, k: Tensor, *, mode: str = "reflect", flip: bool = False, late: float = 1.0) -> Tensor:
    """The bug hunt's function; `late` is where the cut starts, as a part of h - 1."""
    h, w = k.shape[-2:]
    padded = F.pad(x, (w // 2, w // 2, h // 2, h // 2), mode=mode)
    size = padded.shape[-2:]
    spectrum = torch.fft.rfft2(padded) * torch.fft.rfft2(k.flip(-2, -1) if flip else k, s=size)
    top, left = round(late * (h - 1)), round(late * (w - 1))
    return torch.fft.irfft2(spectrum, s=size)[..., top : top + x.shape[-2], left : left + x.shape[-1]]


def brightest(kernel: Tensor) -> tuple[int, int]:
    row, column = divmod(int(kernel.argmax()), kernel.shape[-1])
    return row - kernel.shape[-2] // 2, column - kernel.shape[-1] // 2


def middle_of_the_box(kernel: Tensor) -> list[float]:
    places = kernel[0, 0].nonzero().float()
    return ((places.amin(0) + places.amax(0)) / 2 - torch.tensor([s // 2 for s in kernel.shape[-2:]])).tolist()


def from_the_corner(kernel: Tensor) -> list[float]:
    return [shift + size // 2 for shift, size in zip(image_shift(kernel), kernel.shape[-2:], strict=True)]


def from_half(kernel: Tensor) -> list[float]:
    return [shift - 0.5 for shift in image_shift(kernel)]


SOLUTIONS: dict[str, Answer] = {
    "convolve_valid": convolve_valid,
    "image_shift": image_shift,
    "surviving_contrast": surviving_contrast,
    "mended_blur": fft_blur,
}

MUTANTS: dict[str, list[tuple[str, Answer]]] = {
    "convolve_valid": [
        ("this is correlation", grouped),
        ("left and right alone", lambda x, k: grouped(x, k.flip(-1))),
        ("up and down alone", lambda x, k: grouped(x, k.flip(-2))),
        ("as many as the image: you padded", lambda x, k: Blur(k, "zero")(x)),
        ("added the colours up", lambda x, k: F.conv2d(x, k.flip(-2, -1).expand(1, x.shape[1], -1, -1))),
        ("3 times as bright", lambda x, k: 3 * convolve_valid(x, k)),
        ("is None: does the function return", lambda x, k: None),
        ("of type list", lambda x, k: convolve_valid(x, k).tolist()),
        ("has shape (3, 12, 14)", lambda x, k: convolve_valid(x, k)[0]),
        ("at row", lambda x, k: convolve_valid(x, k).square()),
        ("at row", lambda x, k: convolve_valid(x, k) * math.nan),
        ("raised RuntimeError", lambda x, k: F.conv2d(x, k)),
    ],
    "image_shift": [
        ("from the corner", from_the_corner),
        ("half a pixel beside", from_half),
        ("rows come first", lambda k: image_shift(k)[::-1]),
        ("the direction is opposite", lambda k: [-v for v in image_shift(k)]),
        ("brightest pixel", brightest),
        ("middle of the box", middle_of_the_box),
        ("expected two numbers", lambda k: 1.0),
        ("expected two numbers", lambda k: (1.0, 2.0, 3.0)),
        ("your answer is (40, 40), expected (0.", lambda k: (40, 40)),
    ],
    "surviving_contrast": [
        ("|K|²", lambda k, p: surviving_contrast(k, p) ** 2),
        ("1 / p cycles", lambda k, p: gain(k, p).abs()),
        ("2π is missing", lambda k, p: gain(k, 1 / p / 2 / math.pi).abs()),
        ("horizontal stripes", lambda k, p: gain(k, 1 / p, dim=-2).abs()),
        ("kept the real part", lambda k, p: gain(k, 1 / p).real),
        ("is complex", lambda k, p: gain(k, 1 / p)),
        ("the part that is lost", lambda k, p: 1 - surviving_contrast(k, p)),
        ("expected one number", lambda k, p: "all of it"),
        ("your answer is 5, expected", lambda k, p: 5),
        ("your answer is nan, expected", lambda k, p: math.nan),
    ],
    "mended_blur": [
        ("3 bugs are left", lambda x, k: fft_blur(x, k, mode="constant", flip=True, late=0)),
        ("1 bug is left: your picture lies 6 pixels too low and 8 too far right", lambda x, k: fft_blur(x, k, late=0)),
        ("1 bug is left: your picture lies 3 pixels too low and 4 too far", lambda x, k: fft_blur(x, k, late=0.5)),
        ("1 bug is left: your rim is too dark", lambda x, k: fft_blur(x, k, mode="constant")),
        ("1 bug is left: your rim shows the opposite side", lambda x, k: Blur(k, "wrap")(x)),
        ("1 bug is left: your rim is a little off", lambda x, k: Blur(k, "replicate")(x)),
        ("1 bug is left: your star is mirrored", lambda x, k: fft_blur(x, k, flip=True)),
        ("0.5 times as bright", lambda x, k: fft_blur(x, k) / 2),
        ("has shape (1, 3, 18, 22)", lambda x, k: Blur(k, "valid")(x)),
        ("is complex", lambda x, k: fft_blur(x, k) + 0j),
        ("at row", lambda x, k: x),
    ],
}

CASES = [(name, message, answer) for name, mutants in MUTANTS.items() for message, answer in mutants]


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_solution_passes(name: str) -> None:
    assert check(name, SOLUTIONS[name], strict=True).passed


@pytest.mark.parametrize("name", SOLUTIONS)
def test_the_stub_is_not_done_yet(name: str) -> None:
    result = check(name, blank)
    assert result.passed is None
    assert result.message == "not done yet."


@pytest.mark.parametrize(("name", "message", "answer"), CASES, ids=[f"{name}: {text}" for name, text, _ in CASES])
def test_a_wrong_answer_draws_its_own_message(name: str, message: str, answer: Answer) -> None:
    result = check(name, answer)
    assert result.passed is False
    assert message in result.message
    others = [text for text, _ in MUTANTS[name] if text not in message and message not in text and text != "at row"]
    assert not [text for text in others if text in result.message and not message.startswith("3 bugs")]


def test_the_library_answers_the_bug_hunt() -> None:
    assert check("mended_blur", lambda x, k: Blur(k, "reflect")(x)).passed


def test_another_way_to_the_same_number_passes() -> None:
    def by_corner(kernel: Tensor, period: float) -> Tensor:
        columns = torch.arange(kernel.shape[-1])
        return (kernel[0, 0].sum(0) * torch.exp(2j * math.pi / period * columns)).sum().abs()

    assert check("surviving_contrast", by_corner).passed
    assert check("image_shift", lambda k: torch.tensor(image_shift(k))).passed
    assert check("convolve_valid", lambda x, k: Blur(k, "valid")(x).double()).passed
