"""A claim shows its number while it holds, and stops the build when it does not."""

import math

import pytest
import torch

from deblurlib.show import claim


def test_a_claim_shows_its_number_and_its_range():
    held = claim("gain", 1.652, 1.6, 1.7, unit="dB")
    assert str(held) == "gain: 1.652 dB (held between 1.6 and 1.7)"
    assert float(held) == 1.652
    assert "<strong>1.652 dB</strong>" in held._repr_html_()
    assert "held at 2 or less" in str(claim("ratio", 1.5, high=2))
    assert "held at 1 or more" in str(claim("ratio", 1.5, low=1))


def test_the_ends_belong_to_the_range():
    assert claim("x", 1.0, 1.0, 2.0).value == 1.0
    assert claim("x", 2.0, 1.0, 2.0).value == 2.0


@pytest.mark.parametrize("value", [0.99, 2.01, math.nan, math.inf])
def test_a_value_out_of_its_range_stops(value):
    with pytest.raises(AssertionError, match=r"gain: .* is out of the range that the text rests on, 1 to 2"):
        claim("gain", value, 1, 2)


def test_a_tensor_of_one_number_is_a_number():
    assert claim("x", torch.tensor([[1.5]]), 1, 2).value == 1.5


def test_what_the_name_says_is_escaped():
    assert "a &lt; b" in claim("a < b", 1, 0, 2)._repr_html_()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("", 1, 0, 2), "name"), (("x", 1), "no claim"), (("x", 1, 2, 1), "nothing lies between 2 and 1")],
)
def test_bad_claims_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        claim(*arguments)
