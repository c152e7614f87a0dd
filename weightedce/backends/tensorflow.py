"""TensorFlow: our own namespace, since neither it nor array-api-compat has one yet."""

from typing import Any

import tensorflow as tf

from weightedce.backends import Array
from weightedce.backends import tensorflow_namespace as namespace
from weightedce.backends.numpy import device

__all__ = ["detach", "device", "namespace", "read", "shape"]

detach = tf.stop_gradient


def read(flag: Array) -> bool | None:
    """Read ``flag`` if it is eager and on the CPU."""
    if not tf.executing_eagerly():
        return None
    return bool(flag) if "CPU" in flag.device else None


def shape(array: Array) -> tuple[Any, ...]:
    """Return the shape; a size that a graph does not know yet is a 0-d integer tensor."""
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
