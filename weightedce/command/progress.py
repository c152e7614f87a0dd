"""How far a command is: a bar with the time left, or where nobody watches a line now and then."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

EVERY = 10.0  # seconds between two lines in a log


@contextmanager
def progress(title: str) -> Iterator[Callable[[float, float], None]]:
    """Yield what to call with how much is done, and of how much; 0 where nobody knows.

    All of it goes to stderr: what a command finds goes to stdout, alone.
    """
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(title, console)
        return
    columns = (BarColumn(), TaskProgressColumn(), TimeRemainingColumn(elapsed_when_finished=True))
    first = TextColumn("{task.description}")
    with Progress(first, *columns, console=console, transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)


class _Lines:
    def __init__(self, title: str, console: Console) -> None:
        self.title, self.console = title, console
        self.began = self.said = time.monotonic()

    def __call__(self, done: float, total: float) -> None:
        now = time.monotonic()
        if now - self.said < EVERY or not 0 < done < total:
            return
        self.said = now
        left = (now - self.began) * (total / done - 1.0)
        share = f"{done / total:.0%}, about {left:.0f} s left"
        self.console.print(f"{self.title}: {share}", highlight=False, soft_wrap=True)
