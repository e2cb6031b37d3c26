"""The exercise of the chapter on where the field went: the solution passes, wrong answers draw their own messages."""

import pytest

from deblurlib.exercises import check


def open_shutter(frames, gamma):
    return (frames**gamma).mean(dim=0, keepdim=True) ** (1 / gamma)


def blank(*_):
    raise NotImplementedError("your turn")


MUTANTS = [
    ("light adds up, file values do not", lambda x, g: x.mean(dim=0, keepdim=True)),
    ("apply the camera's curve again", lambda x, g: (x**g).mean(dim=0, keepdim=True)),
    ("and the other way round", lambda x, g: open_shutter(x, 1 / g)),
    ("you undid the curve twice", lambda x, g: (x**g).mean(dim=0, keepdim=True) ** g),
    ("divide by how many", lambda x, g: (x**g).sum(dim=0, keepdim=True) ** (1 / g)),
    ("this is the first frame", lambda x, g: x[:1]),
    ("you took the median", lambda x, g: (x**g).median(dim=0, keepdim=True).values ** (1 / g)),
    ("keep the dimension", lambda x, g: open_shutter(x, g)[0]),
    ("your answer is None", lambda x, g: None),
    ("is of type float", lambda x, g: 0.5),
]


def test_the_solution_passes():
    assert check("open_shutter", open_shutter, strict=True).passed


def test_the_stub_is_not_done_yet():
    result = check("open_shutter", blank)
    assert result.passed is None and "not done yet" in result.message


@pytest.mark.parametrize(("message", "mutant"), MUTANTS)
def test_each_mistake_is_named(message, mutant):
    result = check("open_shutter", mutant)
    assert result.passed is False
    assert message in result.message
    # No other mistake of this exercise is taken for it.
    assert not [other for other, _ in MUTANTS if other != message and other in result.message]
