"""How a command ends when it cannot go on: one sentence, and an exit code."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup

FAILED, INTERRUPTED = 2, 130


class Commands(TyperGroup):
    """Commands whose errors are one sentence."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command, and turn what the library raises into a sentence and an exit code."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # whoever reads our output has left: not an error
            raise
        except (ValueError, TypeError, OSError, FloatingPointError, ImportError) as error:
            _fail(error)
        except RuntimeError as error:
            if not type(error).__module__.startswith("deblurlib") and type(error).__name__ != "OutOfMemoryError":
                raise
            _fail(error)
        except KeyboardInterrupt:
            typer.echo("Stopped. Files that were finished are whole; of the others nothing was written.", err=True)
            raise typer.Exit(INTERRUPTED) from None


def _fail(error: Exception) -> None:
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    else:
        text = " ".join([str(error) or type(error).__name__, *getattr(error, "__notes__", ())])
    if os.environ.get("LOCAL_RANK", "0") == "0":  # of several processes that fail alike, one says so
        typer.echo(f"deblurlib: {' '.join(text.split())}", err=True)
    raise typer.Exit(FAILED) from None


@contextmanager
def between_steps(agreed: Callable[[bool], bool] = bool) -> Iterator[Callable[[int, dict[str, float]], None]]:
    """Let Ctrl-C wait until no file is being written; pressed twice, it stops at once.

    Args:
        agreed: Says whether to stop, given whether this process was asked to: where several train, all must agree.
    """
    asked = False

    def ask(_number: int, _frame: object) -> None:
        nonlocal asked
        if asked:
            raise KeyboardInterrupt
        asked = True

    def stop_if_asked(_step: int, _losses: dict[str, float]) -> None:
        if agreed(asked):
            raise KeyboardInterrupt

    before = signal.signal(signal.SIGINT, ask)
    try:
        yield stop_if_asked
    finally:
        signal.signal(signal.SIGINT, before)
