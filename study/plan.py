"""What a cell of the study is, and what is measured of it."""

from typing import NamedTuple

from study.trainings import TRAININGS
from weightedce.comparison.table import Table

SEEDS = 5
MISS = 10.0  # what it costs to miss a rare row; any other mistake costs 1
MODELS = ("network", "booster")
SCORES = ("balanced_accuracy", "balanced_accuracy_moved", "average_precision", "log_loss", "cost")


class Cell(NamedTuple):
    """What is measured at once."""

    table: str
    model: str
    training: str


def cells(tables: dict[str, Table], trainings: list[str], models: list[str]) -> list[Cell]:
    """Return all of them, table by table."""
    return [
        Cell(name, model, training)
        for name, table in tables.items()
        for model in models
        for training in trainings
        if TRAININGS[training].applies(len(table.classes), model)
    ]
