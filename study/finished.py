"""What is finished: a line a cell, written as soon as it is, so that a run can go on."""

import json
from pathlib import Path

from study.plan import Cell

Found = dict[Cell, dict[str, list[float]]]


class Finished:
    """A file that is only ever added to.

    Parameters
    ----------
    path : Path
        Where it is, or shall be.
    kinds : dict
        How each cell is measured, in words: a line that says something else is of another run.
    """

    def __init__(self, path: Path, kinds: dict[Cell, str]) -> None:
        self.path, self.kinds = path, kinds

    def read(self) -> Found:
        """Return what is finished; a line that was cut off is not."""
        found: Found = {}
        lines = self.path.read_text("utf-8").splitlines() if self.path.exists() else []
        for line in lines:
            try:
                kind, cell, scores = json.loads(line)
            except ValueError:
                continue
            if self.kinds.get(Cell(*cell)) == kind:
                found[Cell(*cell)] = scores
        return found

    def add(self, cell: Cell, scores: dict[str, list[float]]) -> None:
        """Add one; after a line that was cut off on a line of its own."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a+b") as file:
            if file.tell():
                file.seek(-1, 2)
                if file.read(1) != b"\n":
                    file.write(b"\n")
            file.write(json.dumps([self.kinds[cell], cell, scores]).encode() + b"\n")
