"""Whether a loss is being learned from, and state that moves only then.

Keras tells a loss nothing of it: `evaluate` and validation call it as `fit` does. But only `fit`
differentiates, and each backend shows that in its own way.
"""

from collections.abc import Callable, Sequence
from typing import Any

import keras
from keras import backend
from keras.src.backend.common.stateless_scope import get_stateless_scope, in_stateless_scope
from keras.src.backend.common.symbolic_scope import in_symbolic_scope

from weightedce.backends import Array


def is_attached(variable: keras.Variable) -> bool:
    """Tell whether what is assigned to a variable now is kept; where nothing runs, it need not."""
    if in_symbolic_scope() or not in_stateless_scope():
        return True
    return get_stateless_scope().get_current_value(variable) is not None


def when_differentiated(
    loss: Array, y_pred: Array, variables: Sequence[keras.Variable], values: Sequence[Array]
) -> Array:
    """Return the loss; where it is differentiated by ``y_pred``, the variables take the values."""
    if backend.backend() == "tensorflow":
        return _in_the_gradient(loss, variables, values)
    if backend.backend() == "torch":
        learned = bool(y_pred.requires_grad)  # not under no_grad, where nothing does
    else:  # JAX: what is differentiated is a pair of value and tangent
        learned = hasattr(y_pred, "primal")
    if learned:
        for variable, value in zip(variables, values, strict=True):
            variable.assign(value)
    return loss


def _in_the_gradient(
    loss: Array, variables: Sequence[keras.Variable], values: Sequence[Array]
) -> Array:
    """Return the loss as TensorFlow's, with a gradient that assigns when it is asked for."""
    import tensorflow as tf  # noqa: PLC0415 - no other backend of Keras has it

    @tf.custom_gradient
    def identity(loss: Array, *values: Array) -> tuple[Array, Callable[..., Any]]:
        def gradient(upstream: Array) -> tuple[Array | None, ...]:
            for variable, value in zip(variables, values, strict=True):
                variable.assign(value)
            return upstream, *(None for _ in values)

        return tf.identity(loss), gradient

    found: Array = identity(loss, *values)
    return found
