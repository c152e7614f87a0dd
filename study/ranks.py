"""What can be said of losses on many tables: mean ranks, and which differences chance would make.

Demšar (2006), "Statistical Comparisons of Classifiers over Multiple Data Sets", JMLR 7: Friedman's
test, Nemenyi's critical difference (section 3.2.2), and against one loss in particular Wilcoxon's
signed ranks (section 3.1.3) with Holm's correction (section 3.2.2).
"""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

from study.results import by_table
from weightedce.comparison.scores import HIGHER_IS_BETTER

LEVEL = 0.05
MOVED = "moved threshold"
SAME = 1e-9  # differences below it are of rounding


class Against(NamedTuple):
    """A loss beside the reference, over all tables.

    Parameters
    ----------
    name : str
        Of the loss.
    rank : float
        Its mean rank among all, 1 is best.
    mean : float
        Its mean score.
    better, worse : int
        On how many tables.
    gain : float
        The median of the differences; above 0 it is better, also where a score is a cost.
    p : float
        Of Wilcoxon's test, corrected by Holm; NaN of the reference.
    """

    name: str
    rank: float
    mean: float
    better: int
    worse: int
    gain: float
    p: float

    @property
    def sure(self) -> bool:
        """Whether chance would seldom make such a difference."""
        return bool(self.p < LEVEL)


class Comparison(NamedTuple):
    """One score of one model.

    Parameters
    ----------
    score, model : str
        Which ones.
    tables : int
        How many.
    reference : str
        What the losses are held to: plain training, its threshold moved.
    friedman : float
        The p-value of Friedman's test: that all ranks are the same.
    critical : float
        Nemenyi's critical difference of two mean ranks.
    losses : list of Against
        From the best mean rank to the worst.
    """

    score: str
    model: str
    tables: int
    reference: str
    friedman: float
    critical: float
    losses: list[Against]

    @property
    def better(self) -> list[Against]:
        """Those that are surely better than the reference."""
        return [one for one in self.losses if one.sure and one.gain > 0]

    @property
    def worse(self) -> list[Against]:
        """Those that are surely worse."""
        return [one for one in self.losses if one.sure and one.gain < 0]

    def of(self, name: str) -> Against:
        """Return one of them by name."""
        return next(one for one in self.losses if one.name == name)


def compared(results: pd.DataFrame, score: str, model: str) -> Comparison:
    """Compare all losses on the tables of two classes."""
    return _compared(values(results, score, model, True), score, model)


def values(results: pd.DataFrame, score: str, model: str, binary: bool) -> pd.DataFrame:
    """Return the score by table and loss; plain training also with its threshold moved."""
    names = results.loc[(results["classes"] == 2) == binary, "table"].unique()
    found = by_table(results, score, model, names)
    if score == "balanced_accuracy":
        moved = by_table(results, "balanced_accuracy_moved", model, names)["plain"]
        found.insert(1, MOVED, moved)
    return found


def _compared(values: pd.DataFrame, score: str, model: str) -> Comparison:
    reference = MOVED if MOVED in values else "plain"
    goodness = values if score.removesuffix("_moved") in HIGHER_IS_BETTER else -values
    ranks = stats.rankdata(-goodness.round(5).to_numpy(), axis=1).mean(axis=0)
    n, k = values.shape
    gains = goodness.sub(goodness[reference], axis=0)
    others = [name for name in values if name != reference]
    raw = [_wilcoxon(gains[name].to_numpy()) for name in others]
    p = dict(zip(others, _holm(np.array(raw)), strict=True))
    losses = [
        Against(
            str(name),
            float(rank),
            float(values[name].mean()),
            int((gains[name] > SAME).sum()),
            int((gains[name] < -SAME).sum()),
            float(gains[name].median()),
            p.get(name, float("nan")),
        )
        for name, rank in zip(values, ranks, strict=True)
    ]
    friedman = stats.friedmanchisquare(*goodness.to_numpy().T).pvalue if k > 2 else float("nan")
    losses.sort(key=lambda one: one.rank)
    return Comparison(score, model, n, reference, float(friedman), critical(n, k), losses)


def critical(tables: int, losses: int) -> float:
    """Return Nemenyi's critical difference of two mean ranks."""
    q = stats.studentized_range.ppf(1 - LEVEL, losses, np.inf) / np.sqrt(2)
    return float(q * np.sqrt(losses * (losses + 1) / (6 * tables)))


def _wilcoxon(gains: np.ndarray) -> float:
    apart = np.where(np.abs(gains) > SAME, gains, 0.0)
    if not apart.any():
        return 1.0
    return float(stats.wilcoxon(apart, zero_method="zsplit", method="approx").pvalue)


def _holm(p: np.ndarray) -> np.ndarray:
    """Return p-values that hold together."""
    order = np.argsort(p)
    corrected = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    found = np.empty_like(p)
    found[order] = np.minimum(corrected, 1.0)
    return found
