"""Time every mode against its peer: ``nox -s bench``. Prints tables and writes a JSON file."""

import itertools
import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

import machine
import publish
from modes import MODES
from plan import SECTIONS, Options, everything, known_modes
from tables import tables

BUSY = 0.5  # load average of the last minute

ModesOption = Annotated[list[str] | None, typer.Option("--mode", help="Repeat for more.")]
SectionsOption = Annotated[list[str] | None, typer.Option("--section", help="Repeat for more.")]
DeviceOption = Annotated[str, typer.Option(help="cpu, or gpu (torch and JAX).")]
SecondsOption = Annotated[float, typer.Option(help="For each comparison, at least.")]
QuickOption = Annotated[bool, typer.Option("--quick", help="Short, without the largest sizes.")]
OutputOption = Annotated[Path, typer.Option(help="The JSON file.")]
DocsOption = Annotated[bool, typer.Option("--docs", help="Write docs/_static/bench anew.")]


def chosen(option: str, given: list[str] | None, known: list[str]) -> list[str]:
    """Return what was asked for, by default everything."""
    if unknown := sorted(set(given or ()) - set(known)):
        raise typer.BadParameter(f"{option}: expected some of {', '.join(known)}, got {unknown}")
    return [name for name in known if not given or name in given]


def line(row: dict[str, Any]) -> str:
    """Return a row in one line, to see how far a run is."""
    names = (
        "section", "mode", "threads", "what", "loss", "family", "name", "size", "dtype", "who",
        "against",
    )  # fmt: skip
    text = " ".join(str(row[name]) for name in names if name in row)
    if reason := row.get("error") or row.get("skipped"):
        return f"{text}: {'failed' if 'error' in row else 'skipped'}: {reason}"
    return f"{text}: {row['ratio']:.2f}" if "ratio" in row else text


def written(found: dict[str, Any]) -> str:
    """Return JSON with a line for each row, so that git shows what moved."""
    head = json.dumps({name: part for name, part in found.items() if name != "rows"})
    rows = ",\n".join(json.dumps(row) for row in found["rows"])
    return head[:-1] + ',\n"rows": [\n' + rows + "\n]}\n"


def main(
    mode: ModesOption = None,
    section: SectionsOption = None,
    device: DeviceOption = "cpu",
    seconds: SecondsOption = 1.5,
    quick: QuickOption = False,
    output: OutputOption = Path("output/bench.json"),
    docs: DocsOption = False,
) -> None:
    """Print ratios, ours to the peer's, with their spread, and what else a loss costs."""
    if device not in ("cpu", "gpu"):
        raise typer.BadParameter(f"--device: expected cpu or gpu, got {device!r}")
    alone = section == [publish.SMALL]  # which has a place of its own in the docs
    if docs and (mode or (section and not alone) or quick or device != "cpu"):
        raise typer.BadParameter("--docs: the pages are about the whole benchmark, got a part")
    options = Options(
        modes=chosen("--mode", mode, known_modes(device) if device == "gpu" else list(MODES)),
        sections=chosen("--section", section, list(SECTIONS)),
        seconds=min(seconds, 0.2) if quick else seconds,
        repeats=1 if quick else 3,
        quick=quick,
        device=device,
    )
    found = {"machine": machine.described(), "options": options._asdict()}
    if device == "gpu":
        found["machine"]["gpu"] = machine.gpu()
    console = Console(width=None if sys.stdout.isatty() else 150)
    start, load = time.monotonic(), machine.load()
    if load and load[0] > BUSY:
        said = f"load average {load[0]}: others compute here, and the figures will show it"
        if docs:
            raise typer.BadParameter(f"--docs: {said}")
        console.print(said)
    rows = []
    for some in everything(options):
        rows += some
        for row in some:
            elapsed = f"{time.monotonic() - start:5.0f} s  "
            console.print(elapsed + line(row), style="dim", highlight=False, markup=False)
    found["machine"] |= {"load": [load, machine.load()], "minutes": (time.monotonic() - start) / 60}
    found["rows"] = rows
    if docs and alone:
        found = publish.renewed(found)
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(written(found), "utf-8")
    for title, header, body in itertools.chain(*tables(found).values()):
        table = Table(*header, title=title)
        for cells in body:
            table.add_row(*(cell.replace("`", "").replace("*", "") for cell in cells))
        console.print(table)
    if docs:
        publish.main(output)
    failed = sum("error" in row for row in rows)
    console.print(f"{output}: {len(rows)} rows, {failed} failed")
    raise typer.Exit(1 if failed else 0)


if __name__ == "__main__":
    typer.run(main)
