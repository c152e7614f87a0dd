"""``class_weight="batch"``: the balanced weights of the classes as they occur in the batch."""

from typing import Any

from weightedce.backends import Array, Namespace, backend_of

BATCH = "batch"


def is_batch(weight: Any, name: str = "class_weight") -> bool:
    """Tell whether the weights are to come from the batch."""
    if not isinstance(weight, str):
        return False
    if weight != BATCH:
        raise ValueError(
            f"{name}: expected numbers, a dict {{class: weight}} or {BATCH!r}, got {weight!r}"
        )
    return True


def batch_weight(
    labels: Array | None,
    outside: Array | None,
    distribution: Array | None,
    keep: Array | None,
    classes: int,
    axis: int,
    dtype: Any,
) -> Array:
    """Return the weights of labels in 0..classes-1, or of shares, which are 0 where not kept."""
    if labels is None:
        return _of_shares(distribution, axis)
    backend = backend_of(labels)
    xp = backend.namespace
    for unused in (outside, None if keep is None else ~keep):
        if unused is not None:
            labels = xp.where(unused, classes, labels)
    counts = backend.bincount(xp.reshape(labels, (-1,)), classes)
    return balanced_shares(xp, xp.astype(counts, dtype))


def _of_shares(distribution: Array, axis: int) -> Array:
    backend = backend_of(distribution)
    counts, xp = backend.detach(distribution), backend.namespace
    for other in reversed(range(len(distribution.shape))):
        if other != axis:
            counts = xp.sum(counts, axis=other)
    return balanced_shares(xp, counts)


def balanced_shares(xp: Namespace, counts: Array) -> Array:
    """Return n / (K n_k), 0 for a class that does not occur; K is the number of those that do."""
    present = counts > 0
    occur = xp.sum(xp.astype(present, counts.dtype))
    occur = xp.where(occur == 0, 1.0, occur)
    weight = xp.sum(counts) / (occur * xp.where(present, counts, 1.0))
    return xp.where(present, weight, 0.0)
