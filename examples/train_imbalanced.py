"""Train one small network with plain and with another loss, in every library that is there.

``python examples/train_imbalanced.py --help`` lists the options. The losses are compared step by
step between the libraries, and the first one with NumPy's; what disagrees ends in exit status 1.
"""

import os
import time
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

import numpy as np
import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from sklearn.metrics import average_precision_score

import network
import picture
import tables
from agreement import TOLERANCE, largest_difference
from losses import LOSSES, Loss, recall_specificity
from weightedce import class_counts

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # both are read when TensorFlow is imported,
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")  # which announces oneDNN at any log level

MOMENTUM = 0.9
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
        Literal["weighted", "focal", "balanced-softmax", "ldam", "f-beta", "recall-specificity"],
        typer.Option(help="What to train with besides plain cross-entropy."),
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
    output: Annotated[Path, typer.Option(help="Folder for the picture.")] = Path("output"),
) -> None:
    """Train with plain and with another loss; print a table, draw a picture."""
    chosen = {"plain": LOSSES["plain"], loss: LOSSES[loss]}
    if loss == "recall-specificity":
        chosen[loss] = recall_specificity(recall_weight)
    libraries = installed(library)
    table = tables.read(data, dtype, seed)
    start = network.initial(table.train_features.shape[1], units, dtype, seed)
    runs = train_all(chosen, libraries, table, start, steps, learning_rate)
    show(runs, table.test_labels, data, dtype)
    check(chosen, runs, table, start, TOLERANCE[dtype])
    draw(runs, loss, table.test_labels, data, output)


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
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        for library in libraries:
            train = import_module(f"train_{library}").train
            for name, loss in chosen.items():
                task = progress.add_task(f"{library}, {name} loss", total=steps)
                begin = time.perf_counter()
                parameters, losses = train(
                    start,
                    table.train_features,
                    table.train_labels,
                    loss_of=loss,
                    steps=steps,
                    learning_rate=learning_rate,
                    momentum=MOMENTUM,
                    advance=lambda done, task=task: progress.advance(task, done),
                )
                seconds = time.perf_counter() - begin
                if not np.isfinite([*losses, *(number.sum() for number in parameters)]).all():
                    fail(f"{library} diverged: try a --learning-rate below {learning_rate}", 1)
                logits = network.logits(parameters, table.test_features)
                runs.append(Run(library, name, logits, losses, seconds))
    return runs


def show(runs: list[Run], labels: np.ndarray, data: str, dtype: str) -> None:
    rare, rows = int(labels.sum()), len(labels)
    table = Table(
        title=f"{data}, {dtype}: measured on {rows} held-out rows, {rare} of them rare",
        caption="final loss: of the training rows, in the loss that was trained: each has a\n"
        "scale of its own. seconds: training with compilation, without imports.",
        box=SIMPLE_HEAD,
        show_edge=False,
        padding=(0, 1, 0, 0),
    )
    for title in ("library", "loss"):
        table.add_column(title, no_wrap=True)
    for title in (
        "recall",
        "specificity",
        "balanced\naccuracy",
        "PR-AUC",
        "final\nloss",
        "seconds",
    ):
        table.add_column(title, justify="right")
    for run in runs:
        missed, false_alarms = run.errors(labels)
        recall, specificity = 1 - missed / rare, 1 - false_alarms / (rows - rare)
        precision = average_precision_score(labels, run.logits[:, 1] - run.logits[:, 0])
        scores = (recall, specificity, (recall + specificity) / 2, precision)
        cells = (*(f"{score:.3f}" for score in scores), f"{run.losses[-1]:.6f}")
        table.add_row(run.library, run.loss, *cells, f"{run.seconds:.2f}")
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


def draw(runs: list[Run], loss: str, labels: np.ndarray, data: str, output: Path) -> None:
    """Draw the first library's errors, and say which libraries made exactly the same ones."""
    errors = {(run.library, run.loss): run.errors(labels) for run in runs}
    plain, other = (errors[runs[0].library, name] for name in ("plain", loss))
    libraries = dict.fromkeys(run.library for run in runs)
    same = [
        name for name in libraries if (errors[name, "plain"], errors[name, loss]) == (plain, other)
    ]
    output.mkdir(parents=True, exist_ok=True)
    path = output / (f"{data}.png" if loss == "weighted" else f"{data}-{loss}.png")
    rare = int(labels.sum())
    where = f"counted on the held-out half of {data}; trained in {', '.join(same)}"
    note = f"rare: {tables.RARE[data]}; {where}"
    common = len(labels) - rare
    picture.draw(path, plain, other, loss=loss, rare=rare, common=common, note=note)
    console.print(f"Picture: {path}")


if __name__ == "__main__":
    typer.run(main)
