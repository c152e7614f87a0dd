"""How far two ways are apart, and what chance alone would do."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

SURE = 0.95


class Difference(NamedTuple):
    """Of one way, less that of another."""

    mean: float
    half_width: float

    @property
    def sure(self) -> bool:
        """Whether the interval leaves 0 out."""
        return abs(self.mean) > self.half_width


def apart(ours: Sequence[float], theirs: Sequence[float], folds: int) -> Difference:
    """Compare two ways on the same folds, each of which held out one part of so many.

    By the t-test of Nadeau and Bengio (2003, "Inference for the Generalization Error", section
    6), since the folds share rows to learn from: the plain one is far too sure.
    """
    each = np.subtract(ours, theirs)
    n = len(each)
    variance = each.var(ddof=1) * (1 / n + 1 / (folds - 1))
    half = stats.t.ppf((1 + SURE) / 2, n - 1) * np.sqrt(variance)
    return Difference(float(each.mean()), float(half))
