"""What boosters divide by: a curvature that is above 0 in every row."""

import itertools
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

BLOCK = 2**14  # rows: what is made of them stays in the cache
FEW = 4  # classes that are tried: they differ by their weights
TRIED = np.linspace(-40.0, 40.0, 161)  # margins


def is_convex(
    derivatives: Callable[[Any, Any], Any], classes: int | None, outputs: tuple[int, ...]
) -> bool:
    """Tell whether no second derivative is negative, of one margin that moves, for each label.

    ``outputs`` are the labels of a row, for which a binary loss may have a weight each.
    """
    tried = _of_elements(outputs) if classes is None else _of_classes(classes)
    found = [derivatives(margins, labels).second for margins, labels in tried]
    return bool(min(x.min() for x in found) >= -1e-12 * max(np.abs(x).max() for x in found))


def _of_elements(outputs: tuple[int, ...]) -> Iterator[tuple[Any, Any]]:
    """Yield margins that are alike in a row, and their labels."""
    column = TRIED.reshape(-1, *(1 for _ in outputs))
    margins = np.broadcast_to(column, (len(TRIED), *outputs))
    for y in (0.0, 1.0):
        yield margins, np.full(margins.shape, y)


def _of_classes(classes: int) -> Iterator[tuple[Any, Any]]:
    """Yield rows of margins of which one moves, and their labels."""
    few = range(min(classes, FEW))
    for y, k in itertools.product(few, few):
        margins = np.zeros((len(TRIED), classes))
        margins[:, k] = TRIED
        yield margins, np.full(len(TRIED), float(y))


def lifted(margins: Any, first: Any, second: Any, classes: int | None, convex: bool) -> Any:
    """Return no negative curvature: of a convex loss only rounding puts one below 0."""
    if not convex:
        return positive(margins, first, second, classes)
    below = second < 0.0
    if not below.any():
        return second
    return np.where(below, positive(margins, first, second, classes), second)


def positive(margins: Any, first: Any, second: Any, classes: int | None) -> Any:
    """Return the second derivative of a loss that is not convex, or Gauss-Newton's.

    That where it is less than half of it: small second derivatives, which come before negative
    ones, are steps as wild. A loss F(-log p) has F' p' as its first derivative, and F' times the
    curvature of -log p as Gauss-Newton's: |first| (1 - p_k) where a smaller logit is better,
    |first| p_k where a larger.
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
        found[rows] = np.where(found[rows] < 0.5 * gauss_newton, gauss_newton, found[rows])
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
    """Return p and 1 - p, each with its digits: of the largest 1 - p is the sum of the others."""
    top = z.argmax(axis=1)[:, None]
    powers = np.exp(z - np.take_along_axis(z, top, axis=1))
    others = np.where(np.arange(classes) == top, 0.0, powers).sum(axis=1, keepdims=True)
    p = powers / (1.0 + others)
    rest = 1.0 - p
    np.put_along_axis(rest, top, others / (1.0 + others), axis=1)
    return p, rest
