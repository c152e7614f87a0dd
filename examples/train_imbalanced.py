"""Train one small network with plain and with other losses, in every library that is there.

``python examples/train_imbalanced.py --help`` lists the options. The first library trains on
several splits; what each loss did to the errors is said with the spread, beside a threshold that
is only moved. The losses are compared step by step between the libraries, and the first one with
NumPy's; what disagrees ends in exit status 1.
"""

import os
import time
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

import network
import picture
import rows
import tables
from agreement import TOLERANCE, largest_difference
from losses import LOSSES, Loss, recall_specificity
from weightedce import class_counts

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # both are read when TensorFlow is imported,
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # which announces oneDNN at any log level

MOMENTUM = 0.9
COLUMNS = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
console = Console(highlight=False, soft_wrap=True)


class Library(StrEnum):
    """In the order of import: torch goes before tensorflow."""

    TORCH = "torch"
    JAX = "jax"
    TENSORFLOW = "tensorflow"


class Run(NamedTuple):
    """One library trained with one loss."""

    library: Library
    loss: str
    logits: np.ndarray
    losses: list[float]
    seconds: float

    def errors(self, labels: np.ndarray) -> picture.Errors:
        """Count the rare rows taken for common ones, and the other way round."""
        predicted = self.logits.argmax(axis=1)
        missed, alarms = (labels == 1) & (predicted == 0), (labels == 0) & (predicted == 1)
        return picture.Errors(int(missed.sum()), int(alarms.sum()))


def main(
    library: Annotated[
        list[Library] | None,
        typer.Option(help="May be given several times; default: all that are installed."),
    ] = None,
    loss: Annotated[
        Literal[
            "weighted", "focal", "balanced-softmax", "ldam", "f-beta", "recall-specificity", "all"
        ],
        typer.Option(help="What to train with besides plain cross-entropy; all of them."),
    ] = "weighted",
    recall_weight: Annotated[
        float,
        typer.Option(min=0, max=1, help="For recall-specificity, whose other weight is 1 - it."),
    ] = 0.5,
    data: Literal["page-blocks0", "abalone19"] = "page-blocks0",
    steps: Annotated[int, typer.Option(min=1)] = 200,
    learning_rate: float = 0.05,
    units: Annotated[int, typer.Option(min=1, help="Width of the hidden layer.")] = 16,
    dtype: Annotated[
        Literal["float64", "float32"],
        typer.Option(help="float64 losses must agree to 1e-9, float32 ones to 1e-4."),
    ] = "float64",
    seed: Annotated[int, typer.Option(help="Draws the split and the initial numbers.")] = 0,
    seeds: Annotated[int, typer.Option(min=1, help="How many, from --seed on.")] = 5,
    output: Annotated[Path, typer.Option(help="Folder for the pictures.")] = Path("output"),
) -> None:
    """Train with plain and with other losses; say what it did, draw the errors and the curves."""
    chosen = LOSSES if loss == "all" else {"plain": LOSSES["plain"], loss: LOSSES[loss]}
    chosen = dict(chosen)
    if "recall-specificity" in chosen:
        chosen["recall-specificity"] = recall_specificity(recall_weight)
    libraries = installed(library)
    table = tables.read(data, dtype, seed)
    start = network.initial(table.train_features.shape[1], units, dtype, seed)
    runs = train_all(chosen, libraries, table, start, steps, learning_rate)
    show(runs, table.test_labels, data, dtype)
    check(chosen, runs, table, start, TOLERANCE[dtype])
    seen = [runs_seen(runs[: len(chosen)], table)]
    with Progress(*COLUMNS, TimeRemainingColumn(), console=console, disable=seeds == 1) as progress:
        total = (seeds - 1) * len(chosen) * steps
        advance = partial(progress.advance, progress.add_task("more splits", total=total))
        for other in range(seed + 1, seed + seeds):
            drawn = tables.read(data, dtype, other)
            begin = network.initial(drawn.train_features.shape[1], units, dtype, other)
            more = [
                train(libraries[0], name, its, drawn, begin, steps, learning_rate, advance)
                for name, its in chosen.items()
            ]
            seen.append(runs_seen(more, drawn))
    tell(seen, data, str(libraries[0]))
    draw(runs, list(chosen)[1:], table.test_labels, data, output)


def runs_seen(runs: list[Run], table: tables.Table) -> list[rows.Seen]:
    counts = class_counts(table.train_labels, 2).tolist()
    return [rows.Seen(run.loss, run.logits, table.test_labels, counts) for run in runs]


