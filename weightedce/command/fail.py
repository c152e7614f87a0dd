"""Errors of the command line: one line, no traceback."""

from collections.abc import Iterator
from contextlib import contextmanager

import typer
from rich.console import Console


@contextmanager
def in_one_line(code: int = 2) -> Iterator[None]:
    """Turn an error that says what is wrong into one line on stderr, and an exit status.

    ValueError and OSError are what a user can cause; anything else is a fault of ours, and shows
    where.
    """
    try:
        yield
    except FileNotFoundError as error:
        _leave(f"{error.filename}: no such file", code)
    except OSError as error:
        _leave(f"{error.filename or 'file'}: {error.strerror or error}", code)
    except ValueError as error:
        _leave(" ".join(str(error).split()), code)


def wide_console() -> Console:
    """Return stdout; a file or pipe gets long lines, not columns cut for a window."""
    console = Console()
    return console if console.is_terminal else Console(width=160)


def _leave(message: str, code: int) -> None:
    typer.echo(f"weightedce: {message}", err=True)
    raise typer.Exit(code)
