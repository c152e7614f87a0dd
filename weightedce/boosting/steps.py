"""What boosters divide by: a curvature that is above 0 in every row."""

from typing import Any

import numpy as np

BLOCK = 2**14  # rows: what is made of them stays in the cache


def positive(margins: Any, first: Any, second: Any, classes: int | None) -> Any:
    """Return the second derivative, and Gauss-Newton's where it is less than half of that.

    A loss F(-log p) has F' p' as its first derivative, and F' times the curvature of -log p as
    Gauss-Newton's: |first| (1 - p_k) where a smaller logit is better, |first| p_k where a larger.
    Half of it, since small second derivatives, which come before negative ones, are steps as wild.
    """
    found = second.copy()
    for start in range(0, len(margins), BLOCK):
        rows = slice(start, start + BLOCK)
        z, slope = margins[rows], first[rows]
        if classes is None:
            gauss_newton = np.abs(slope) * _sigmoid(np.where(slope > 0.0, -z, z))
        else:
            p, rest = _softmax(z, classes)
            gauss_newton = np.abs(slope) * np.where(slope > 0.0, rest, p)
        small = found[rows] < 0.5 * gauss_newton
        if small.any():
            found[rows] = np.where(small, gauss_newton, found[rows])
    return found


def coupled(second: Any, coupling: float, floor: float, weight: Any) -> Any:
    """Return the curvature times its factor, at least the floor for each unit of weight."""
    least: Any = floor
    if weight is not None:
        least = floor * weight.reshape(-1, *(1,) * (second.ndim - 1))
    return np.maximum(second if coupling == 1.0 else coupling * second, least)


def _sigmoid(z: Any) -> Any:
    """Return 1 / (1 + exp(-z)), 0 where that is next to underflow."""
    return 1.0 / (1.0 + np.exp(np.minimum(-z, 700.0)))


def _softmax(z: Any, classes: int) -> tuple[Any, Any]:
    """Return p and 1 - p, each with its digits."""
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    total = powers.sum(axis=1, keepdims=True)
    others = [np.delete(powers, k, axis=1).sum(axis=1) for k in range(classes)]
    return powers / total, np.stack(others, axis=1) / total
