"""Errors of the command line: one line, no traceback."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NoReturn

import typer

from weightedce.backends.missing import EXTRAS
from weightedce.validation.outputs.literal import literal


@contextmanager
def in_one_line(code: int = 2) -> Iterator[None]:
    """Turn an error that says what is wrong into one line on stderr, and an exit status.

    ValueError and OSError are what a user can cause; anything else is a fault of ours, and shows
    where.
    """
    try:
        yield
    except FileNotFoundError as error:
        leave(f"{error.filename}: no such file", code)
    except OSError as error:
        leave(f"{error.filename or 'file'}: {error.strerror or error}", code)
    except ModuleNotFoundError as error:
        if error.name not in EXTRAS:
            raise
        leave(str(error), code)
    except ValueError as error:
        leave(str(error), code)


def leave(message: str, code: int) -> NoReturn:
    """Say on stderr why, in one line, and exit."""
    typer.echo(f"weightedce: {literal(message)}", err=True)
    raise typer.Exit(code)
