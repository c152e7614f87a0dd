"""Losses of labels and of distributions with their slopes, for small batches in NumPy's arrays.

What counts there is the number of steps, not of bytes: the exponentials are taken once, each row
is summed once, and one array is made, whose label's place is written to twice. Where that is not
exact, or out of range, None is returned.
"""

from typing import NamedTuple

import numpy as np

from weightedce.backends import Array

# Between these powers of two neither a sum of powers nor what it is divided by is rounded more
# than once: the largest ratio of two of them is below the largest number of float32.
LEAST, MOST = 2.0**-60, 2.0**60
# a row with a smaller sum has terms that are underflows, where its probabilities are none
SMALLEST = 0.36
IN_ONE_PRODUCT = 64  # classes: the sum of a row as a product with ones, in the same digits


class LabelOdds(NamedTuple):
    """``logsumexp(z) - z_y`` of rows with labels y, in the odds against the label."""

    loss: Array  # log(1 + odds)
    odds: Array  # (1 - p_y) / p_y
    rest: Array  # 1 - p_y
    powers: Array  # (N, K): ``exp(z_k)``, and in the label's place minus the sum of the others
    share: Array  # what the powers lack to be the derivative of the loss: 1 / sum exp(z_k)


def label_odds(logits: Array, labels: Array) -> LabelOdds | None:
    """Return the loss of each row of (N, K) logits, and what its derivative is made of."""
    count, classes = logits.shape
    powers = np.exp(logits)
    flat, place = powers.reshape(-1), np.arange(0, count * classes, classes)
    place += labels
    own = flat[place]
    flat[place] = 0.0
    others = _added(powers)
    whole = own + others
    low, high = whole.item(whole.argmin()), whole.item(whole.argmax())
    if not (low >= SMALLEST and high <= MOST and own.item(own.argmin()) >= LEAST):
        return None
    flat[place] = -others
    odds = others / own
    return LabelOdds(np.log1p(odds), odds, others / whole, powers, 1.0 / whole)


def mass_sums(logits: Array, mass: Array, slope: bool) -> tuple[Array, Array | None] | None:
    """Return ``sum_k mass_k * (logsumexp(z) - z_k)`` of each row, and its derivative if wanted.

    As `softmax.MassSums`, of which one maximum of each row is taken by its place.
    """
    count, classes = logits.shape
    powers = np.exp(logits)
    flat, place = powers.reshape(-1), np.arange(0, count * classes, classes)
    place += logits.argmax(1)
    most = flat[place]
    if not (most.item(most.argmin()) >= SMALLEST and most.item(most.argmax()) <= MOST):
        return None
    flat[place] = 0.0
    rest = _added(powers)
    rest /= most
    distances = logits.reshape(-1)[place][:, None] - logits
    distances *= mass
    at_top = mass.reshape(-1)[place]
    others = mass.copy()
    others.reshape(-1)[place] = 0.0
    of_others = _added(others)
    whole = of_others + at_top
    loss = _added(distances)
    loss += whole * np.log1p(rest)
    if not slope:
        return loss, None
    share = whole / (1.0 + rest)
    powers *= (share / most)[:, None]
    powers -= mass
    flat[place] = np.where(rest < 1.0, of_others - share * rest, share - at_top)
    return loss, powers


def _added(rows: Array) -> Array:
    """Return the sum of each row."""
    classes = rows.shape[1]
    if classes <= IN_ONE_PRODUCT:
        return rows @ np.ones(classes, rows.dtype)
    return np.add.reduce(rows, 1)
