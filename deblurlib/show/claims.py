"""A number that the text rests on: printed where it is computed, and the build stops when it leaves its range."""

import html
import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Claim:
    """What was found, and between what it has to lie. Prints as one line, shows as one line in a notebook.

    Attributes:
        name: For people: what was measured.
        value: What came out.
        low: The least that the text bears.
        high: The most.
        unit: Of all three.
    """

    name: str
    value: float
    low: float
    high: float
    unit: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self._number(self.value)} ({self._range()})"

    __repr__ = __str__

    def __float__(self) -> float:
        return self.value

    def _repr_html_(self) -> str:
        name, number = html.escape(self.name), html.escape(self._number(self.value))
        return f'<p style="margin:0.3em 0">{name}: <strong>{number}</strong> <small>({self._range()})</small></p>'

    def _range(self) -> str:
        if math.isinf(self.high):
            return f"held at {self.low:.4g} or more"
        if math.isinf(self.low):
            return f"held at {self.high:.4g} or less"
        return f"held between {self.low:.4g} and {self.high:.4g}"

    def _number(self, value: float) -> str:
        return f"{value:.4g}{' ' if self.unit else ''}{self.unit}"


def claim(name: str, value: float, low: float = -math.inf, high: float = math.inf, *, unit: str = "") -> Claim:
    """Hold a number that the text speaks of: hand it back to be shown, or stop when it has left its range.

    Args:
        name: What was measured.
        value: What came out; a tensor of one number counts as one.
        low: The least with which the text is still true.
        high: The most. One of both at least has to be given.
        unit: Of the three numbers.

    Returns:
        The claim; as the last expression of a cell it shows itself, and `float(...)` takes the number on.

    Raises:
        AssertionError: the value is not in [low, high], or is NaN.
        ValueError: no name, no bound, or a range that holds nothing.

    Example:
        >>> claim("gain over the blurred input", 1.652, 1.6, 1.7, unit="dB")
        gain over the blurred input: 1.652 dB (held between 1.6 and 1.7)
        >>> claim("gain over the blurred input", 1.2, low=1.6, unit="dB")
        Traceback (most recent call last):
        ...
        AssertionError: gain over the blurred input: 1.2 dB is out of the range that the text rests on, 1.6 to inf.
    """
    if not name:
        raise ValueError("name: expected one; it is what the reader sees beside the number.")
    if math.isinf(low) and math.isinf(high):
        raise ValueError(f"{name}: expected a bound, low or high; what can be anything is no claim.")
    if not low <= high:
        raise ValueError(f"{name}: nothing lies between {low:g} and {high:g}.")
    found = Claim(name, float(value), float(low), float(high), unit)
    if not low <= found.value <= high:
        number = found._number(found.value)
        raise AssertionError(f"{name}: {number} is out of the range that the text rests on, {low:g} to {high:g}.")
    return found
