"""One cell of the study: a table, a model, a loss; halves are learnt from, the others measured."""

from typing import NamedTuple

import numpy as np
from sklearn.model_selection import StratifiedKFold

from study.plan import MISS, SCORES, Cell
from study.slopes import slopes
from study.tables import FOLDS
from study.trainings import TRAININGS, log_probabilities
from weightedce.comparison import boosters, network
from weightedce.comparison.features import numbers
from weightedce.comparison.scores import scores
from weightedce.comparison.table import Table
from weightedce.comparison.ways import Aim, Way, balanced_costs, decide, log_softmax


class Half(NamedTuple):
    """Rows to learn from and the others."""

    seed: int
    features: np.ndarray
    labels: np.ndarray
    held: np.ndarray
    held_labels: np.ndarray


def measure(cell: Cell, table: Table, halves: list[Half]) -> dict[str, list[float]]:
    """Return each score of each half; of losses without a way back there is no log loss."""
    training = TRAININGS[cell.training]
    found: dict[str, list[float]] = {name: [] for name in SCORES}
    for half in halves:
        counts = np.bincount(half.labels, minlength=len(table.classes))
        aim = Aim(counts, balanced_costs(counts))
        loss, options = training.made(aim)
        given = {"loss": loss, "options": options, "classes": len(counts), "seed": half.seed}
        if cell.model == "network":
            predict = network.train(half.features, half.labels, **given, derived=slopes)
        else:
            predict = boosters.train(half.features, half.labels, **given)
        logits = predict(half.held)
        log_p = log_probabilities(training, logits, aim)
        ranking = log_p if len(counts) > 2 else log_softmax(logits)  # the same order, without ties
        costly = Aim(counts, np.where(np.arange(len(counts)) == table.rare, MISS, 1.0))
        for name, way, where in (
            ("balanced_accuracy", Way(cell.training, False, ""), aim),
            ("balanced_accuracy_moved", Way(cell.training, training.back, ""), aim),
            ("cost", Way(cell.training, training.back, ""), costly),
        ):
            decided = decide(way, logits, log_p, where)
            measured = scores(half.held_labels, decided, log_p, where, table.rare)
            found[name].append(getattr(measured, name.removesuffix("_moved")))
        ranked = scores(half.held_labels, decided, ranking, aim, table.rare)
        found["average_precision"].append(ranked.average_precision)
        found["log_loss"].append(measured.log_loss)
    if not training.back:
        del found["log_loss"], found["balanced_accuracy_moved"]
    return found


def halves(table: Table, seeds: int) -> list[Half]:
    """Return every half of each seed to learn from, with equal shares of the classes."""
    found = []
    for seed in range(seeds):
        split = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        for train, test in split.split(table.features, table.labels):
            x, held = numbers(table.features.iloc[train], table.features.iloc[test])
            found.append(Half(seed, x, table.labels[train], held, table.labels[test]))
    return found
