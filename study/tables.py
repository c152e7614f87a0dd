"""What is learnt from, chosen by size and origin before any result was seen.

Of two classes: KEEL's imbalanced tables with at least 20 rare rows, 2.5 common rows or more to a
rare one and fewer than 3,500 rows, at most two of the same origin; not kddcup, more than half of
whose rows are repeated; and the four tables that the project knows already. Of more classes: what
KEEL has with a class about twice as frequent as another (contraceptive, hayes-roth, satimage), and
three balanced ones that are thinned to a long tail: the k-th of K classes keeps
20 ** (-k / (K - 1)) of its rows.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

from study import keel
from weightedce.comparison import table
from weightedce.comparison.table import Table

FOLDER = Path(__file__).parent.parent / "examples" / "data"
FOLDS = 2  # every half is learnt from once, the other measured
MANY = 100  # rare rows: of a table with more of them
MOST_ROWS = 3_000  # are drawn
RATIO = 20.0  # of the first class to the last, where a table is thinned
OURS = ("abalone19", "page-blocks0", "yeast4")
OF_KEEL = (
    "abalone9-18", "car-good", "car-vgood", "dermatology-6", "ecoli1", "ecoli3", "flare-F",
    "glass-0-1-2-3_vs_4-5-6", "glass6", "haberman", "kr-vs-k-three_vs_eleven",
    "kr-vs-k-zero-one_vs_draw", "led7digit-0-2-4-5-6-7-8-9_vs_1", "new-thyroid1",
    "page-blocks-1-3_vs_4", "poker-8-9_vs_5", "poker-8-9_vs_6", "segment0", "shuttle-2_vs_5",
    "shuttle-c0-vs-c4", "vehicle1", "vehicle3", "vowel0", "winequality-red-4",
    "winequality-white-3-9_vs_5", "yeast3",
)  # fmt: skip
OF_CLASSES = ("contraceptive", "hayes-roth", "satimage")
THINNED = ("segment", "vehicle")  # besides scikit-learn's digits


def frames() -> dict[str, Callable[[], pd.DataFrame]]:
    """Return how each table is read, by its name."""
    return (
        {name: partial(table.read, FOLDER / f"{name}.csv") for name in OURS}
        | {name: partial(keel.read, name) for name in (*OF_KEEL, *OF_CLASSES)}
        | {"digits, long-tailed": lambda: thinned(_digits())}
        | {f"{name}, long-tailed": lambda name=name: thinned(keel.read(name)) for name in THINNED}
    )


def read(name: str, frame: pd.DataFrame) -> Table:
    """Return a table as `weightedce compare` takes it, with at most so many rows."""
    made = table.table(name, frame, "label", FOLDS)
    return table.fewer(made, MOST_ROWS) if made.counts.min() > MANY else made


def _digits() -> pd.DataFrame:
    pixels, digits = load_digits(return_X_y=True, as_frame=True)
    return pixels.assign(label=digits)


def thinned(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a long tail: each class in turn keeps less of its rows."""
    random = np.random.default_rng(0)
    labels = frame["label"].to_numpy()
    classes, counts = np.unique(labels, return_counts=True)
    shares = RATIO ** (-np.arange(len(classes)) / (len(classes) - 1))
    kept = [
        random.permutation(np.flatnonzero(labels == name))[: int(counts.min() * share)]
        for name, share in zip(classes, shares, strict=True)
    ]
    return frame.iloc[np.sort(np.concatenate(kept))].reset_index(drop=True)
