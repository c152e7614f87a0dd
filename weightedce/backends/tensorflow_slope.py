"""TensorFlow: the softplus block with a derivative of its own."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from weightedce import stable
from weightedce.backends import Array
from weightedce.backends.tensorflow_modes import forward_mode, learned

Composed = Callable[..., Array]


def attach(composed: Composed, sloped: Any, logits: Array, *factors: Array) -> Array:
    """Return ``composed(logits, *factors)`` in few passes."""
    logits = tf.convert_to_tensor(logits)
    if sloped is not stable.sloped_softplus or forward_mode([logits, *factors]):
        return composed(logits, *factors)
    learn = learned(factors)  # what nobody asks for costs time in eager code

    @tf.custom_gradient
    def block(logits: Array, *factors: Array) -> Any:
        value, slope = _sloped_softplus(logits, *factors)

        def backward(upstream: Array) -> Any:
            return _gradients(composed, slope, learn, upstream, logits, *factors)

        return value, backward

    value: Array = block(logits, *factors)
    return value


def _sloped_softplus(logits: Array, positive: Array, negative: Array) -> tuple[Array, Array]:
    """Return ``positive * softplus(-z) + negative * softplus(z)`` and its slope."""
    above, distance = logits > 0, tf.abs(logits)
    fading = tf.exp(-distance)
    value = (positive + negative) * tf.math.log1p(fading)
    value += tf.math.multiply_no_nan(distance, tf.where(above, negative, positive))  # 0 * inf = 0
    rising = tf.where(above, negative - positive * fading, negative * fading - positive)
    return value, rising / (1.0 + fading)


def _gradients(
    composed: Composed, slope: Array, learn: bool, upstream: Array, *arrays: Array
) -> tuple[Array | None, ...]:
    """Return the gradients to logits and factors, to be differentiated as the composed block."""

    def of_composed(upstream: Array, *arrays: Array) -> list[Array]:
        with tf.GradientTape() as tape:
            tape.watch(arrays)
            value = composed(*arrays)
        wanted = arrays if learn else arrays[:1]
        found: list[Array] = tape.gradient(value, wanted, upstream)
        return found

    @tf.custom_gradient
    def formed(upstream: Array, *arrays: Array) -> Any:
        gradients = [slope * upstream]
        if learn:
            gradients += of_composed(upstream, *arrays)[1:]

        def backward(*above: Array) -> Any:
            with tf.GradientTape() as tape:
                tape.watch([upstream, *arrays])
                gradients = of_composed(upstream, *arrays)
            return tape.gradient(
                gradients, [upstream, *arrays], above, unconnected_gradients="zero"
            )

        return gradients, backward

    found = formed(upstream, *arrays)
    return (*found, *(None,) * (len(arrays) - len(found)))
