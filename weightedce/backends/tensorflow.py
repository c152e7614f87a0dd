"""TensorFlow: our own namespace, since neither it nor array-api-compat has one yet."""

from collections.abc import Callable, Sequence
from typing import Any

import tensorflow as tf

from weightedce.backends import Array
from weightedce.backends import tensorflow_namespace as namespace
from weightedce.backends.numpy import device
from weightedce.backends.tensorflow_linear import linear_by_blocks, linear_elements, linear_rows
from weightedce.backends.tensorflow_modes import (
    extremes,
    forward_mode,
    learned,
    record,
    unrecorded,
    xla,
)
from weightedce.backends.tensorflow_slope import attach
from weightedce.backends.tensorflow_softmax import label_log_softmax

__all__ = [
    "attach",
    "detach",
    "device",
    "extremes",
    "fixed",
    "label_log_softmax",
    "linear_by_blocks",
    "linear_elements",
    "linear_rows",
    "look_up",
    "namespace",
    "one_hot",
    "product",
    "ratio",
    "read",
    "shape",
    "sums",
    "unless_between",
]

detach = tf.stop_gradient


def read(flag: Array) -> bool | None:
    """Read ``flag`` if it is eager and on the CPU."""
    if not tf.executing_eagerly():
        return None
    return bool(flag) if "CPU" in flag.device else None


def product(weight: Array, loss: Array) -> Array:
    """Return ``weight * loss`` with 0 * inf = 0; not for autodiff."""
    return tf.math.multiply_no_nan(loss, weight)


def unless_between(values: Array, low: float, high: float, otherwise: Callable[[], Array]) -> Array:
    """Return ``values`` if all are between ``low`` and ``high``, else what ``otherwise`` makes.

    Least and greatest value take a seventh of the time of looking at every value, in a graph that
    runs one branch alone. XLA fuses the latter with what comes after it; a GPU would have to wait
    until the processor knows the branch.
    """
    if xla() or tf.config.list_logical_devices("GPU"):
        return otherwise()
    inside = (tf.reduce_min(values) >= low) & (tf.reduce_max(values) <= high)
    return tf.cond(inside, lambda: tf.identity(values), otherwise)


def ratio(numerator: Array, denominator: Array) -> Array:
    """Return the quotient, and 0 where the denominator is 0.

    Eager TensorFlow takes 12 operations for its gradient, where one will do for the numerator.
    """
    if (
        not tf.executing_eagerly()
        or learned([denominator])
        or forward_mode([numerator, denominator])
    ):
        return tf.math.divide_no_nan(numerator, denominator)
    with unrecorded():
        value = tf.math.divide_no_nan(numerator, denominator)
    if learned([numerator]):
        record(value, [numerator], lambda up: [tf.math.divide_no_nan(up, denominator)])
    return value


def look_up(weight: Array, labels: Array) -> Array:
    """Return the weight of each label, or its row of a matrix."""
    return tf.gather(weight, labels)


def one_hot(labels: Array, logits: Array, axis: int, on: float, off: float) -> Array:
    """Return ``on`` for the class of each label, ``off`` for the others."""
    return tf.one_hot(labels, logits.shape[axis], on, off, axis, logits.dtype)


def sums(axis: int, arrays: Sequence[Array]) -> Sequence[Array]:
    """Return the sum of each array over an axis; in XLA on the CPU as one product with ones.

    XLA adds up there, one number after the other, what it has to compute, but makes products
    fast. On accelerators products lose digits.
    """
    first, last = arrays[0], len(arrays[0].shape) - 1
    elsewhere = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("TPU")
    if axis != last or elsewhere or not xla():
        return [tf.reduce_sum(x, axis, keepdims=True) for x in arrays]
    ones = tf.ones((first.shape[axis], 1), first.dtype)
    found: Sequence[Array] = tf.unstack(tf.stack(arrays) @ ones)
    return found


def shape(array: Array) -> tuple[Any, ...]:
    """Return the shape; a size that a graph does not know yet is a 0-d integer tensor."""
    if not isinstance(array, tf.Tensor | tf.Variable):
        raise TypeError(f"expected a dense tensor, got {type(array).__name__}")
    if array.shape.rank is None:
        raise ValueError(
            f"expected a tensor of known rank, got {array!r}: give the tf.function an "
            f"input_signature, or call set_shape"
        )
    known = array.shape.as_list()
    if None not in known:
        return tuple(known)
    dynamic = tf.shape(array)
    return tuple(dynamic[i] if size is None else size for i, size in enumerate(known))


def fixed(array: Array, shape: tuple[Any, ...]) -> Array:
    """Return ``array``; a graph fails when it runs and the shape is not ``shape``.

    The assertion is for graphs, which may drop a reshape, and the reshape for XLA, which drops
    assertions.
    """
    same = tf.debugging.assert_equal(tf.shape(array), tf.stack(shape), "shapes differ")
    with tf.control_dependencies([same]):
        return tf.reshape(tf.identity(array), shape)