def tell(seen: list[list[rows.Seen]], data: str, library: str) -> None:
    """Print what each way to train and decide is worth, and say what happened."""
    labels = seen[0][0].labels
    rare, common = int(labels.sum()), int(len(labels) - labels.sum())
    found = rows.gathered([one for of_seed in seen for one in of_seed])
    lines = rows.cells(found, rare, common)
    what = f"{len(seen)} splits, mean ± deviation" if len(seen) > 1 else "one split"
    table = Table(
        title=f"{data}, {library}: {what}; {rare} rare cases of {rare + common} are held out",
        caption="log loss: of the probabilities, as the loss left them or calibrated back",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    for place, title in enumerate(next(lines)):
        if place:
            table.add_column(title.replace(" ", "\n"), justify="right", no_wrap=True)
        else:
            table.add_column(title)
    for line in lines:
        table.add_row(*line)
    console.print(table)
    for sentence in rows.sentences(found, rare, common):
        console.print(sentence)


def installed(asked: list[Library] | None) -> list[Library]:
    there = [name for name in Library if find_spec(name)]
    missing = [name for name in asked or () if name not in there]
    if missing:
        fail(f"not installed: {', '.join(missing)}", 2)
    if not there:
        fail(f"none of {', '.join(Library)} is installed", 2)
    return [name for name in there if not asked or name in asked]


def fail(message: str, status: int) -> None:
    Console(stderr=True, soft_wrap=True, highlight=False).print(f"error: {message}", markup=False)
    raise typer.Exit(status)


def train_all(
    chosen: dict[str, Loss],
    libraries: list[Library],
    table: tables.Table,
    start: network.Parameters,
    steps: int,
    learning_rate: float,
) -> list[Run]:
    runs = []
    with Progress(*COLUMNS, TimeElapsedColumn(), console=console) as progress:
        for library in libraries:
            for name, loss in chosen.items():
                task = progress.add_task(f"{library}, {name} loss", total=steps)
                advance = partial(progress.advance, task)
                runs.append(train(library, name, loss, table, start, steps, learning_rate, advance))
    return runs


def train(
    library: Library,
    name: str,
    loss: Loss,
    table: tables.Table,
    start: network.Parameters,
    steps: int,
    learning_rate: float,
    advance: Callable[[int], None],
) -> Run:
    begin = time.perf_counter()
    parameters, losses = import_module(f"train_{library}").train(
        start,
        table.train_features,
        table.train_labels,
        loss_of=loss,
        steps=steps,
        learning_rate=learning_rate,
        momentum=MOMENTUM,
        advance=advance,
    )
    seconds = time.perf_counter() - begin
    if not np.isfinite([*losses, *(number.sum() for number in parameters)]).all():
        fail(f"{library} diverged: try a --learning-rate below {learning_rate}", 1)
    return Run(library, name, network.logits(parameters, table.test_features), losses, seconds)


def show(runs: list[Run], labels: np.ndarray, data: str, dtype: str) -> None:
    table = Table(
        title=f"{data}, {dtype}: trained on half of the rows",
        caption="final loss: of the training rows, in the loss that was trained: each has a\n"
        "scale of its own. seconds: training with compilation, without imports.",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    for title in ("library", "loss"):
        table.add_column(title, no_wrap=True)
    for title in ("missed", "false\nalarms", "final\nloss", "seconds"):
        table.add_column(title, justify="right")
    for run in runs:
        counts = (str(count) for count in run.errors(labels))
        cells = (*counts, f"{run.losses[-1]:.6f}", f"{run.seconds:.2f}")
        table.add_row(run.library, run.loss, *cells)
    console.print(table)


def check(
    chosen: dict[str, Loss],
    runs: list[Run],
    table: tables.Table,
    start: network.Parameters,
    tolerance: float,
) -> None:
    """Hold the libraries to each other at every step, and to NumPy at the first."""
    logits, labels = network.logits(start, table.train_features), table.train_labels
    wrong = []
    counts = class_counts(labels, 2).tolist()
    for name, loss in chosen.items():
        numpy_loss = float(loss(logits, labels, counts))
        histories = {str(run.library): run.losses for run in runs if run.loss == name}
        first = {who: losses[:1] for who, losses in histories.items()} | {"numpy": [numpy_loss]}
        comparisons = {"first step against NumPy": first}
        if len(histories) > 1:
            steps = len(runs[0].losses)
            comparisons[f"{' / '.join(histories)}, each of {steps} steps"] = histories
        for what, losses in comparisons.items():
            difference = largest_difference(losses)
            console.print(f"{name} loss, {what}: off by at most {difference.relative:.1e}")
            if not difference.relative <= tolerance:  # NaN too
                wrong.append(f"{name} loss, {what}: {difference}")
    if wrong:
        fail(f"the losses differ by more than {tolerance:.0e}, relative:\n" + "\n".join(wrong), 1)
    console.print(f"All agree to {tolerance:.0e}, relative.")


def draw(runs: list[Run], losses: list[str], labels: np.ndarray, data: str, output: Path) -> None:
    """Draw the first library's errors and curves; say which libraries made the same errors."""
    rare = int(labels.sum())
    common = len(labels) - rare
    errors = {(run.library, run.loss): run.errors(labels) for run in runs}
    libraries = dict.fromkeys(run.library for run in runs)
    first = runs[0].library
    output.mkdir(parents=True, exist_ok=True)
    for loss in losses:
        plain, other = (errors[first, name] for name in ("plain", loss))
        same = [x for x in libraries if (errors[x, "plain"], errors[x, loss]) == (plain, other)]
        path = output / (f"{data}.png" if loss == "weighted" else f"{data}-{loss}.png")
        where = f"counted on the held-out half of {data}; trained in {', '.join(same)}"
        note = f"rare: {tables.RARE[data]}; {where}"
        picture.draw(path, plain, other, loss=loss, rare=rare, common=common, note=note)
        console.print(f"Picture: {path}")
    margins = {
        run.loss: run.logits[:, 1] - run.logits[:, 0] for run in runs if run.library == first
    }
    path = output / f"{data}-curves.png"
    picture.curves(path, margins, labels, f"held-out half of {data}; trained in {first}")
    console.print(f"Picture: {path}")


if __name__ == "__main__":
    typer.run(main)
