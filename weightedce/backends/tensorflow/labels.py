"""TensorFlow: the softmax block of labels with a derivative of its own.

Eager calls run a graph, which reuses arrays where eager TensorFlow makes a new one in every step.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import tensorflow as tf

from weightedce.backends.handed import Array
from weightedce.backends.tensorflow.adding import added
from weightedce.backends.tensorflow.modes import (
    accelerated,
    extremes,
    forward_mode,
    here,
    in_graph,
    learned,
    record,
    unrecorded,
    xla,
)
from weightedce.numerics import softmax

Composed = Callable[[Array, Array, int], Array]
# Classes: up to here they go along the first axis, where TensorFlow reduces and broadcasts three
# times as fast, and a product with the one-hot labels is faster than to scatter.
FEW = 32


def label_loss(composed: Composed, logits: Array, labels: Array, axis: int) -> Array:
    """Return ``logsumexp(z) - z_y``, composed where our form cannot be differentiated."""
    logits = tf.convert_to_tensor(logits)
    if forward_mode([logits]):
        return composed(logits, labels, axis)
    rank, classes = len(logits.shape), logits.shape[axis]
    if not tf.executing_eagerly():  # constant labels: an == of sizes 4 and None has no rank
        sizes = labels.shape.as_list()
        logits = tf.ensure_shape(logits, [*sizes[:axis], classes, *sizes[axis:]])
    to = 0 if classes <= FEW and not xla() else 1
    order = [i for i in range(rank) if i != axis]
    order.insert(0 if to == 0 else rank, axis)
    if order != list(range(rank)):
        logits = tf.transpose(logits, order)
    if rank == 2:
        return _block(composed, logits, labels, to)
    logits = tf.reshape(logits, (-1, classes) if to else (classes, -1))
    return tf.reshape(_block(composed, logits, tf.reshape(labels, (-1,)), to), tf.shape(labels))


def _block(composed: Composed, z: Array, labels: Array, axis: int) -> Array:
    loss: Array
    if tf.executing_eagerly():
        with unrecorded():
            highest = tf.reduce_max(z, axis)
            found = extremes(highest) if len(labels) else None
            near = found is not None and softmax.unshifted(*found)
            loss, *known = _formed_in_graph(z.shape[axis], axis, near)(z, labels, highest)
        if learned([z]):
            record(loss, [z], lambda up: [_gradient(composed, known, z, labels, axis, up)])
        return loss

    @tf.custom_gradient
    def block(z: Array) -> Any:
        highest = tf.reduce_max(z, axis)
        loss, *known = _formed(z.shape[axis], axis, False, z, labels, highest)
        return loss, lambda up: _gradient(composed, known, z, labels, axis, up)

    loss = block(z)
    return loss


def _gradient(
    composed: Composed, known: Sequence[Array], z: Array, labels: Array, axis: int, upstream: Array
) -> Array:
    """Return the gradient, to be differentiated as that of the composed block."""
    slope, scale = known
    if not learned([upstream, z]):
        return slope * tf.expand_dims(scale * upstream, axis)

    @tf.custom_gradient
    def formed(upstream: Array, z: Array, labels: Array, slope: Array, scale: Array) -> Any:
        def backward(above: Array) -> Any:
            return *_second(composed, z, labels, axis, upstream, above), None, None, None

        return slope * tf.expand_dims(scale * upstream, axis), backward

    gradient: Array = formed(*here(upstream, z, labels, slope, scale))
    return gradient


def _formed(
    classes: int, axis: int, near: bool, z: Array, labels: Array, highest: Array
) -> tuple[Array, Array, Array]:
    """Return the loss, its derivative but for a factor of the row, and that factor.

    The derivative at the label, p_y - 1, is minus the sum of the other classes.
    """
    z.set_shape([None, classes] if axis else [classes, None])  # an eager call's graph knows none
    if near:
        ratios, factor = tf.exp(z), tf.exp(-highest)
    else:
        by, rest_of_shift = softmax.shift_of(tf.expand_dims(highest, axis), classes)
        ratios = softmax.shifted_exp(z, by) * rest_of_shift
        factor = tf.ones_like(highest)
    # an accelerator fuses comparisons with what is added up, and scatters by a kernel of its own
    compares = classes <= FEW or (xla() and accelerated())
    if compares:
        hit = tf.one_hot(labels, classes, axis=axis, dtype=z.dtype)
    if axis == 0:
        logit = tf.reduce_sum(tf.math.multiply_no_nan(z, hit), 0)  # 0 * inf = 0
    else:
        labels = tf.cast(labels, tf.int32)  # vectorized_map refuses places of int64
        places = tf.stack([tf.range(tf.shape(z)[0]), labels], axis=1)
        logit = tf.gather_nd(z, places)
    if compares:
        elsewhere = tf.one_hot(labels, classes, 0.0, 1.0, axis=axis, dtype=z.dtype)
        ratios = tf.math.multiply_no_nan(ratios, elsewhere)  # of one class it may be NaN
        others = added(ratios, axis)
        slope = ratios - hit * tf.expand_dims(others, axis)
    else:  # not -inf into the logits, which takes XLA half as long again
        ratios = tf.tensor_scatter_nd_update(ratios, places, tf.zeros_like(highest))
        others = added(ratios, 1)
        slope = tf.tensor_scatter_nd_update(ratios, places, -others)
    found = softmax.label_loss(logit, highest, factor * others, finite=near)
    return found.loss, slope, factor * found.scale


@cache
def _formed_in_graph(classes: int, axis: int, near: bool) -> Callable[..., Sequence[Array]]:
    return in_graph(partial(_formed, classes, axis, near))


def _second(
    composed: Composed, z: Array, labels: Array, axis: int, upstream: Array, above: Array
) -> tuple[Array, Array]:
    """Return what the gradient passes on to ``upstream`` and to the logits."""
    with tf.GradientTape() as outer:
        outer.watch([z, upstream])
        with tf.GradientTape() as inner:
            inner.watch(z)
            loss = composed(z, labels, axis)
        gradient = inner.gradient(loss, z, upstream)
    to_z, to_upstream = outer.gradient(gradient, [z, upstream], above)
    return to_upstream, to_z
