"""The table that is committed: a line for each table, model and loss, means over the halves."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from study.finished import Found
from study.plan import SCORES
from weightedce.comparison.table import Table

DIGITS = 5


def frame(found: Found, tables: dict[str, Table]) -> pd.DataFrame:
    """Return means of the scores, beside what the tables are."""
    lines = []
    for cell, scores in found.items():
        table = tables[cell.table]
        what = {
            "classes": len(table.classes),
            "rows": len(table.labels),
            "rare": int(table.counts.min()),
            "ratio": round(table.counts.max() / table.counts.min(), 1),
        }
        means = {name: round(float(np.mean(scores[name])), DIGITS) for name in scores}
        lines.append(cell._asdict() | what | means)
    return pd.DataFrame(lines, columns=[*cell._fields, *what, *SCORES])


def write(results: pd.DataFrame, path: Path) -> None:
    """Write the table."""
    results.to_csv(path, index=False, lineterminator="\n")


def read(path: Path) -> pd.DataFrame:
    """Read it."""
    return pd.read_csv(path)


def by_table(results: pd.DataFrame, score: str, model: str, names: Iterable[str]) -> pd.DataFrame:
    """Return a score with a line a table and a column a loss, without losses that lack it."""
    chosen = results[(results["model"] == model) & results["table"].isin(list(names))]
    found = chosen.pivot(index="table", columns="training", values=score)
    order = [name for name in dict.fromkeys(chosen["training"]) if found[name].notna().all()]
    return found[order]
