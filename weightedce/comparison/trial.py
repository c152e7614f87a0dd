"""Every training over folds and seeds: who is measured on rows that were not trained on."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from sklearn.model_selection import StratifiedKFold

from weightedce.comparison import boosters, network
from weightedce.comparison.features import numbers
from weightedce.comparison.scores import Scores, scores
from weightedce.comparison.table import Table
from weightedce.comparison.ways import TRAININGS, WAYS, Aim, decide, log_probabilities

MODELS: dict[str, Callable[..., network.Predict]] = {
    "network": network.train,
    "booster": boosters.train,
}


class Trial(NamedTuple):
    """What came of one table.

    Parameters
    ----------
    table : Table
        The rows.
    aim : Aim
        Their counts, and what mistakes cost.
    folds, seeds : int
        How often it was split, and into how many parts.
    found : dict
        ``found[model][way]``: one `Scores` a fold and seed, in the same order for all.
    held_out : dict
        ``held_out[model][training]``: (N, K) log-probabilities of the first seed.
    raw : dict
        The same without anything taken back.
    """

    table: Table
    aim: Aim
    folds: int
    seeds: int
    found: dict[str, dict[str, list[Scores]]]
    held_out: dict[str, dict[str, np.ndarray]]
    raw: dict[str, dict[str, np.ndarray]]


def steps(models: list[str], folds: int, seeds: int) -> int:
    """Return how many models are trained."""
    return len(models) * len(TRAININGS) * folds * seeds


def run(
    table: Table,
    aim: Aim,
    models: list[str],
    folds: int,
    seeds: int,
    advance: Callable[[str], None],
) -> Trial:
    """Train and measure; ``advance`` is told of each model that was trained."""
    empty = np.zeros((len(table.labels), len(table.classes)))
    found: dict[str, dict[str, list[Scores]]] = {m: {way: [] for way in WAYS} for m in models}
    held_out = {m: {name: empty.copy() for name in TRAININGS} for m in models}
    raw = {m: {name: empty.copy() for name in TRAININGS} for m in models}
    for seed, train, test in _splits(table, folds, seeds):
        x, held = numbers(table.features.iloc[train], table.features.iloc[test])
        labels = table.labels[test]
        here = aim._replace(counts=np.bincount(table.labels[train], minlength=len(aim.costs)))
        for model in models:
            logits, log_p = {}, {}
            for name, training in TRAININGS.items():
                predict = MODELS[model](
                    x,
                    table.labels[train],
                    loss=training.loss,
                    options=training.options(here),
                    classes=len(table.classes),
                    seed=seed,
                )
                logits[name] = predict(held)
                log_p[name] = log_probabilities(training, logits[name], here)
                if seed == 0:
                    held_out[model][name][test] = log_p[name]
                    raw[model][name][test] = logits[name]
                advance(f"{model}, {name}")
            for name, way in WAYS.items():
                decided = decide(way, logits[way.training], log_p[way.training], here)
                measured = scores(labels, decided, log_p[way.training], aim, table.rare)
                found[model][name].append(measured)
    return Trial(table, aim, folds, seeds, found, held_out, raw)


def _splits(table: Table, folds: int, seeds: int) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    for seed in range(seeds):
        split = StratifiedKFold(folds, shuffle=True, random_state=seed)
        for train, test in split.split(np.zeros(len(table.labels)), table.labels):
            yield seed, train, test
