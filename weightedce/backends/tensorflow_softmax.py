"""TensorFlow: the softmax block of labels with a derivative of its own.

Eager calls run a graph, which reuses arrays where eager TensorFlow makes a new one in every step.
"""

from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import Any

import tensorflow as tf

from weightedce import softmax
from weightedce.backends import Array
from weightedce.backends.tensorflow_modes import (
    forward_mode,
    in_graph,
    learned,
    record,
    unrecorded,
)

Composed = Callable[[Array, Array, int], Array]
FEW = 32  # classes: up to here a product with the one-hot labels is faster than to scatter


def label_log_softmax(composed: Composed, logits: Array, labels: Array, axis: int) -> Any:
    """Return ``logsumexp(z) - z_y``, or None where that cannot be differentiated."""
    logits = tf.convert_to_tensor(logits)
    if forward_mode([logits]):
        return None
    last = len(logits.shape) - 1
    if axis != last:
        logits = tf.transpose(logits, [i for i in range(last + 1) if i != axis] + [axis])
    labels = tf.cast(labels, tf.int64)
    if last == 1:
        return _block(composed, logits, labels)
    rows = tf.reshape(logits, (-1, logits.shape[-1]))
    loss = _block(composed, rows, tf.reshape(labels, (-1,)))
    return tf.reshape(loss, tf.shape(labels))


def _block(composed: Composed, rows: Array, labels: Array) -> Array:
    loss: Array
    if tf.executing_eagerly():
        with unrecorded():
            loss, *known = _formed_in_graph(rows.shape[-1])(rows, labels)
        if learned([rows]):
            record(loss, [rows], lambda up: [_gradient(composed, known, rows, labels, up)])
        return loss

    @tf.custom_gradient
    def block(rows: Array) -> Any:
        loss, *known = _formed(rows.shape[-1], rows, labels)
        return loss, lambda up: _gradient(composed, known, rows, labels, up)

    loss = block(rows)
    return loss


def _gradient(
    composed: Composed, known: Sequence[Array], rows: Array, labels: Array, upstream: Array
) -> Array:
    """Return the gradient, to be differentiated as that of the composed block."""
    ratios, scale, at_label = known
    given = ratios, scale, at_label, labels
    if not learned([upstream, rows]):
        return _scaled_in_graph(rows.shape[-1])(*given, upstream)[0]

    @tf.custom_gradient
    def formed(upstream: Array, rows: Array) -> Any:
        gradient = _scaled(rows.shape[-1], *given, upstream)[0]
        return gradient, lambda above: _second(composed, rows, labels, upstream, above)

    gradient: Array = formed(upstream, rows)
    return gradient


def _formed(classes: int, rows: Array, labels: Array) -> tuple[Array, ...]:
    """Return the loss, ``exp(z_k - max z)`` with 0 for the label, and the derivative's factors."""
    highest = tf.reduce_max(rows, -1, keepdims=True)
    by, factor = softmax.shift_of(highest, classes)
    logit, highest = tf.gather_nd(rows, _places(labels)), highest[:, 0]
    ratios = softmax.shifted_exp(rows, by) * factor
    if classes <= FEW:
        ratios *= tf.one_hot(labels, classes, 0.0, 1.0, dtype=rows.dtype)
    else:  # not -inf into the logits, which takes XLA half as long again
        ratios = tf.tensor_scatter_nd_update(ratios, _places(labels), tf.zeros_like(highest))
    rest = softmax.rest_of(logit, highest, tf.reduce_sum(ratios, -1))
    found = softmax.label_loss(logit, highest, rest)
    return found.loss, ratios, found.scale, found.at_label


def _scaled(
    classes: int, ratios: Array, scale: Array, at_label: Array, labels: Array, upstream: Array
) -> tuple[Array]:
    """Return the gradient."""
    gradient, to_label = ratios * (scale * upstream)[:, None], at_label * upstream
    if classes <= FEW:
        return (gradient + tf.one_hot(labels, classes, dtype=ratios.dtype) * to_label[:, None],)
    return (tf.tensor_scatter_nd_update(gradient, _places(labels), to_label),)


@cache
def _formed_in_graph(classes: int) -> Callable[..., Sequence[Array]]:
    return in_graph(partial(_formed, classes))


@cache
def _scaled_in_graph(classes: int) -> Callable[..., Sequence[Array]]:
    return in_graph(partial(_scaled, classes))


def _places(labels: Array) -> Array:
    return tf.stack([tf.range(tf.shape(labels, tf.int64)[0]), labels], axis=1)


def _second(
    composed: Composed, rows: Array, labels: Array, upstream: Array, above: Array
) -> tuple[Array, Array]:
    """Return what the gradient passes on to ``upstream`` and to the logits."""
    with tf.GradientTape() as outer:
        outer.watch([rows, upstream])
        with tf.GradientTape() as inner:
            inner.watch(rows)
            loss = composed(rows, labels, 1)
        gradient = inner.gradient(loss, rows, upstream)
    to_rows, to_upstream = outer.gradient(gradient, [rows, upstream], above)
    return to_upstream, to_rows
