"""The checkers of the book's exercises: they say whether an answer is right, and if not, which idea went wrong."""

from deblurlib.exercises.check import Result, check, exercise, names

__all__ = ["Result", "check", "exercise", "names"]
