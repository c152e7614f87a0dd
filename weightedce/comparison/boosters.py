"""The same losses in a booster, where one is installed."""

from collections.abc import Callable, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from weightedce.boosting import Objective
from weightedce.comparison.network import Predict

ROUNDS = 60
DEPTH = 3
SHRINKAGE = 0.1


def installed() -> str | None:
    """Return the booster that is there, or None."""
    return next((name for name in ("lightgbm", "xgboost") if find_spec(name)), None)


def train(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    loss: Callable[..., Any],
    options: Mapping[str, Any],
    classes: int,
    seed: int,
) -> Predict:
    """Return the margins of trained trees as a function of the features: one a class."""
    objective = Objective(loss, classes=classes, **options)
    start = np.asarray(objective.start(labels))
    module = import_module(str(installed()))
    fit = _lightgbm if module.__name__ == "lightgbm" else _xgboost
    return fit(module, objective, features, labels, start, seed)


def _lightgbm(
    module: Any, objective: Objective, x: np.ndarray, y: np.ndarray, start: np.ndarray, seed: int
) -> Predict:
    params = {
        "objective": objective,
        "num_class": len(start),
        "max_depth": DEPTH,
        "num_leaves": 2**DEPTH,
        "learning_rate": SHRINKAGE,
        "seed": seed,
        "num_threads": 1,
        "verbose": -1,
    }
    first = np.repeat(start, len(y))  # class by class
    model = module.train(params, module.Dataset(x, y, init_score=first), ROUNDS)
    return lambda x: np.asarray(model.predict(x)) + start


def _xgboost(
    module: Any, objective: Objective, x: np.ndarray, y: np.ndarray, start: np.ndarray, seed: int
) -> Predict:
    params = {
        "num_class": len(start),
        "max_depth": DEPTH,
        "eta": SHRINKAGE,
        "seed": seed,
        "nthread": 1,
        "base_score": 0.0,
        "disable_default_eval_metric": 1,
    }

    def data(x: np.ndarray, y: np.ndarray | None = None) -> Any:
        return module.DMatrix(x, y, base_margin=np.tile(start, (len(x), 1)))

    model = module.train(params, data(x, y), ROUNDS, obj=objective)
    return lambda x: np.asarray(model.predict(data(x), output_margin=True))
