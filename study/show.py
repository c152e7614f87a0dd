"""Draw the table that is there, and write its page."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from study import diagrams, page, ranks, results
from study.plan import MODELS, Cell
from study.tables import frames
from study.trainings import TRAININGS


def write(path: Path, folder: Path) -> Iterator[Path]:
    """Write the pictures, and the page where all ran; yield what was written."""
    found = results.read(path)
    there = [model for model in MODELS if model in set(found["model"])]
    for score in page.TITLES:
        compared = [ranks.compared(found, score, model) for model in there]
        drawn = folder / "_static" / "study" / f"{score}.svg"
        if all(len(one.losses) > 1 for one in compared):
            diagrams.write(compared, drawn, digest(path))
            yield drawn
    whole = (set(frames()), set(MODELS), set(TRAININGS))
    if all(x <= set(found[name]) for x, name in zip(whole, Cell._fields, strict=True)):
        written = folder / "study.md"
        written.write_text(page.text(found), encoding="utf-8")
        yield written


def digest(path: Path) -> str:
    """Return what tells one table of results from another."""
    return sha256(path.read_bytes()).hexdigest()
