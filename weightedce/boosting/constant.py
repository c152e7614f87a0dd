"""The constant margin of least loss."""

from typing import Any

import numpy as np

ROUNDS = 500


def best_constant(objective: Any, labels: Any, weight: Any) -> Any:
    """Return where the sum of the gradients is 0: Newton's method, by the distinct labels."""
    if not labels.size:
        raise ValueError("labels: expected at least one, got none")
    each = np.ones(len(labels)) if weight is None else weight
    kinds, place = np.unique(labels, return_inverse=True)
    weight = np.bincount(place.reshape(-1), each, len(kinds))
    if objective.classes is None:
        return _of_elements(objective, kinds, weight)
    return _of_classes(objective, kinds, weight)


def _of_elements(objective: Any, kinds: Any, weight: Any) -> float:
    """Return the number, kept between two of which one is too small and one too large."""
    low, high, z = -700.0, 700.0, 0.0
    for _ in range(ROUNDS):
        first, second = objective.sklearn(kinds, np.full(len(kinds), z), weight)
        slope, bend = first.sum(), second.sum()
        if slope == 0.0:
            break
        low, high = (z, high) if slope < 0.0 else (low, z)
        step = z - slope / bend if bend > 0.0 else low
        step = step if low < step < high else 0.5 * (low + high)
        if abs(step - z) <= 2e-16 * abs(z):
            break
        z = step
    return float(z)


def _of_classes(objective: Any, kinds: Any, weight: Any) -> Any:
    """Return one number a class, with mean 0: a step of each by its own curvature, coupled."""
    classes = objective.classes
    shares = np.full(classes, 1e-300)
    shares[kinds.astype(int)] += weight
    z = np.log(shares)
    z -= z.mean()
    for _ in range(ROUNDS):
        rows = np.tile(z, (len(kinds), 1))
        first, second = objective.sklearn(kinds, rows, weight)
        step = first.sum(axis=0) / second.sum(axis=0)
        moved = z - np.clip(step, -2.0, 2.0)
        moved -= moved.mean()
        if np.abs(moved - z).max() <= 4e-16 * np.abs(z).max():
            break
        z = moved
    return z
