"""The constant margin of least loss."""

from typing import Any

import numpy as np

from weightedce.curvature.hessian import hessian

ROUNDS, HALVINGS = 500, 60
FAR = 700.0  # a margin whose probability is next to underflow
FARTHEST = 36.0  # what exp makes less than the rounding of 1
LONGEST = 5.0  # a step
TINY = 1e-300
MATRIX = 32  # classes: of more, steps go by the diagonal of the Hessian


def best_constant(objective: Any, labels: Any, weight: Any) -> Any:
    """Return where the sum of the losses is least: Newton's method, by the distinct labels."""
    labels = labels.reshape(-1) if labels.ndim == 2 and labels.shape[1] == 1 else labels
    if not labels.size:
        raise ValueError("labels: expected at least one, got none")
    if labels.ndim != 1 or labels.dtype.kind not in "biuf":
        raise ValueError(
            f"labels: expected numbers, one a row, got shape {labels.shape} of {labels.dtype}"
        )
    each = np.ones(len(labels)) if weight is None else weight
    if each.shape != labels.shape:
        raise ValueError(
            f"weight: expected shape {labels.shape}, one a row, got shape {each.shape}"
        )
    kinds, place = np.unique(labels, return_inverse=True)
    weight = np.bincount(place.reshape(-1), each, len(kinds))
    if not weight.any():
        raise ValueError("weight: expected one above 0, got none")
    kinds, weight = kinds[weight > 0.0], weight[weight > 0.0] / weight.sum()
    if objective.classes is None:
        return _of_elements(objective, kinds, weight)
    return _of_classes(objective, kinds, weight)


def _of_elements(objective: Any, kinds: Any, weight: Any) -> float:
    """Return the number, kept between two of which one is too small and one too large."""

    def derived(z: float) -> tuple[float, float]:
        first, second = objective.sklearn(kinds, np.full(len(kinds), z), weight)
        return float(first.sum()), float(second.sum())

    low, high, z = -FAR, FAR, 0.0
    for _ in range(ROUNDS):
        slope, bend = derived(z)
        if slope == 0.0:
            break
        low, high = (z, high) if slope < 0.0 else (low, z)
        step = z - slope / bend if bend > 0.0 else low
        step = step if low < step < high else 0.5 * (low + high)
        if abs(step - z) <= 2e-16 * abs(z):
            break
        z = step
    near = (low, high) if high - low <= 1e-9 else ()  # between which the loss may jump
    return float(min((z, *near), key=lambda x: _mean(objective, kinds, weight, x)))


def _mean(objective: Any, kinds: Any, weight: Any, margin: Any) -> float:
    """Return the mean loss of one margin, or one a class, for all rows."""
    rows = np.tile(margin, (len(kinds), 1) if np.ndim(margin) else len(kinds))
    return float(objective.score(kinds, rows, weight))


def _of_classes(objective: Any, kinds: Any, weight: Any) -> Any:
    """Return one number a class, by steps that never make the loss larger."""
    classes = objective.classes
    shares = np.full(classes, 1e-3 / classes)
    inside = (kinds >= 0) & (kinds < classes) & (kinds == np.floor(kinds))
    shares[kinds[inside].astype(int)] = weight[inside]
    z = np.log(shares)
    z -= z.mean()
    value = _mean(objective, kinds, weight, z)
    for _ in range(ROUNDS):
        first, step = _step(objective, kinds, weight, z)
        step *= min(1.0, LONGEST / max(np.abs(step).max(), 1e-300))
        gain = float(first @ step)
        if np.ptp(z) > FARTHEST and not np.isin(np.arange(classes), kinds).all():
            break  # a class that does not occur would get less without end
        if gain <= 1e-12 * abs(value):  # of what is left the loss has no digits, but the step has
            z = z - step
            break
        found = _along(objective, kinds, weight, z, value, step, gain)
        if found is None:
            break
        z, value = found
    centred = z - z.mean()
    same = abs(_mean(objective, kinds, weight, centred) - value) <= 1e-14 * abs(value)
    return centred if same else z


def _along(
    objective: Any, kinds: Any, weight: Any, z: Any, value: float, step: Any, gain: float
) -> tuple[Any, float] | None:
    """Return where on the way of a step the loss is enough less, and how much it is there."""
    least = 4e-16 * max(np.abs(z).max(), 1.0)
    for halved in range(HALVINGS):
        part = 0.5**halved * step
        if np.abs(part).max() <= least:
            return None
        tried = _mean(objective, kinds, weight, z - part)
        if tried < value - 1e-4 * 0.5**halved * gain:
            return z - part, tried
    return None


def _step(objective: Any, kinds: Any, weight: Any, z: Any) -> tuple[Any, Any]:
    """Return the gradient, and what to go back by: Newton's step, along what bends."""
    if objective.classes > MATRIX:
        rows = np.tile(z, (len(kinds), 1))
        first, second = (x.sum(axis=0) for x in objective.sklearn(kinds, rows, weight))
        return first, first / second
    found = [hessian(objective.loss, z, kind, **objective.given) for kind in kinds]
    first = sum(by * one for by, (one, _) in zip(weight, found, strict=True))
    second = sum(by * matrix for by, (_, matrix) in zip(weight, found, strict=True))
    sizes, axes = np.linalg.eigh(second)
    along, most = axes.T @ first, np.abs(sizes).max()
    flat = (np.abs(sizes) <= 1e-10 * most) & (np.abs(along) <= 1e-9 * np.abs(first).max())
    return first, axes @ np.where(flat, 0.0, along / np.maximum(np.abs(sizes), 1e-10 * most + TINY))
