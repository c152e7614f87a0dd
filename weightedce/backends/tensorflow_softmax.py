"""TensorFlow: the softmax block of labels with a derivative of its own.

Eager calls run a graph, which reuses arrays where eager TensorFlow makes a new one in every step.
"""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from weightedce import softmax
from weightedce.backends import Array
from weightedce.backends.tensorflow_modes import forward_mode

Composed = Callable[[Array, Array, int], Array]


def label_log_softmax(composed: Composed, logits: Array, labels: Array, axis: int) -> Any:
    """Return ``logsumexp(z) - z_y``, or None where that cannot be differentiated."""
    logits = tf.convert_to_tensor(logits)
    if forward_mode([logits]):
        return None
    last = len(logits.shape) - 1
    if axis != last:
        logits = tf.transpose(logits, [i for i in range(last + 1) if i != axis] + [axis])
    labels = tf.cast(labels, tf.int64)
    rows = tf.reshape(logits, (-1, logits.shape[-1]))
    loss = _block(composed, rows, tf.reshape(labels, (-1,)))
    return tf.reshape(loss, tf.shape(labels))


def _block(composed: Composed, rows: Array, labels: Array) -> Array:
    @tf.custom_gradient
    def block(rows: Array) -> Any:
        formed = _formed_in_graph if tf.executing_eagerly() else _formed
        loss, ratios, scale, at_label = formed(rows, labels)

        @tf.custom_gradient
        def backward(upstream: Array, rows: Array) -> Any:
            scaled = _scaled_in_graph if tf.executing_eagerly() else _scaled
            gradient = scaled(ratios, scale, at_label, labels, upstream)
            return gradient, lambda above: _second(composed, rows, labels, upstream, above)

        return loss, lambda upstream: backward(upstream, rows)

    loss: Array = block(rows)
    return loss


def _formed(rows: Array, labels: Array) -> tuple[Array, ...]:
    """Return the loss, ``exp(z_k - max z)`` with 0 for the label, and the derivative's factors."""
    highest = tf.reduce_max(rows, -1, keepdims=True)
    by, factor = softmax.shift_of(highest, rows.shape[-1])
    ratios = softmax.shifted_exp(rows, by) * factor
    places, highest = _places(labels), highest[:, 0]
    ratios = tf.tensor_scatter_nd_update(ratios, places, tf.zeros_like(highest))
    logit = tf.gather_nd(rows, places)
    rest = softmax.rest_of(logit, highest, tf.reduce_sum(ratios, -1))
    found = softmax.label_loss(logit, highest, rest)
    return found.loss, ratios, found.scale, found.at_label


def _scaled(ratios: Array, scale: Array, at_label: Array, labels: Array, upstream: Array) -> Array:
    """Return the gradient."""
    gradient = ratios * (scale * upstream)[:, None]
    return tf.tensor_scatter_nd_update(gradient, _places(labels), at_label * upstream)


_formed_in_graph = tf.function(_formed, reduce_retracing=True)
_scaled_in_graph = tf.function(_scaled, reduce_retracing=True)


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
