"""``weightedce losses``: what there is, with a line each; of one, all that is needed to take it."""

import inspect
import re
from collections.abc import Callable
from typing import Annotated, Any

import typer
from rich.table import Table

from weightedce.command.complete import losses as offered
from weightedce.command.console import wide_console
from weightedce.command.fail import in_one_line
from weightedce.command.formula import readable
from weightedce.command.situations import OBJECTS, WHEN
from weightedce.validation import catalog
from weightedce.validation.plan import known


def losses(
    name: Annotated[
        str | None,
        typer.Argument(help="A loss, to be described.", autocompletion=offered),
    ] = None,
) -> None:
    """List the losses with one line each, or describe one: formula, when to use it, imports."""
    if name is None:
        table = Table(box=None, show_header=False, pad_edge=False)
        table.add_column(no_wrap=True, style="bold")
        table.add_column()
        for loss, function in sorted(_all().items()):
            table.add_row(loss, catalog.first_line(function))
        wide_console().print(table)
        return
    with in_one_line():
        known("NAME", (name,), tuple(_all()))
    for line in described(name):
        typer.echo(line)


def _all() -> dict[str, Callable[..., Any]]:
    return catalog.losses() | catalog.with_state()


def described(name: str) -> list[str]:
    """Return lines about a loss, to be read and to be pasted."""
    function = _all()[name]
    doc = inspect.getdoc(function) or ""
    torch, keras = OBJECTS[name]
    signature = inspect.signature(function)
    plain = [x.replace(annotation=inspect.Parameter.empty) for x in signature.parameters.values()]
    signature = inspect.Signature(plain)
    lines = [f"{name}{signature}", "", catalog.first_line(function), ""]
    found = re.search(r"^\.\. math::[ ]*(.*(?:\n(?:[ ]+.*|))*)", doc, re.MULTILINE)
    if found:
        lines += ["formula", f"    {readable(found[1])}", ""]
    lines += ["when", f"    {WHEN[name]}", "", "import"]
    lines.append(f"    from weightedce import {name}")
    lines += [f"    from weightedce.torch import {torch}"] if torch else []
    lines += [f"    from weightedce.keras import {cls}" for cls in keras]
    return lines
