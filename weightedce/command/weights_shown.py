"""Counts and weights as a table with a line to paste, and as JSON."""

import json

from rich.console import Console
from rich.table import Table

from weightedce.command.weighed import Weighed
from weightedce.validation.outputs.literal import literal

SHOWN = 200  # classes: nobody reads more in a terminal, nor pastes them


def show(weighed: Weighed, console: Console) -> None:
    """Print a table, the imbalance, and a line to paste."""
    several = weighed.argument == "class_weight"
    unit = "labels" if several else "rows"
    plural = "classes" if several else "labels"
    title = f"{weighed.total:,} {unit}, {len(weighed.counts):,} {plural}"
    table = Table(title=title)
    table.add_column(weighed.kind, overflow="fold", min_width=4)
    for name in ("count" if several else "positives", "share", *weighed.weights):
        # in two lines: so all fit where there are 80 columns, and none is cut
        table.add_column(name.replace("_", "_\n"), justify="right", overflow="fold", min_width=5)
    for row, (label, n) in list(enumerate(weighed.counts.items()))[:SHOWN]:
        numbers = [f"{weights[row]:.6g}" for weights in weighed.weights.values()]
        table.add_row(literal(label), f"{n:,}", f"{weighed.shares[row]:.3%}", *numbers)
    console.print(table)
    if weighed.ratio > 1:
        console.print(f"The most frequent occurs {weighed.ratio:.4g} times as often as the rarest.")
    if several:
        console.print("Weights average 1 over the data. To paste:")
    if len(weighed.counts) > SHOWN:
        more = len(weighed.counts) - SHOWN
        console.print(f"... and {more:,} more {plural}: --json has all of them, and the weights.")
        return
    for line in _to_paste(weighed):
        console.print(literal(line), soft_wrap=True)


def _to_paste(weighed: Weighed) -> list[str]:
    """Return lines of Python."""
    numbers = ", ".join(f"{weight:.6g}" for weight in weighed.weights[weighed.chosen])
    lines = [f"{weighed.argument} = [{numbers}]  # {weighed.chosen}"]
    if not all(label.isdecimal() for label in weighed.counts):
        lines.append(
            f"{'classes' if weighed.kind == 'class' else 'labels'} = {list(weighed.counts)!r}"
        )
    return lines


def as_json(weighed: Weighed, notes: list[str]) -> str:
    """Return all there is, numbers in full."""
    report = {
        "total": weighed.total,
        weighed.kind: list(weighed.counts),
        "counts": list(weighed.counts.values()),
        "imbalance_ratio": weighed.ratio,
        weighed.argument: weighed.weights[weighed.chosen],
        "weights": weighed.weights,
        "notes": notes,
    }
    return json.dumps(report, indent=2)
