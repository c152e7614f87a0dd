"""TensorFlow: our own namespace, since neither it nor array-api-compat has one yet."""

from typing import Any

import tensorflow as tf

from weightedce.backends import Array
from weightedce.backends import tensorflow_namespace as namespace
from weightedce.backends.numpy import device
from weightedce.backends.tensorflow_linear import linear_by_blocks, linear_rows
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
    "linear_rows",
    "namespace",
    "read",
    "shape",
]

detach = tf.stop_gradient
FEW = 2**17  # elements: NumPy, on one core, starts in 2 us where TensorFlow takes 28


def read(flag: Array) -> bool | None:
    """Read ``flag`` if it is eager and on the CPU."""
    if not tf.executing_eagerly():
        return None
    return bool(flag) if "CPU" in flag.device else None


def extremes(array: Array) -> tuple[Any, Any] | None:
    """Return the least and the greatest element, where they can be read."""
    if not tf.executing_eagerly() or "CPU" not in array.device:
        return None
    if array.shape.num_elements() <= FEW:
        view = array.numpy()
        return view.min(), view.max()
    return tf.reduce_min(array).numpy(), tf.reduce_max(array).numpy()


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
