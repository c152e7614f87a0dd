"""Our calls, which are the same in every library."""

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

import weightedce

Loss = Callable[..., Any]  # of what is differentiated, then of targets and weights

SMOOTHING = 0.1
FAMILIES: dict[str, Loss] = {
    "bce": lambda z, y, w: weightedce.binary_cross_entropy(z, y, pos_weight=w),
    "ce": lambda z, y, w: weightedce.cross_entropy(z, y, class_weight=w, reduction="weighted_mean"),
    "smoothed ce": lambda z, y, _: weightedce.cross_entropy(z, y, label_smoothing=SMOOTHING),
    "ce of distributions": lambda z, q, _: weightedce.cross_entropy(z, q),
    "binary focal": lambda z, y, _: weightedce.binary_focal_loss(z, y, gamma=2.0),
    "focal": lambda z, y, _: weightedce.focal_loss(z, y, gamma=2.0),
    "linear": lambda hidden, weight, y: weightedce.linear_cross_entropy(hidden, weight, y),
}
NEEDED: dict[str, Callable[[int], np.ndarray]] = {  # of K classes
    "counts": lambda k: np.linspace(1.0, 100.0, k, dtype=np.float32),
    "prior": lambda k: np.full(k, 1.0 / k, dtype=np.float32),
    "cost_matrix": lambda k: 1.0 - np.eye(k, dtype=np.float32),
}


def family(name: str) -> str:
    """Return the family of a public loss, by the weights that it takes; a LookupError if absent."""
    if not hasattr(weightedce, name):
        raise LookupError(f"{name}: not in this version")
    parameters = list(inspect.signature(getattr(weightedce, name)).parameters)
    if "hidden" in parameters:
        return "linear"
    return "bce" if "pos_weight" in parameters else "ce"


def public(name: str, classes: int, array: Callable[[np.ndarray], Any]) -> Loss:
    """Return a public loss with the arguments that it needs.

    Raises
    ------
    LookupError
        If it needs an argument that has no value here.
    """
    loss = getattr(weightedce, name)
    parameters = inspect.signature(loss).parameters
    given = {key: array(make(classes)) for key, make in NEEDED.items() if key in parameters}
    kind = family(name)
    needed = {key for key, p in parameters.items() if p.default is p.empty} - set(given)
    known = {"hidden", "weight", "targets"} if kind == "linear" else {"logits", "targets"}
    if unknown := needed - known:
        raise LookupError(f"{name}: no value is known for {', '.join(sorted(unknown))}")
    if kind == "linear":
        return lambda hidden, weight, y: loss(hidden, weight, y, **given)
    weight = "class_weight" if kind == "ce" else "pos_weight"
    return lambda z, y, w: loss(z, y, **given, **{weight: w})
