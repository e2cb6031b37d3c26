"""The constants of the blind methods, checked where a caller may change them."""

from dataclasses import fields, is_dataclass
from numbers import Integral, Real

from deblurlib import contracts

OFF_AT_ZERO = {
    *("cut", "edges", "kernel_weight", "last_threshold", "least", "prune", "reweightings", "ridge", "rim"),
    *("shock", "shock_times", "smoothness", "sparsity", "supports"),
}
"""Constants that zero switches off; every other one is above zero."""


def check_constants(settings: object, method: str) -> None:
    """Check that the numbers among a method's constants are finite and not negative, and that counts are whole.

    Args:
        settings: The dataclass of the method's constants; those within it are checked, too.
        method: Its name, for the message.

    Raises:
        TypeError: another type than that of the default.
        ValueError: a number that is not finite, or out of range.

    Example:
        >>> from deblurlib.blind.l0_gradient import L0GradientSettings
        >>> check_constants(L0GradientSettings(decay=-1.1), "l0_gradient")
        Traceback (most recent call last):
        ...
        ValueError: l0_gradient, decay: expected a number above 0, got -1.1.
    """
    for constant in fields(settings):  # type: ignore[arg-type]
        name, value = f"{method}, {constant.name}", getattr(settings, constant.name)
        zero = constant.name in OFF_AT_ZERO
        if is_dataclass(value):
            check_constants(value, name)
        elif isinstance(constant.default, int):
            if isinstance(value, bool) or not isinstance(value, Integral):
                raise TypeError(f"{name}: expected an integer, got {value!r}.")
            contracts.number(int(value), name, low=0 if zero else 1)
        elif isinstance(constant.default, Real):
            contracts.number(value, name, low=0, open_low=not zero)
