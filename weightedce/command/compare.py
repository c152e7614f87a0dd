"""``weightedce compare``: which loss helps on a table of one's own."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from weightedce.backends.missing import needed_by
from weightedce.command.fail import in_one_line, leave


def compare(
    file: Annotated[Path, typer.Argument(help="A table: .csv, .tsv (.gz too) or .parquet.")],
    column: Annotated[str | None, typer.Option(help="Which column holds the classes.")] = None,
    model: Annotated[
        Literal["network", "booster", "both"] | None,
        typer.Option(help="Default: both, if LightGBM or XGBoost is installed."),
    ] = None,
    missed_cost: Annotated[
        float | None,
        typer.Option(help="Of two classes: how many false alarms a missed rare row is worth."),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Into how many parts the rows are split.")] = 5,
    seeds: Annotated[int, typer.Option(min=1, help="How often.")] = 3,
    rows: Annotated[int, typer.Option(min=100, help="At most so many are drawn.")] = 10_000,
    library: Annotated[
        Literal["torch", "keras", "jax", "tensorflow", "lightgbm", "xgboost"] | None,
        typer.Option(help="For the lines to paste; default: the first that is installed."),
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page with pictures.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Train the same model with each loss, and say which one helped on held-out rows.

    Plain cross-entropy, the same model with a moved threshold, class weights, focal loss, both, and
    logit adjustment; over folds and seeds, with intervals that know that folds share rows.
    """
    try:
        with needed_by("weightedce compare"):
            from weightedce.command import comparing
    except ModuleNotFoundError as error:
        leave(str(error), 2)
    with in_one_line():
        if not file.exists():
            raise FileNotFoundError(2, "no such file", str(file))
        given = comparing.table_of(file, column, folds, rows)
        found = comparing.trial_of(given, model, missed_cost, folds, seeds)
        lines = comparing.lines(found, library)
        if html is not None:
            comparing.page.write(found, html, lines)
            typer.echo(f"Page: {html}", err=True)
        comparing.tell(found, lines, as_json)
