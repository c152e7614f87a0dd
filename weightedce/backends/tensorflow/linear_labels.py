"""TensorFlow: softmax cross-entropy of labels and its derivative, in the place of the logits.

It is `Head.slope` for the most common targets, in six passes over the logits instead of thirty. An
operation of TensorFlow writes to the place of an array that no other is waiting for; so whatever
else reads the logits comes first.
"""

from typing import Any

import tensorflow as tf

from weightedce.backends.handed import Array, Head
from weightedce.backends.tensorflow.adding import added
from weightedce.backends.tensorflow.modes import xla


def slope(head: Head, logits: Array, rows: Any, shared: Any) -> tuple[Any, Array]:
    """Return the sums, and the derivative to the logits."""
    b = head.batch(head.capped(logits), rows, shared)
    z, labels = b.logits, tf.cast(b.labels, tf.int32)
    highest, logit = tf.reduce_max(z, axis=1), tf.gather(tf.reshape(z, [-1]), _places(z, labels))
    shift = _unknown(tf.clip_by_value(highest, z.dtype.min, z.dtype.max))
    with tf.control_dependencies([logit]):
        e = tf.exp(tf.minimum(z - shift[:, None], 0.0))  # 1 at +inf
    e = _put(e, labels, tf.zeros_like(logit))
    found = head.of_label(b, logit, highest, added(e, 1))
    derivative = _put(e * found.scale[:, None], labels, found.at_label)
    with tf.control_dependencies([derivative]):
        cap_slope = head.cap_slope(logits)
        if cap_slope is not None:
            derivative *= cap_slope
    return head.sums(found.loss, b), derivative


def _unknown(array: Array) -> Array:
    """Return the array plus a 0 that no graph knows.

    What comes of it is never made a constant, nor shared with an equal array, so `_put` may write.
    """
    return array if xla() else array + tf.raw_ops.Empty(shape=(), dtype=array.dtype, init=True)


def _places(array: Array, labels: Array) -> Array:
    """Return the place of each row's label, counted row by row."""
    return tf.range(tf.shape(array)[0]) * array.shape[1] + labels


def _put(array: Array, labels: Array, values: Array) -> Array:
    """Write a number for the label of each row: in place, and in XLA where it is fused."""
    values = values[:, None]
    if xla():
        return tf.where(tf.range(array.shape[1]) == labels[:, None], values, array)
    flat = tf.reshape(array, (-1, 1))
    # tensor_scatter_nd_update copies the array
    flat = tf.raw_ops.InplaceUpdate(x=flat, i=_places(array, labels), v=values)
    return tf.reshape(flat, tf.shape(array))
