"""The commands of ``weightedce``, and how they fail: in one line."""

from typing import Annotated

import typer

import weightedce
from weightedce.command import compare, losses, validate, weights

app = typer.Typer(
    name="weightedce",
    help="Weighted cross-entropy and its family, under any array library.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"weightedce {weightedce.__version__}")
        raise typer.Exit


@app.callback()
def root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say the version.")
    ] = False,
) -> None:
    """Compare losses on a table, weigh its classes, validate losses, describe them."""


app.command("compare")(compare.compare)
app.command("validate")(validate.validate)
app.command("weights")(weights.weights)
app.command("losses")(losses.losses)
