"""From what a Keras model gives, probabilities by default, to the logits that the losses take."""

import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

from keras import backend, config, ops

from weightedce.backends import Array
from weightedce.calibration.link import logit


class Precision(NamedTuple):
    """Distance from 1 to the next number, and the least number with all digits."""

    eps: float
    smallest_normal: float


PRECISIONS = {  # a table, since not every library's finfo knows bfloat16
    "bfloat16": Precision(2.0**-7, 2.0**-126),
    "float16": Precision(2.0**-10, 2.0**-14),
    "float32": Precision(2.0**-23, 2.0**-126),
    "float64": Precision(2.0**-52, 2.0**-1022),
}
# Below this a probability's slope, 1 / p, is that of the clipped value: it must stay finite.
LEAST = 1e-30


def sigmoid_logits(y_pred: Any, dtype: str, *, from_logits: bool, exact: bool) -> Array:
    """Return the logits of independent probabilities, or of ``y_pred`` that is logits already.

    ``exact``: probabilities are not clipped at ``keras.config.epsilon()``, for bounded losses.
    """
    given = ops.convert_to_tensor(y_pred)
    p = ops.cast(given, dtype)
    linked = p if from_logits else _linked(p, given.dtype, exact=exact, high=True, link=logit)
    return _seen(y_pred, linked, "Sigmoid", ops.sigmoid, last=True, from_logits=from_logits)


def softmax_logits(y_pred: Any, dtype: str, *, axis: int, from_logits: bool, exact: bool) -> Array:
    """Return the logits of a distribution along ``axis``, or ``y_pred`` that is logits already."""
    given = ops.convert_to_tensor(y_pred)
    p = ops.cast(given, dtype)
    if not from_logits:
        # a constant: the softmax of the losses takes away what its derivative would give
        total = ops.stop_gradient(ops.sum(p, axis=axis, keepdims=True))
        p = p / ops.where(total > 0, total, ops.ones_like(total))
        p = _linked(p, given.dtype, exact=exact, high=False, link=ops.log)

    def activation(logits: Array) -> Array:
        return ops.softmax(logits, axis=axis)

    last = axis in (-1, len(p.shape) - 1)
    return _seen(y_pred, p, "Softmax", activation, last=last, from_logits=from_logits)


def _linked(
    p: Array, dtype: Any, *, exact: bool, high: bool, link: Callable[[Array], Array]
) -> Array:
    """Return ``link(p)`` with the value of the clipped p where p is saturated.

    The slope there is that of p itself: times the slope of the activation that gave p, it is
    what the logits would have had. ``clip`` alone has slope 0.
    """
    computed, given = _precision(p.dtype), _precision(dtype)
    low = LEAST if exact else config.epsilon()
    steepest = max(LEAST, given.smallest_normal)  # 1 / p goes back in the dtype of y_pred
    spacing = max(computed.eps, given.eps) / 2
    top = 1.0 - max(low, computed.eps / 2) if high else float("inf")

    inside = (p >= max(low, steepest)) & (p <= min(top, 1.0 - spacing if high else top))
    ordinary = link(ops.where(inside, p, ops.full_like(p, 0.5)))

    value = ops.stop_gradient(link(ops.clip(p, low, top)))
    clipped = ops.full_like(p, max(low, steepest))
    at = ops.where(p >= steepest, ops.minimum(p, 1.0 - spacing) if high else p, clipped)
    slope = 1.0 / (at * (1.0 - at)) if high else 1.0 / at
    saturated = value + (p - ops.stop_gradient(p)) * ops.stop_gradient(slope)
    return ops.where(inside, ordinary, saturated)


def _seen(
    y_pred: Any,
    otherwise: Array,
    name: str,
    activation: Callable[[Array], Array],
    *,
    last: bool,
    from_logits: bool,
) -> Array:
    """Return the logits that Keras left on ``y_pred`` if they give it, else ``otherwise``.

    Keras does not say which activation it was, nor along which axis: applying the one that the
    loss assumes tells, inside a compiled step too. A TensorFlow graph says it itself.
    """
    logits = getattr(y_pred, "_keras_logits", None)
    operation: Any = getattr(y_pred, "op", None)
    kind = getattr(operation, "type", None)
    if logits is None and kind == name and len(operation.inputs) == 1:
        logits = operation.inputs[0]
    if logits is None:
        return otherwise
    if from_logits:
        warnings.warn(
            f"from_logits=True, but y_pred is what an activation made of logits, and no logits "
            f"itself: expected a model without {name.lower()} at its end, or from_logits=False",
            stacklevel=2,
        )
    if tuple(logits.shape) != tuple(y_pred.shape) or {kind, name} == {"Sigmoid", "Softmax"}:
        return otherwise
    z = ops.cast(logits, otherwise.dtype)
    if kind == name and last:
        return z
    return ops.where(_equal(activation(logits), y_pred, otherwise.dtype), z, otherwise)


def _equal(ours: Array, theirs: Array, dtype: Any) -> Array:
    """Tell, as a 0-d boolean array, whether two arrays are the same up to rounding."""
    limits = _precision(theirs.dtype)
    a, b = ops.cast(ours, dtype), ops.cast(theirs, dtype)
    allowed = max(1e-3, 8 * limits.eps) * ops.maximum(a, b) + limits.smallest_normal
    return ops.logical_not(ops.any(ops.abs(a - b) > allowed))  # so that NaN does not differ


def _precision(dtype: Any) -> "Precision":
    """Return the limits of a dtype; those of float32 for what is not floating-point."""
    return PRECISIONS.get(backend.standardize_dtype(dtype), PRECISIONS["float32"])
