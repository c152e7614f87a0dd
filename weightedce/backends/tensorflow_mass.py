"""TensorFlow: softmax cross-entropy of a distribution, value and slope in few kernels.

It is `softmax.mass_with_slope`, whose selects XLA fuses into its loops; outside of XLA each is a
kernel that takes three times as long as a product. A product with 0 or 1 picks instead.
"""

from enum import Enum
from math import inf, nan
from typing import Any

import tensorflow as tf

from weightedce import softmax
from weightedce.backends import Array
from weightedce.backends.tensorflow_modes import extremes, unrecorded, xla

# Classes: up to here they go along the first axis, where TensorFlow adds up and selects faster.
FEW = 32
times = tf.math.multiply_no_nan  # loss, weight: 0 * inf = 0


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
) -> tuple[Array, Array]:
    """Return ``sum_k mass_k * (logsumexp(z) - z_k)`` and its derivative to the logits."""
    rank, fused = len(logits.shape), xla()
    to = 0 if classes <= FEW and not fused else rank - 1
    order = [i for i in range(rank) if i != axis]
    order.insert(to, axis)
    moved = order != list(range(rank))
    z, m = (tf.transpose(x, order) if moved else x for x in (logits, mass))
    shape = tf.shape(z)
    if rank != 2:
        flat = (-1, classes) if to else (classes, -1)
        z, m = tf.reshape(z, flat), tf.reshape(m, flat)
    if fused:
        value, slope = _fused(classes, z, m)
    else:
        value, slope = _few_kernels(classes, int(to > 0), seen, z, m)
    if rank != 2:
        value, slope = tf.reshape(value, shape[:-1] if to else shape[1:]), tf.reshape(slope, shape)
    return value, tf.transpose(slope, [order.index(i) for i in range(rank)]) if moved else slope


def _few_kernels(
    classes: int, axis: int, seen: Maxima | None, z: Array, mass: Array
) -> tuple[Array, Array]:
    """Return value and slope, the maximum taken out of the sums by a product with 0.

    A select, and a comparison along a long axis, take longer than to find the maximum's place.
    """
    if axis:
        place = tf.argmax(z, 1, output_type=tf.int32)
        at = tf.stack([tf.range(tf.shape(z)[0]), place], axis=1)
        highest = tf.gather_nd(z, at)[:, None]
        top = tf.one_hot(place, classes, dtype=z.dtype)
        below = tf.one_hot(place, classes, 0.0, 1.0, dtype=z.dtype)
        counted: Any = 0.0
    else:
        highest = tf.reduce_max(z, 0, keepdims=True)
        top = tf.cast(z == highest, z.dtype)
        single = tf.cast(tf.reduce_sum(top, 0, keepdims=True) == 1.0, z.dtype)
        top *= single  # of several maxima none is taken out
        below, counted = 1.0 - top, 1.0 - single

    def total(each: Array) -> Array:
        return tf.reduce_sum(each, axis, keepdims=True)

    powers, factor, behind = _powers(classes, seen, z, highest)
    powers = times(powers, below)
    rest = total(powers) * factor - counted  # of several maxima the sum is 2 at least
    rest = tf.where(tf.math.is_inf(highest) & (rest > 0.0), tf.constant(nan, z.dtype), rest)
    whole = total(mass)
    value = tf.squeeze(total(times(behind, mass)) + whole * tf.math.log1p(rest), [axis])
    mass *= below
    share = whole / (1.0 + rest)
    at_top = total(mass) - share * rest
    return value, powers * (share * factor) - mass + top * at_top


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
    if tf.config.list_logical_devices("GPU"):  # it would have to wait for the processor
        return careful()
    found: tuple[Array, Array, Array] = tf.cond(
        tf.reduce_all(by == 0.0),
        near,
        lambda: tf.cond(tf.reduce_all(tf.math.is_finite(highest)), finite, careful),
    )
    return found


def _fused(classes: int, z: Array, mass: Array) -> tuple[Array, Array]:
    """Return value and slope for XLA, with all sums but one as one product with ones.

    On the CPU XLA adds up what it has to compute one number after the other, but not products.
    """
    zero = tf.zeros((), z.dtype)
    highest = tf.reduce_max(z, 1, keepdims=True)
    by, factor = softmax.shift_of(highest, classes)
    at_top = z == highest
    powers = tf.where(at_top, zero, softmax.shifted_exp(z, by))
    others = tf.where(at_top, zero, mass)
    distance = tf.where(others == 0.0, zero, others * (highest - z))
    ties = tf.cast(at_top, z.dtype)
    rest, of_others, value, ties, whole = _totals(powers, others, distance, ties, mass)
    rest = rest * factor + (ties - 1.0)
    rest = tf.where(tf.math.is_inf(highest) & (rest > 0.0), tf.constant(nan, z.dtype), rest)
    value += whole * tf.math.log1p(rest)
    share = whole / (1.0 + rest)
    of_top = tf.where(ties == 1.0, of_others - share * rest, share - mass)
    return value[:, 0], tf.where(at_top, of_top, share * factor * powers - mass)


def _totals(*arrays: Array) -> list[Array]:
    """Return the sum of each row of each array."""
    if tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("TPU"):
        return [tf.reduce_sum(x, 1, keepdims=True) for x in arrays]  # products lose digits there
    ones = tf.ones((tf.shape(arrays[0])[1], 1), arrays[0].dtype)
    *computed, last = arrays
    sums: list[Array] = tf.split(tf.concat(computed, 0) @ ones, len(computed))
    return [*sums, last @ ones]
