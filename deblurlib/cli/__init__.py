"""The command line: deblur, blur, score, train, doctor.

Whatever goes wrong ends in one sentence on the standard error, exit code 2, and nothing written.
"""

from deblurlib.cli.commands import app

__all__ = ["app", "main"]


def main() -> None:
    """The entry point of the command `deblurlib`."""
    app(prog_name="deblurlib")
