"""NumPy: values in few passes, by blocks that stay in the processor's cache."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weightedce import softmax, stable
from weightedce.backends import Array

BLOCK = 2**16  # elements: a quarter of a megabyte of float32
FEW = 64  # classes: each is gone through for all rows, since NumPy is slow in short rows


def quiet() -> np.errstate:
    """Return a context without warnings: what comes of infinite logits is computed again."""
    return np.errstate(invalid="ignore", over="ignore")


def block_elements(_logits: Array, _others: Sequence[Any]) -> int:
    """Return how many elements to work on at a time."""
    return BLOCK


def by_blocks(
    part: Callable[[Sequence[Any], Sequence[Any]], tuple[Array, Array, Array]],
    rows: Sequence[Any],
    shared: Sequence[Any],
    size: int,
) -> tuple[Array, Array, Array]:
    """Return the sums that ``part`` gives, added over blocks of ``size`` rows."""
    starts = range(0, len(rows[0]), size)
    blocks = [part([x[start : start + size] for x in rows], shared) for start in starts]
    loss, weight, count = (np.sum(column) for column in zip(*blocks, strict=True))
    return loss, weight, count


def attach(composed: Callable[..., Array], sloped: Any, *arrays: Array) -> Array:
    """Return ``composed(*arrays)`` in few passes, where nothing is infinite."""
    with quiet():
        if sloped is stable.sloped_softplus:
            value = softplus_in_place(*arrays)
        else:
            value = sloped(*arrays, False)[0]
    return value if np.isfinite(value.sum()) else composed(*arrays)


def softplus_in_place(logits: Array, positive: Array, negative: Array) -> Array:
    """Return ``positive * softplus(-z) + negative * softplus(z)``.

    Without ``where``, which takes NumPy six times as long as an exponential.
    """
    below = np.abs(logits)
    above = below + logits
    above *= 0.5  # max(z, 0), exactly
    tail = np.log1p(np.exp(-below))
    below -= above
    below += tail
    below *= positive
    tail += above
    tail *= negative
    below += tail
    return below


def label_log_softmax(_: Any, logits: Array, labels: Array, axis: int) -> Array:
    """Return ``logsumexp(z) - z_y``."""
    rows = np.moveaxis(logits, axis, -1).reshape(-1, logits.shape[axis])
    count, classes = rows.shape
    flat, loss = labels.reshape(-1), np.empty(count, rows.dtype)
    few = classes <= FEW
    size = max(1, BLOCK // classes)
    for start in range(0, count, size):
        part = slice(start, start + size)
        z, y = rows[part], flat[part]
        with quiet():
            if few:
                place = (y, np.arange(len(y)))
                loss[part] = _block(np.ascontiguousarray(z.T), place, 0)
            else:
                loss[part] = _block(z, (np.arange(len(y)), y), 1)
    return loss.reshape(labels.shape)


def _block(logits: Array, place: tuple[Array, Array], axis: int) -> Array:
    """Return ``logsumexp(z) - z_y`` of a block, whose labels are at ``place``."""
    highest = logits.max(axis=axis, keepdims=True)
    if softmax.unshifted(highest.min(), highest.max()):
        powers, factor = np.exp(logits), np.exp(-highest)
    else:
        by, factor = softmax.shift_of(highest, logits.shape[axis])
        powers = softmax.shifted_exp(logits, by)
    powers[place] = 0.0
    others = powers.sum(axis=axis) * factor.reshape(-1)
    logit, highest = logits[place], highest.reshape(-1)
    rest = softmax.rest_of(logit, highest, others)
    return softmax.label_loss(logit, highest, rest).loss
