"""`nox -s study`: train what is not trained yet, write the table, draw it, write its page."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # networks and tables are too small for more
os.environ.setdefault(
    "XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
)

from pathlib import Path
from typing import Annotated

import typer

from study import plan, show
from study import results as kept
from study.tables import frames, read
from study.trainings import TRAININGS

ROOT = Path(__file__).parent.parent


def main(
    table: Annotated[list[str] | None, typer.Option(help="Only these; default: all.")] = None,
    loss: Annotated[list[str] | None, typer.Option(help="Only these; plain always.")] = None,
    model: Annotated[
        list[str] | None, typer.Option(help="network, booster; default: both.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="How often halves are drawn.")] = plan.SEEDS,
    finished: Annotated[
        Path, typer.Option(help="Where finished cells are kept; a run that was stopped goes on.")
    ] = ROOT / "output" / "study.jsonl",
    into: Annotated[
        Path | None, typer.Option(help="Folder of table, pictures, page; default: docs if all ran.")
    ] = None,
    train: Annotated[bool, typer.Option(help="--no-train draws the table that is there.")] = True,
) -> None:
    """Train every loss on every table, by halves; write a table, pictures and a page of it."""
    chosen = {
        "table": pick("--table", table, list(frames())),
        "loss": pick("--loss", [*TRAININGS][:1] + loss if loss else None, list(TRAININGS)),
        "model": pick("--model", model, list(plan.MODELS)),
    }
    part = bool(table or loss or model or seeds != plan.SEEDS)
    folder = into or ROOT / ("output" if part else "docs")
    path = folder / "study.csv"
    if train:
        from study.run import run  # which needs JAX, and drawing does not

        given = {name: read(name, frames()[name]()) for name in chosen["table"]}
        found = run(given, chosen["loss"], chosen["model"], seeds, finished)
        folder.mkdir(parents=True, exist_ok=True)
        kept.write(kept.frame(found, given), path)
    for written in show.write(path, folder):
        typer.echo(written)


def pick(option: str, asked: list[str] | None, there: list[str]) -> list[str]:
    """Return what is asked for, in the order of what is there."""
    wrong = [name for name in asked or () if name not in there]
    if wrong:
        raise typer.BadParameter(
            f"expected some of {', '.join(there)}; got {wrong[0]}", None, None, option
        )
    return [name for name in there if not asked or name in asked]


if __name__ == "__main__":
    typer.run(main)
