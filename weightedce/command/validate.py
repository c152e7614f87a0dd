"""``weightedce validate``: every loss in every library, against the oracle."""

import os
from pathlib import Path
from typing import Annotated

import typer

from weightedce.command.complete import dtypes, libraries, losses, modes
from weightedce.command.console import wide_console
from weightedce.command.fail import in_one_line, leave
from weightedce.command.progress import progress
from weightedce.validation import runner
from weightedce.validation.libraries import NAMES
from weightedce.validation.outputs import comparison, html, junit, terminal
from weightedce.validation.plan import DTYPES, MODES, Plan
from weightedce.validation.report import Report, read_json

Names = list[str] | None


def validate(
    library: Annotated[
        Names,
        typer.Option(help=f"One of {', '.join(NAMES)}; repeat for more.", autocompletion=libraries),
    ] = None,
    loss: Annotated[
        Names,
        typer.Option(help="A loss by name (`weightedce losses`).", autocompletion=losses),
    ] = None,
    dtype: Annotated[
        Names, typer.Option(help=f"One of {', '.join(DTYPES)}.", autocompletion=dtypes)
    ] = None,
    mode: Annotated[
        Names,
        typer.Option(
            help=f"One of {', '.join(MODES)}, or all. Default: those with a quick compiler "
            "(torch's compile and TensorFlow's xla are not).",
            autocompletion=modes,
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="cpu, gpu (or cuda), tpu, mps.")] = "cpu",
    examples: Annotated[
        int, typer.Option(help="Drawn batches for each set of options, besides the fixed ones.")
    ] = 2,
    seed: Annotated[int, typer.Option(help="Of the drawn batches.")] = 0,
    tolerance: Annotated[
        float | None,
        typer.Option(help="Allowed ulp, in place of 8; other limits keep their proportion."),
    ] = None,
    peers: Annotated[
        bool,
        typer.Option("--peers", help="Hold the libraries' own functions to the same truth."),
    ] = False,
    json: Annotated[Path | None, typer.Option(help="Write the report as JSON.")] = None,
    junit_xml: Annotated[
        Path | None, typer.Option("--junit", help="Write the report as JUnit XML.")
    ] = None,
    html_page: Annotated[
        Path | None, typer.Option("--html", help="Write the report as one HTML file.")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(help="An older --json report: list what got worse.")
    ] = None,
    table: Annotated[
        bool, typer.Option("--table", help="Print every cell, not each loss.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option(help="Processes to work in. Default: the cores, at most 4.")
    ] = None,
) -> None:
    """Compare every loss, in every library that is installed, with 600-digit numbers.

    Value, gradient and second derivative; eager and compiled; at the points where formulas break
    and on drawn batches. Exit status 0: all within tolerance. 1: something is off, missing, or
    nothing was compared. 2: the command itself is wrong.
    """
    console = wide_console()
    with in_one_line():
        old = read_json(compare) if compare else None
        for path in (json, junit_xml, html_page):
            if path is not None and not path.absolute().parent.is_dir():
                raise ValueError(f"{path}: no such folder")
        plan = Plan(
            libraries=_libraries(library),
            losses=tuple(loss or ()),
            dtypes=tuple(dtype or DTYPES),
            modes=tuple(mode or ()),
            device=device,
            examples=examples,
            seed=seed,
            tolerance=tolerance,
            peers=peers,
        )
        if jobs is not None and jobs < 1:
            raise ValueError(f"--jobs: expected 1 or more, got {jobs}")
    try:
        report = _run(plan, jobs or min(4, os.cpu_count() or 1), tuple(library or ()))
    except RuntimeError as error:
        leave(str(error), 1)
    terminal.show(report, console, every_cell=table)
    with in_one_line():
        _write(report, json, junit_xml, html_page)
    worse = comparison.compare(old, report) if old else None
    if worse is not None:
        terminal.show_comparison(worse, console)
    if not report.ok or (worse is not None and worse.worse):
        raise typer.Exit(1)


def _libraries(library: Names) -> tuple[str, ...]:
    """Return the libraries that are asked for, in the order in which they can be imported."""
    asked = Plan(libraries=tuple(library or NAMES)).libraries
    return tuple(name for name in NAMES if name in asked)


def _run(plan: Plan, jobs: int, asked: tuple[str, ...]) -> Report:
    with progress("comparing") as step:
        return runner.validate(plan, jobs=jobs, asked=asked, progress=step)


def _write(
    report: Report, json: Path | None, junit_xml: Path | None, html_page: Path | None
) -> None:
    if json:
        report.write_json(json)
    if junit_xml:
        junit.write(report, junit_xml)
    if html_page:
        html.write(report, html_page)
