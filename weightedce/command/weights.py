"""``weightedce weights``: counts and every estimator of weights, side by side."""

import inspect
from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

import weightedce
from weightedce.command.console import wide_console
from weightedce.command.fail import in_one_line
from weightedce.command.labels import count
from weightedce.validation.outputs.literal import literal


def weights(
    file: Annotated[Path, typer.Argument(help="Labels: a .npy array, or a .csv with a header.")],
    column: Annotated[
        str | None, typer.Option(help="Name of the CSV column that holds the labels.")
    ] = None,
    header: Annotated[
        bool, typer.Option(help="Whether the first line of the CSV names the columns.")
    ] = True,
    delimiter: Annotated[str, typer.Option(help="What separates the columns of the CSV.")] = ",",
    names: Annotated[
        bool, typer.Option("--names", help="Take every label as a name, numbers too.")
    ] = False,
    ignore: Annotated[
        list[str] | None, typer.Option(help="A label that is not counted, such as -100 or ''.")
    ] = None,
) -> None:
    """Count the classes of a file and weigh them by every estimator, side by side.

    The file is read piece by piece and may be larger than the memory. Labels are integers >= 0,
    where a class that does not occur has count 0, or names, which are put in order.
    """
    with in_one_line():
        counts = count(file, column, header, delimiter, names, set(ignore or ()))
        _print(counts)


def _print(counts: dict[str, int]) -> None:
    total = sum(counts.values())
    estimators = {
        name: public
        for name in dir(weightedce)
        if inspect.isfunction(public := getattr(weightedce, name))
        and list(inspect.signature(public).parameters)[:1] == ["counts"]
    }
    table = Table(title=f"{total:,} labels, {len(counts)} classes")
    table.add_column("class", overflow="fold")
    table.add_column("count", justify="right")
    table.add_column("share", justify="right")
    columns = []
    for name, estimator in estimators.items():
        table.add_column(name, justify="right")
        columns.append(estimator(list(counts.values())))
    for row, (label, n) in enumerate(counts.items()):
        numbers = [f"{column[row]:.6g}" for column in columns]
        table.add_row(literal(label), f"{n:,}", f"{n / total:.3%}", *numbers)
    console = wide_console()
    console.print(table)
    console.print("Weights average 1 over the data; pass a column as class_weight, in this order.")
