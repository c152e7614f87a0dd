"""What boosters divide by: a curvature that is above 0 in every row."""

from typing import Any

import numpy as np


def positive(margins: Any, first: Any, second: Any, classes: int | None) -> Any:
    """Return the second derivative, and Gauss-Newton's where it is less than half of that.

    A loss F(-log p) has F' p' as its first derivative, and F' times the curvature of -log p as
    Gauss-Newton's: |first| (1 - p_k) where a smaller logit is better, |first| p_k where a larger.
    Half of it, since small second derivatives, which come before negative ones, are steps as wild.
    """
    p, rest = _probabilities(margins, classes)
    gauss_newton = np.abs(first) * np.where(first > 0.0, rest, p)
    return np.where(second < 0.5 * gauss_newton, gauss_newton, second)


def coupled(second: Any, coupling: float, floor: float, weight: Any) -> Any:
    """Return the curvature times its factor, at least the floor for each unit of weight."""
    least: Any = floor
    if weight is not None:
        least = floor * weight.reshape(-1, *(1,) * (second.ndim - 1))
    return np.maximum(second if coupling == 1.0 else coupling * second, least)


def _probabilities(margins: Any, classes: int | None) -> tuple[Any, Any]:
    """Return p and 1 - p, each with its digits."""
    if classes is None:
        fading = np.exp(-np.abs(margins))
        large, small = 1.0 / (1.0 + fading), fading / (1.0 + fading)
        above = margins > 0.0
        return np.where(above, large, small), np.where(above, small, large)
    powers = np.exp(margins - margins.max(axis=1, keepdims=True))
    total = powers.sum(axis=1, keepdims=True)
    others = [np.delete(powers, k, axis=1).sum(axis=1) for k in range(classes)]
    return powers / total, np.stack(others, axis=1) / total
