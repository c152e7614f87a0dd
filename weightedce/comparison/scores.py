"""What one way is worth on held-out rows."""

from typing import NamedTuple

import numpy as np
from sklearn.metrics import average_precision_score

from weightedce.comparison.ways import Aim


class Scores(NamedTuple):
    """Of the rows of one fold.

    Parameters
    ----------
    cost : float
        Of a row, on average.
    balanced_accuracy : float
        The mean of the classes' recalls.
    missed : float
        The share of the rare class's rows that are taken for others: 1 - its recall.
    false_alarms : float
        The share of the other rows that are taken for the rare class.
    average_precision : float
        The area under the precision-recall curve of the rare class; no threshold moves it.
    log_loss : float
        Of the probabilities, in nats, with what the loss bent taken back.
    """

    cost: float
    balanced_accuracy: float
    missed: float
    false_alarms: float
    average_precision: float
    log_loss: float


HIGHER_IS_BETTER = {"balanced_accuracy", "average_precision"}


def scores(
    labels: np.ndarray, decided: np.ndarray, log_p: np.ndarray, aim: Aim, rare: int
) -> Scores:
    """Measure decisions and probabilities."""
    right = decided == labels
    recalls = [right[labels == k].mean() for k in range(len(aim.costs))]
    is_rare = labels == rare
    log_p = np.maximum(log_p, np.log(np.finfo(float).tiny))  # a probability of 0 is not infinite
    chosen = np.take_along_axis(log_p, labels[:, None], axis=1)
    return Scores(
        cost=float(np.where(right, 0.0, aim.costs[labels]).mean()),
        balanced_accuracy=float(np.mean(recalls)),
        missed=float(1 - right[is_rare].mean()),
        false_alarms=float((decided[~is_rare] == rare).mean()),
        average_precision=float(average_precision_score(is_rare, log_p[:, rare])),
        log_loss=float(-chosen.mean()),
    )
