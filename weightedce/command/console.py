"""Stdout as the commands print to it."""

from functools import partial

from rich.console import Console


def wide_console() -> Console:
    """Return stdout; a file or pipe gets long lines, not columns cut for a window.

    It reads neither markup nor names of emoji, which a class or a column may be called like.
    """
    stdout = partial(Console, markup=False, emoji=False, highlight=False)
    console = stdout()
    return console if console.is_terminal else stdout(width=160)
