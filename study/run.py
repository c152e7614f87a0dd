"""Measure every cell that is not finished, with a bar that says how long it takes."""

from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from study.cells import halves, measure
from study.finished import Finished, Found
from study.plan import Cell, cells
from study.tables import FOLDS
from study.trainings import TRAININGS
from weightedce.comparison.table import Table


def run(
    tables: dict[str, Table], trainings: list[str], models: list[str], seeds: int, path: Path
) -> Found:
    """Return what was found; ``path`` keeps it while it grows."""
    asked = cells(tables, trainings, models)
    finished = Finished(path, {cell: kind(cell, tables[cell.table], seeds) for cell in asked})
    found = finished.read()
    left = [cell for cell in asked if cell not in found]
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task("training", total=len(asked), completed=len(asked) - len(left))
        for name, table in tables.items():
            todo = [cell for cell in left if cell.table == name]
            split = halves(table, seeds) if todo else []
            for cell in todo:
                bar.update(task, description=", ".join(cell))
                found[cell] = measure(cell, table, split)
                finished.add(cell, found[cell])
                bar.advance(task)
    return {cell: found[cell] for cell in asked}


def kind(cell: Cell, table: Table, seeds: int) -> str:
    """Say how a cell is measured, so that a run of other settings does not take it for its own."""
    return f"{seeds} x {FOLDS}, {len(table.labels)} rows, {TRAININGS[cell.training].settings}"
