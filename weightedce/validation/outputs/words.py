"""How numbers, inputs and cells are put into words: the same in every output."""

from math import inf, isnan
from typing import Any

from weightedce.validation import oracle
from weightedce.validation.cells import ERROR, UNSUPPORTED, Cell, Finding


def number(value: float) -> str:
    """Return a distance in ulp, short."""
    if value == inf:
        return "∞"
    if isnan(value):
        return "NaN"
    if value >= 1e5:
        return f"{value:.0e}".replace("e+0", "e").replace("e+", "e")
    if value < 0.005:
        return "0"
    return f"{value:.2g}" if value < 10 else f"{value:.0f}"


def label(cell: Cell) -> str:
    """Return what stands in a cell of the heat-map: error / allowed, marked where it fails."""
    if cell.status == UNSUPPORTED:
        return "–"
    if cell.status == ERROR:
        return "✗ error"
    if cell.worst is None:
        return "✗" if cell.bad else "ok"
    text = f"{number(cell.ulp)}/{number(cell.worst.allowed)}"
    return f"✗ {text}" if cell.bad else text


def reasons(cells: list[Cell]) -> list[str]:
    """Return for each loss that may err by more than others why it may."""
    known = oracle.BINARY | oracle.MULTICLASS | oracle.BATCH
    names = dict.fromkeys(cell.call for cell in cells if cell.kind == "loss")
    found = {name: known[name].reason for name in names if name in known}
    return [f"{name} is allowed more: {reason}" for name, reason in found.items() if reason]


def values(x: Any, most: int = 6) -> str:
    """Return nested lists, shortened."""
    if isinstance(x, list):
        if len(x) == 1:
            return values(x[0], most)
        shown = [values(item, most) for item in x[:most]]
        more = ", ..." if len(x) > most else ""
        return f"({', '.join(shown)}{more})"
    return f"{x:.9g}" if isinstance(x, float) else str(x)


def given(finding: Finding) -> str:
    """Return the input of a number: logits, targets, options."""
    parts = [f"{name} {values(x)}" for name, x in finding.arrays.items()]
    parts += [f"{name} {value}" for name, value in finding.options.items() if name != "reduction"]
    return ", ".join(parts)


def verdict(finding: Finding) -> str:
    """Return what came, what is exact, and how far apart they are."""
    return (
        f"got {finding.got!r}, exact {finding.exact!r}: {number(finding.ulp)} ulp, "
        f"allowed {number(finding.allowed)}"
    )


def failure(cell: Cell) -> list[str]:
    """Return the lines that say what fails in a cell."""
    lines = [cell.message] if cell.message else []
    if cell.failing is not None:
        finding = cell.failing
        lines += [
            f"{cell.failures} of {cell.comparisons} numbers are off; the simplest input, of "
            f"batch {finding.batch!r}, at {list(finding.index)}:",
            given(finding),
            verdict(finding),
        ]
    return lines


def title(cell: Cell, version: str = "") -> str:
    """Return which cell it is."""
    library = f"{cell.library} {version}".strip()
    return f"{cell.call}, {cell.order}, {library}, {cell.mode}, {cell.dtype}"


def columns(cells: list[Cell]) -> list[tuple[str, str]]:
    """Return the (library, mode) pairs that cells have, in order."""
    return list(dict.fromkeys((cell.library, cell.mode) for cell in cells))
