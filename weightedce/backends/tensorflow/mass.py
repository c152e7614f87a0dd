"""TensorFlow: softmax cross-entropy of a distribution, value and slope in few kernels.

It is `mass_with_slope` of the numerics, whose selects XLA fuses into its loops; outside of XLA each
is a kernel that takes two to three times as long as a product. Of few classes a product with 0 or 1
picks instead; of many, numbers are written in their places.
"""

from enum import Enum
from math import inf

import tensorflow as tf

from weightedce.backends.handed import Array
from weightedce.backends.tensorflow.adding import added
from weightedce.backends.tensorflow.modes import accelerated, extremes, unrecorded, xla
from weightedce.numerics import mass as block
from weightedce.numerics import softmax

# Classes: up to here they go along the first axis, where TensorFlow adds up and selects faster.
FEW = 32
MOST = 2**31  # logits whose places an integer of 32 bits counts
no_nan = tf.math.multiply_no_nan  # of a loss and its weight: 0 * inf = 0


class Maxima(Enum):
    """What is known about the maximum of each row of logits."""

    NEAR = "near"  # exponentials need no shift
    FINITE = "finite"
    ANY = "any"


def look(logits: Array, axis: int) -> Maxima | None:
    """Return what eager code sees of the row maxima, None in a graph."""
    if not tf.executing_eagerly():
        return None
    with unrecorded():
        highest = tf.reduce_max(logits, axis)
        found = extremes(highest) if highest.shape.num_elements() else None
    if found is None or not (found[0] > -inf and found[1] < inf):
        return Maxima.ANY
    return Maxima.NEAR if softmax.unshifted(*found) else Maxima.FINITE


def mass_with_slope(
    axis: int, classes: int, seen: Maxima | None, logits: Array, mass: Array, _: bool
) -> tuple[Array, Array | None]:
    """Return ``sum_k mass_k * (logsumexp(z) - z_k)`` and its derivative to the logits."""
    if xla():
        return block.mass_with_slope(axis, classes, logits, mass, True)
    rank = len(logits.shape)
    to = 0 if classes <= FEW else rank - 1
    order = [i for i in range(rank) if i != axis]
    order.insert(to, axis)
    moved = order != list(range(rank))
    z, m = (tf.transpose(x, order) if moved else x for x in (logits, mass))
    shape = tf.shape(z)
    if rank != 2:
        flat = (-1, classes) if to else (classes, -1)
        z, m = tf.reshape(z, flat), tf.reshape(m, flat)
    for array in (z, m):  # of an eager call no size is known: each sum would be one for any number
        array.set_shape([None, classes] if to else [classes, None])
    value, slope = _few_kernels(classes, int(to > 0), seen, z, m)
    if rank != 2:
        value, slope = tf.reshape(value, shape[:-1] if to else shape[1:]), tf.reshape(slope, shape)
    return value, tf.transpose(slope, [order.index(i) for i in range(rank)]) if moved else slope


def _few_kernels(
    classes: int, axis: int, seen: Maxima | None, z: Array, mass: Array
) -> tuple[Array, Array]:
    """Return value and slope of (N, K), or of (K, N)."""
    return (_in_place if axis else _by_products)(classes, seen, z, mass)


def _in_place(classes: int, seen: Maxima | None, z: Array, mass: Array) -> tuple[Array, Array]:
    """Return value and slope, numbers of the maximum written where it is.

    A one-hot array of it takes half as long as all exponentials, and each product with one more.
    """
    rows = tf.shape(z)[0]
    top = tf.argmax(z, 1, output_type=tf.int32)
    few = tf.debugging.assert_less(
        tf.size(z, tf.int64), tf.constant(MOST, tf.int64), "logits: expected fewer than 2**31"
    )
    with tf.control_dependencies([few]):  # places are of 32 bits
        places = tf.range(rows) * classes + top

    def at_top(array: Array) -> Array:
        return tf.gather(tf.reshape(array, (-1, 1)), places)

    def put(array: Array, numbers: Array) -> Array:
        flat = tf.reshape(array, (-1, 1))
        # of an array that is nobody else's: tensor_scatter_nd_update copies it
        flat = tf.raw_ops.InplaceUpdate(x=flat, i=places, v=numbers)
        return tf.reshape(flat, tf.shape(array))

    def total(each: Array) -> Array:
        return added(each, 1, keepdims=True)

    highest = at_top(z)
    none = tf.zeros_like(highest)
    # a copy is stateful, so no graph has these products elsewhere too: it had -mass, written to
    one = tf.raw_ops.DeepCopy(x=tf.ones((), z.dtype))
    powers, factor, behind = _powers(classes, seen, z, highest)
    powers = put(powers * (one * factor), none)
    rest = softmax.defined(total(powers), highest)
    whole, of_top = total(mass), at_top(mass)
    value = tf.squeeze(total(no_nan(behind, mass)) + whole * tf.math.log1p(rest), [1])
    share = whole / (1.0 + rest)
    less = put(mass * -one, none)
    near = rest < 1.0  # the maximum has most of the probability
    slope_at_top = tf.where(near, -total(less) - share * rest, share - of_top)
    return value, put(powers * share + less, slope_at_top)


def _by_products(classes: int, seen: Maxima | None, z: Array, mass: Array) -> tuple[Array, Array]:
    """Return value and slope of (K, N), the maximum taken out of the sums by a product with 0.

    A select takes longer.
    """
    highest = tf.reduce_max(z, 0, keepdims=True)
    top = tf.cast(z == highest, z.dtype)
    single = tf.cast(tf.reduce_sum(top, 0, keepdims=True) == 1.0, z.dtype)
    top *= single  # of several maxima none is taken out

    def total(each: Array) -> Array:
        return added(each, 0, keepdims=True)

    powers, factor, behind = _powers(classes, seen, z, highest)
    powers = no_nan(powers, 1.0 - top)
    # of several maxima the sum is 2 at least
    rest = softmax.defined(total(powers) * factor - (1.0 - single), highest)
    whole = total(mass)
    value = tf.squeeze(total(no_nan(behind, mass)) + whole * tf.math.log1p(rest), [0])
    share = whole / (1.0 + rest)
    near = tf.cast(rest < 1.0, z.dtype)  # the maximum has most of the probability
    mass *= 1.0 - top * near
    at_top = near * (total(mass) - share * rest) + (1.0 - near) * share
    # not share * factor first, which for small weights would be an underflow
    return value, powers * factor * share - mass + top * at_top


def _powers(
    classes: int, seen: Maxima | None, z: Array, highest: Array
) -> tuple[Array, Array, Array]:
    """Return exp(z_k - max z) but for a factor of the row, that factor, and max z - z_k."""
    by, factor = softmax.shift_of(highest, classes)

    def near() -> tuple[Array, Array, Array]:
        return tf.exp(z), tf.exp(-highest), highest - z

    def finite() -> tuple[Array, Array, Array]:
        return tf.exp(z - by), factor, highest - z

    def careful() -> tuple[Array, Array, Array]:
        return softmax.shifted_exp(z, by), factor, softmax.distance(z, highest)

    if seen is not None:
        return {Maxima.NEAR: near, Maxima.FINITE: finite, Maxima.ANY: careful}[seen]()
    if accelerated():  # it would have to wait for the processor
        return careful()
    found: tuple[Array, Array, Array] = tf.cond(
        tf.reduce_all(by == 0.0),
        near,
        lambda: tf.cond(tf.reduce_all(tf.math.is_finite(highest)), finite, careful),
    )
    return found
