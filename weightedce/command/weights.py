"""``weightedce weights``: counts and every estimator of weights, side by side."""

from typing import Annotated

import typer

from weightedce.command.console import wide_console
from weightedce.command.fail import in_one_line
from weightedce.command.labels import count
from weightedce.command.labels.notes import notes
from weightedce.command.labels.tally import Options
from weightedce.command.progress import progress
from weightedce.command.weighed import of_classes, of_columns, ones_and_zeros
from weightedce.command.weights_shown import as_json, show
from weightedce.validation.outputs.literal import literal


def weights(
    files: Annotated[
        list[str],
        typer.Argument(
            help="Labels: CSV, TSV, Parquet, .npy, .npz, packed as .gz or not; folders of them, "
            "patterns such as 'part-*.csv', or - for stdin."
        ),
    ],
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="Name of the column of labels. Repeat it for several labels a row, each a "
            "column of zeros and ones."
        ),
    ] = None,
    header: Annotated[
        bool, typer.Option(help="Whether the first line of a CSV names the columns.")
    ] = True,
    delimiter: Annotated[
        str | None,
        typer.Option(help="What separates the columns of a CSV. Default: seen in its first line."),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Of a CSV, such as latin-1.")] = "utf-8",
    names: Annotated[
        bool, typer.Option("--names", help="Take every label as a name, numbers too.")
    ] = False,
    ignore: Annotated[
        list[str] | None, typer.Option(help="A label that is not counted, such as -100 or ''.")
    ] = None,
    beta: Annotated[
        float | None, typer.Option(help="Of effective_number, which is then the line to paste.")
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print counts, weights and notes as JSON.")
    ] = False,
) -> None:
    """Count the classes of files and weigh them by every estimator, side by side.

    The files are read piece by piece and may be larger than the memory. Labels are integers >= 0,
    where a class that does not occur has count 0, or names, which are put in order.
    """
    with in_one_line():
        options = Options(
            columns=tuple(column or ()),
            header=header,
            delimiter="\t" if delimiter == r"\t" else delimiter,  # as shells leave it
            names=names,
            ignore=frozenset(ignore or ()),
            encoding="utf-8-sig" if encoding.lower() in ("utf-8", "utf8") else encoding,
        )
        with progress("counting") as step:
            tallies = count(files, options, step)
        if len(tallies) > 1:
            names_of = zip(options.columns, tallies, strict=True)
            found = {name: ones_and_zeros(name, tally) for name, tally in names_of}
            weighed = of_columns(found)
            said = notes(tallies, list(found.values()))
        else:
            counts = tallies[0].in_order()
            weighed = of_classes(counts, beta)
            said = notes(tallies, [counts])
    if json:
        typer.echo(as_json(weighed, said))
        return
    show(weighed, wide_console())
    for note in said:
        typer.echo(f"note: {literal(note)}", err=True)
