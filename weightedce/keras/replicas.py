"""The whole batch under ``tf.distribute``, where each replica holds a part of it.

Keras adds up the gradients of the replicas, and reports the mean of their losses times their
number. So a replica's loss has the gradient of its part of the whole batch's loss, and for its
value an equal share: one replica or many, the same training and the same report.
"""

from typing import Any

from keras import backend, ops

from weightedce.backends import Array
from weightedce.call.reductions import ratio


def replicas() -> int:
    """Return the number of replicas that a batch is spread over."""
    if backend.backend() != "tensorflow":
        return 1  # keras.distribution on JAX: one computation that sees the whole batch
    return int(_distribute().get_strategy().num_replicas_in_sync)


def added(part: Any) -> Any:
    """Return the sum over the replicas of an array, or of each in a list; gradients flow."""
    context = _context()
    return part if context is None else context.all_reduce("SUM", part)


def gathered(part: Array | None) -> Array | None:
    """Return what all replicas hold of an array, one after the other along its first axis."""
    context = _context()
    if context is None or part is None:
        return part
    if backend.standardize_dtype(part.dtype) == "bool":  # which does not travel
        return ops.cast(context.all_gather(ops.cast(part, "int32"), axis=0), "bool")
    return context.all_gather(part, axis=0)


def mean(total: Array, weight: Array) -> Array:
    """Return the replica's part of the sum of ``total`` over the sum of ``weight``."""
    number = replicas()
    if _context() is None:
        return ratio(total, weight) / number
    totals, weights = added([total, ops.cast(weight, total.dtype)])
    part = ratio(total, weights)
    value = ops.stop_gradient(ratio(totals, weights) / number)
    return ops.where(ops.isfinite(value), part + ops.stop_gradient(value - part), value)


def _context() -> Any:
    """Return the replica that this is; None where there is only one, or not inside one."""
    return None if replicas() == 1 else _distribute().get_replica_context()


def _distribute() -> Any:
    import tensorflow as tf  # noqa: PLC0415 - no other backend of Keras has it

    return tf.distribute
