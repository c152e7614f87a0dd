"""Draw what boosted trees say and what is true: plain, weighted, focal; raw and undone.

    pip install weightedce lightgbm scikit-learn matplotlib
    python examples/boosted_reliability.py page-blocks0 reliability.png

LightGBM, by the functions of `boosted_tables`; each row by trees that have not seen it.
"""

import argparse

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from sklearn.model_selection import StratifiedKFold

from boosted_tables import by_lightgbm, objectives_for, table
from weightedce.boosting import Objective

BINS = 12
MISS = 50.0  # what a miss costs, for the objectives that are not drawn
COLOURS = {"plain": "#777777", "weighted": "#0072B2", "focal": "#D55E00"}
MARKS = {"plain": "o", "weighted": "s", "focal": "^"}


def out_of_fold(objective: Objective, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the margin of each row by trees that have not seen it."""
    margins = np.empty(len(y))
    for train, test in StratifiedKFold(5, shuffle=True, random_state=0).split(x, y):
        margins[test] = by_lightgbm(objective, x[train], y[train], x[test])
    return margins


def bins_of(logits: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return what is said and what is true in bins of fewer rows towards the likely positives."""
    p = np.exp(-np.logaddexp(0.0, -logits))
    edges = np.unique(np.quantile(p, 1 - np.geomspace(1, 0.02, BINS)[::-1]))
    place = np.digitize(p, edges)
    there = [k for k in range(len(edges) + 1) if (place == k).any()]
    return tuple(np.array([x[place == k].mean() for k in there]) for x in (p, y))


def draw(name: str, path: str) -> None:
    x, y = table(name)
    figure, panels = plt.subplots(1, 2, figsize=(9.5, 5), sharey=True, layout="constrained")
    objectives = objectives_for(y, MISS)
    for kind in COLOURS:
        objective = objectives[kind]
        logits = out_of_fold(objective, x, y)
        for panel, shown in zip(panels, (logits, objective.calibrated(logits)), strict=True):
            said, true = bins_of(shown, y)
            panel.plot(said, true, MARKS[kind] + "-", color=COLOURS[kind], label=kind)
    for panel, title in zip(panels, ("as trained", "undone by undo_loss"), strict=True):
        panel.plot([0, 1], [0, 1], color="#bbbbbb", zorder=0)
        panel.set(title=title, xlabel="probability that the model says", xlim=(0, 1), ylim=(0, 1))
        panel.spines[["top", "right"]].set_visible(False)
        panel.set_aspect("equal")
    panels[0].set_ylabel("share of positives there")
    panels[1].legend(frameon=False, loc="lower right")
    figure.suptitle(
        f"Weights and gamma bend the probabilities of boosted trees; undo_loss bends them back\n"
        f"({name}, {len(y):,} rows, {y.mean():.1%} positive, LightGBM, five folds)",
        fontsize=12,
    )
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("table", help="abalone19, page-blocks0 or flights")
    parser.add_argument("picture", help="the file to write")
    draw(*vars(parser.parse_args()).values())
