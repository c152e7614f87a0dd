"""The report as one HTML file that needs nothing else."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader

from weightedce.validation.cells import Cell
from weightedce.validation.outputs import words
from weightedce.validation.outputs.literal import literal
from weightedce.validation.report import Report


def write(report: Report, path: Path) -> None:
    """Write the heat-map, the table, the failing inputs with code, and the versions."""
    environment = Environment(
        loader=PackageLoader("weightedce.validation.outputs", "."),
        autoescape=True,
        finalize=_printable,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    template = environment.get_template("report.html.j2")
    text = template.render(
        report=report,
        sections=[
            _section("Losses", [c for c in report.cells if c.kind == "loss"]),
            _section("Peers", [c for c in report.cells if c.kind == "peer"]),
        ],
        failing=report.failing,
        peers_off=report.peers_off,
        words=words,
        shade=shade,
        anchor=anchor,
    )
    path.write_text(text + "\n", encoding="utf-8")


def shade(cell: Cell) -> str:
    """Return the class of a cell's colour."""
    if cell.bad:
        return "bad"
    if cell.worst is None:
        return "none"
    share = cell.share
    return "s1" if share <= 0.125 else "s2" if share <= 0.25 else "s3" if share <= 0.5 else "s4"


def anchor(cell: Cell) -> str:
    """Return the name by which links find a cell's failing input."""
    return "-".join(part.replace(" ", "_") for part in cell.key)


def _printable(value: Any) -> Any:
    """Return what a template writes; what is marked safe was made of such."""
    plain = isinstance(value, str) and not hasattr(value, "__html__")
    return literal(value, keep="\n") if plain else value


def _section(title: str, cells: list[Cell]) -> dict[str, Any]:
    """Return the maps of a kind of cells: one an order, dtypes side by side within a mode."""
    columns = list(dict.fromkeys((c.library, c.mode, c.dtype) for c in cells))
    columns.sort(key=lambda column: words.columns(cells).index(column[:2]))
    index = {(c.call, c.order, c.library, c.mode, c.dtype): c for c in cells}
    calls = list(dict.fromkeys(c.call for c in cells))
    maps = {
        order: {call: [index.get((call, order, *column)) for column in columns] for call in calls}
        for order in dict.fromkeys(c.order for c in cells)
    }
    heads = {pair: [c for c in columns if c[:2] == pair] for pair in words.columns(cells)}
    return {"title": title, "cells": cells, "heads": heads, "columns": columns, "maps": maps}
