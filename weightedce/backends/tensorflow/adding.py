"""TensorFlow: long sums. XLA adds one by one, and others do so but along the last axis.

There they add in lanes, as a tree of leaves so long that equal numbers are off by 32 ulp: as far
as pairs err for all elements of a batch, but not for the classes of each row.
"""

from collections.abc import Sequence

import tensorflow as tf

from weightedce.backends.adding import PIECE, folded, in_pieces, spread_in_pieces
from weightedce.backends.handed import Array
from weightedce.backends.tensorflow import namespace
from weightedce.backends.tensorflow.modes import sizes, xla

LANES = 1024  # classes that TensorFlow adds in lanes: 4 ulp
WIDE = 1024  # classes that one product with ones adds up: equal shares are off by 14 ulp
PART = 128  # classes in each of several products: of 128,000 by 21 ulp, and by 220 if it were WIDE
DEPTH = 3  # how often an axis of unknown size is folded: 64 ** 4 is 17 million


def added(array: Array, axis: int | None = None, *, keepdims: bool = False) -> Array:
    """Return the sum over an axis or of all elements, as `Backend.sum` promises it."""
    last = len(array.shape) - 1
    if axis is None:
        if not xla():
            return tf.reduce_sum(array, axis, keepdims)
        array, axis = tf.reshape(array, (-1,)), 0
    axis %= len(array.shape)
    size = array.shape[axis]
    if size is not None and axis == last and size <= LANES and not xla():
        return tf.reduce_sum(array, axis, keepdims)
    if array.shape.is_fully_defined():
        return in_pieces(namespace, array, axis, keepdims)
    found = _of_unknown_size(array, axis, DEPTH)
    return tf.expand_dims(found, axis) if keepdims else found


def _of_unknown_size(array: Array, axis: int, depth: int) -> Array:
    """Return the sum over an axis; XLA knows all sizes in the end."""
    size = array.shape[axis]
    if depth == 0 or (size is not None and size <= PIECE):
        return tf.reduce_sum(array, axis)
    pieces, left = folded(namespace, array, sizes(array), axis)
    total = _of_unknown_size(tf.reduce_sum(pieces, axis), axis, depth - 1)
    return total + tf.reduce_sum(left, axis)


def spread(rows: Array, size: int, axis: int) -> Array:
    """Return one number a row for so many classes, which autodiff adds up as `added` does."""
    if size <= (PIECE if xla() else LANES):
        return rows
    return spread_in_pieces(namespace, rows, sizes(rows), size, axis)


def by_products(arrays: Sequence[Array]) -> Sequence[Array]:
    """Return the sum of each array over its last axis, which stays, of size 1."""
    stacked, classes = tf.stack(arrays), arrays[0].shape[-1]
    whole = 0 if classes <= WIDE else classes - classes % PART
    total = stacked[..., whole:] @ tf.ones((classes - whole, 1), stacked.dtype)
    if whole:
        rows = tf.concat([tf.shape(stacked)[:-1], [whole // PART, PART]], axis=0)
        parts = tf.reshape(stacked[..., :whole], rows) @ tf.ones((PART, 1), stacked.dtype)
        total += added(tf.squeeze(parts, [-1]), -1, keepdims=True)
    found: Sequence[Array] = tf.unstack(total)
    return found
