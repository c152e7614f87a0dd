"""What ``weightedce compare`` does: all that needs scikit-learn, pandas and their like."""

import json
import sys
from pathlib import Path

import numpy as np
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from weightedce.command.console import wide_console
from weightedce.comparison import boosters, page, pasted, table, trial, verdict, ways, words
from weightedce.validation.outputs.literal import literal

__all__ = ["lines", "page", "table_of", "tell", "trial_of"]


def table_of(file: Path, column: str | None, folds: int, rows: int) -> table.Table:
    """Read a file; say what was taken for what."""
    frame = table.read(file)
    chosen = column or table.label_column(frame) or _asked(table.candidates(frame))
    given = table.fewer(table.table(file.name, frame, chosen, folds), rows)
    shares = ", ".join(
        f"{n:,} of {literal(name)}" for name, n in zip(given.classes, given.counts, strict=True)
    )
    ratio = given.counts.max() / given.counts.min()
    said = f"{len(given.labels):,} rows, column {literal(given.column)}: {shares}; {ratio:.3g} to 1"
    for line in (f"{given.name}: {said}.", *map(literal, given.notes)):
        typer.echo(line, err=True)
    return given


def _asked(candidates: list[str]) -> str:
    """Ask which column holds the classes, where somebody can answer."""
    named = ", ".join(candidates) or "none looks like it"
    if not candidates or not sys.stdin.isatty():
        raise ValueError(f"--column: which one holds the classes? Candidates: {named}")
    return str(typer.prompt(f"Which column holds the classes? ({named})", default=candidates[0]))


def trial_of(
    given: table.Table, model: str | None, missed_cost: float | None, folds: int, seeds: int
) -> trial.Trial:
    """Train and measure, with a bar on stderr that says how long it takes."""
    aim = ways.Aim(given.counts, _costs(given, missed_cost))
    models = _models(model)
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    bar = Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True))
    with bar:
        task = bar.add_task("training", total=trial.steps(models, folds, seeds))

        def advance(what: str) -> None:
            bar.update(task, advance=1, description=what)

        return trial.run(given, aim, models, folds, seeds, advance)


def _costs(given: table.Table, missed_cost: float | None) -> np.ndarray:
    if missed_cost is None:
        return ways.balanced_costs(given.counts)
    if len(given.classes) != 2:
        raise ValueError(f"--missed-cost: expected two classes, got {len(given.classes)}")
    if not 0 < missed_cost < float("inf"):
        raise ValueError(f"--missed-cost: expected a number above 0, got {missed_cost}")
    costs = np.ones(2)
    costs[given.rare] = missed_cost
    return costs


def _models(asked: str | None) -> list[str]:
    there = boosters.installed() is not None
    if asked in ("booster", "both") and not there:
        raise ValueError("--model: neither LightGBM nor XGBoost is installed")
    if asked in ("network", "booster"):
        return [asked]
    return ["network", "booster"] if there else ["network"]


def lines(found: trial.Trial, library: str | None) -> dict[str, str]:
    """Return by model the lines that take its cheapest way along."""
    written = {}
    for model in found.found:
        way = ways.WAYS[verdict.advised(found, model)]
        usual = boosters.installed() if model == "booster" else None
        of = library or usual or pasted.at_hand()
        written[model] = pasted.lines(way.training, way.by_cost, found.aim, of)
    return written


def tell(found: trial.Trial, lines: dict[str, str], as_json: bool) -> None:
    """Print what came of it on stdout: a verdict, a table and lines to paste, or JSON."""
    if as_json:
        typer.echo(json.dumps(_summary(found, lines), indent=2))
        return
    console = wide_console()
    for model in found.found:
        best = verdict.advised(found, model)
        console.print(verdict.sentence(found, model), soft_wrap=True)
        shown = Table(title=f"{model}: mean ± deviation of the seeds; in bold what is advised")
        shown.add_column("")
        for title in words.COLUMNS:
            shown.add_column(title, justify="right")
        for way, row in words.cells(found, model).items():
            shown.add_row(way, *row, style="bold" if way == best else "")
        console.print(shown)
        console.print(f"\nLines to paste ({best}):\n\n{lines[model]}\n", soft_wrap=True)


def _summary(found: trial.Trial, lines: dict[str, str]) -> dict[str, object]:
    given = found.table
    return {
        "file": given.name,
        "column": given.column,
        "classes": dict(zip(given.classes, given.counts.tolist(), strict=True)),
        "costs": dict(zip(given.classes, found.aim.costs.tolist(), strict=True)),
        "notes": list(given.notes),
        "models": {
            model: {
                "advised": verdict.advised(found, model),
                "verdict": verdict.sentence(found, model),
                "lines": lines[model],
                "ways": {
                    way: {
                        "scores": {
                            name: verdict.mean_and_spread(measured, name, found.folds)[0]
                            for name in measured[0]._fields
                        },
                        "cost_against_plain": verdict.difference(
                            found, model, way, ways.PLAIN
                        )._asdict(),
                    }
                    for way, measured in by_way.items()
                },
            }
            for model, by_way in found.found.items()
        },
    }
