"""What got worse since an older report: the gate for an upgrade of any library."""

from dataclasses import dataclass
from math import isinf

from weightedce.validation.cells import UNSUPPORTED, Cell
from weightedce.validation.outputs import words
from weightedce.validation.report import Report

NOISE = 1.0  # ulp by which a passing cell may move
FACTOR = 1.5  # and so many times


@dataclass(frozen=True)
class Comparison:
    """Lines of text: what got worse, what got better, which versions changed."""

    worse: list[str]
    better: list[str]
    versions: list[str]


def compare(old: Report, new: Report) -> Comparison:
    """Compare two reports cell by cell.

    Worse are cells that fail and did not, that are gone, or whose worst error grew by more than
    1 ulp and by half. Cells that are new count for nothing; cells of a library, loss, dtype or
    peer that the new run did not ask for are not gone.
    """
    before = {cell.key: cell for cell in old.cells}
    after = {cell.key: cell for cell in new.cells}
    worse, better = [], []
    for key, was in before.items():
        now = after.get(key)
        if now is None:
            if was.status != UNSUPPORTED and _asked(was, new):
                worse.append(f"{words.title(was)}: is gone, was {_state(was)}")
            continue
        line = f"{words.title(now)}: {_state(was)} -> {_state(now)}"
        if _rank(now) > _rank(was) or (now.bad == was.bad and _grew(was, now)):
            worse.append(line)
        elif _rank(now) < _rank(was):
            better.append(line)
    changed = [
        f"{name}: {old.versions.get(name, 'not there')} -> {new.versions.get(name, 'not there')}"
        for name in sorted(set(old.versions) | set(new.versions))
        if old.versions.get(name) != new.versions.get(name)
    ]
    return Comparison(worse, better, changed)


def _asked(cell: Cell, new: Report) -> bool:
    """Whether the new run asked for a cell."""
    options = new.options
    modes = options.get("modes")
    return (
        cell.library in options.get("libraries", ())
        and cell.dtype in options.get("dtypes", ())
        and (not options.get("losses") or cell.loss in options["losses"])
        and (cell.kind == "loss" or bool(options.get("peers")))
        and (not modes or "all" in modes or cell.mode in modes)
        and (bool(modes) or cell.mode not in ("compile", "xla"))
    )


def _rank(cell: Cell) -> int:
    return 2 if cell.bad else 1 if cell.status == UNSUPPORTED else 0


def _grew(was: Cell, now: Cell) -> bool:
    if was.worst is None or now.worst is None:
        return False
    if isinf(was.ulp):
        return now.failures > was.failures
    return now.ulp > was.ulp + NOISE and now.ulp > FACTOR * was.ulp


def _state(cell: Cell) -> str:
    if cell.worst is None:
        return cell.message or cell.status
    return f"{words.number(cell.ulp)} ulp{' (fails)' if cell.bad else ''}"
