"""TensorFlow: long sums. XLA adds one by one, and graphs do so but along the last axis."""

from collections.abc import Sequence

import tensorflow as tf

from weightedce.backends.adding import PIECE, folded, in_pieces
from weightedce.backends.handed import Array
from weightedce.backends.tensorflow import namespace
from weightedce.backends.tensorflow.modes import xla

WIDE = 1024  # classes in one product with ones: 3 ulp; of 128,000 at once 20
DEPTH = 3  # how often an axis of unknown size is folded: 64 ** 4 is 17 million


def added(array: Array, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """Return the sum over an axis or of all elements, as `Backend.sum` promises it."""
    last = len(array.shape) - 1
    if not xla():
        if axis is None or axis % (last + 1) == last:
            return tf.reduce_sum(array, axis, keepdims)
        if array.shape[axis] is None:  # the last axis is the one that is added pairwise
            order = [*(i for i in range(last + 1) if i != axis), axis]
            found = tf.reduce_sum(tf.transpose(array, order), last)
            return tf.expand_dims(found, axis) if keepdims else found
    elif axis is None:
        array, axis = tf.reshape(array, (-1,)), 0
    axis %= len(array.shape)
    if array.shape.is_fully_defined():
        return in_pieces(namespace, array, axis, keepdims)
    found = _of_unknown_size(array, axis, DEPTH)
    return tf.expand_dims(found, axis) if keepdims else found


def _of_unknown_size(array: Array, axis: int, depth: int) -> Array:
    """Return the sum over an axis; XLA knows all sizes in the end."""
    size = array.shape[axis]
    if depth == 0 or (size is not None and size <= PIECE):
        return tf.reduce_sum(array, axis)
    dynamic = tf.unstack(tf.shape(array), num=len(array.shape))
    known = zip(array.shape.as_list(), dynamic, strict=True)
    shape = tuple(unknown if n is None else n for n, unknown in known)
    pieces, left = folded(namespace, array, shape, axis)
    total = _of_unknown_size(tf.reduce_sum(pieces, axis), axis, depth - 1)
    return total + tf.reduce_sum(left, axis)


def by_products(arrays: Sequence[Array]) -> Sequence[Array]:
    """Return the sum of each array over its last axis, which stays, of size 1."""
    stacked, classes = tf.stack(arrays), arrays[0].shape[-1]
    whole = classes - classes % WIDE
    total = stacked[..., whole:] @ tf.ones((classes - whole, 1), stacked.dtype)
    if whole:
        rows = tf.concat([tf.shape(stacked)[:-1], [whole // WIDE, WIDE]], axis=0)
        parts = tf.reshape(stacked[..., :whole], rows) @ tf.ones((WIDE, 1), stacked.dtype)
        total += added(tf.squeeze(parts, [-1]), -1, keepdims=True)
    found: Sequence[Array] = tf.unstack(total)
    return found
