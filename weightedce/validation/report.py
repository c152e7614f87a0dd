"""The report: every cell, what was there, and whether it all agrees."""

import json
import platform
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib import metadata
from math import inf, isfinite, nan
from pathlib import Path
from typing import Any

from weightedce.validation.cells import Cell, Finding

SCHEMA = 1
PACKAGES = (
    "weightedce", "numpy", "array-api-compat", "ml_dtypes", "torch", "jax", "jaxlib", "optax",
    "tensorflow", "tensorflow-cpu", "keras", "hypothesis", "mpmath", "gmpy2",
)  # fmt: skip


@dataclass(frozen=True)
class Report:
    """What came of a run.

    Parameters
    ----------
    cells : list of Cell
        In the order of the tasks.
    options : dict
        The plan.
    libraries : dict
        For each library that was asked for its version, or why it is not there.
    problems : list of str
        What fails the run besides cells: no definition, nothing compared, a library that was
        asked for by name and is missing.
    versions : dict
        Of everything that may matter.
    seconds : float
        How long it took; the only number that differs between two runs with the same versions.
    """

    cells: list[Cell]
    options: dict[str, Any] = field(default_factory=dict)
    libraries: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    versions: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def comparisons(self) -> int:
        """How many numbers were compared."""
        return sum(cell.comparisons for cell in self.cells)

    @property
    def failing(self) -> list[Cell]:
        """The cells of our own losses that fail."""
        return [cell for cell in self.cells if cell.bad and cell.kind == "loss"]

    @property
    def peers_off(self) -> list[Cell]:
        """The cells of peers that are off: findings, which fail nothing."""
        return [cell for cell in self.cells if cell.bad and cell.kind == "peer"]

    @property
    def ok(self) -> bool:
        """Whether the run passes."""
        return not self.failing and not self.problems

    def to_dict(self) -> dict[str, Any]:
        """Return the report in the documented schema, of JSON's own types."""
        found: dict[str, Any] = _plain(
            {
                "schema": SCHEMA,
                "ok": self.ok,
                "comparisons": self.comparisons,
                "options": self.options,
                "libraries": self.libraries,
                "versions": self.versions,
                "problems": self.problems,
                "cells": [cell.to_dict() for cell in self.cells],
                "seconds": self.seconds,
            }
        )
        return found

    def write_json(self, path: Path) -> None:
        """Write the report as JSON."""
        text = json.dumps(self.to_dict(), indent=1, allow_nan=False)
        path.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Report:
    """Read a report that `Report.write_json` wrote.

    Raises
    ------
    ValueError
        If it is no report, or of another version of the schema.
    """
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        schema = found["schema"]
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{path}: expected a report of `weightedce validate --json`") from None
    if schema != SCHEMA:
        raise ValueError(f"{path}: expected a report of schema {SCHEMA}, got {schema!r}")
    names = ("options", "libraries", "problems", "versions", "seconds")
    try:
        cells = [_cell(cell) for cell in found["cells"]]
        return Report(cells, **{name: found[name] for name in names})
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: a damaged report of schema {SCHEMA}: {error!r}") from None


def versions() -> dict[str, str]:
    """Return the versions of everything that may matter."""
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def worst(cells: Iterable[Cell]) -> Cell | None:
    """Return the cell that is worst off: failing first, then by its share of what is allowed."""
    known = [cell for cell in cells if cell.bad or cell.comparisons]
    return max(known, key=lambda cell: (cell.bad, cell.share), default=None)


def _cell(fields: dict[str, Any]) -> Cell:
    for name in ("worst", "failing"):
        if fields[name] is not None:
            numbers = {k: _number(fields[name][k]) for k in ("got", "exact", "ulp", "allowed")}
            given = {**fields[name], **numbers, "index": tuple(fields[name]["index"])}
            fields = {**fields, name: Finding(**given)}
    return Cell(**fields)


def _plain(value: Any) -> Any:
    """Return JSON's own types: JSON has no infinity and no NaN, so they are words."""
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, float) and not isfinite(value):
        return str(value)
    return value


def _number(value: Any) -> float:
    return {"inf": inf, "-inf": -inf, "nan": nan}[value] if isinstance(value, str) else value
