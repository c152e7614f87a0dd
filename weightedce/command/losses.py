"""``weightedce losses``: what there is, with a line each."""

from rich.table import Table

from weightedce.command.console import wide_console
from weightedce.validation import catalog


def losses() -> None:
    """List the losses with one line each."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="bold")
    table.add_column()
    for name, function in catalog.losses().items():
        table.add_row(name, catalog.first_line(function))
    wide_console().print(table)
