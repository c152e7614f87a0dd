"""The part of the array API standard that the losses use, over TensorFlow.

Names, arguments and semantics are the standard's (2024.12), no more: tests hold each function
to array_api_strict. Operators are the tensors' own. Shapes may contain 0-d integer tensors
where a graph does not know a size yet.
"""

import math
from collections.abc import Sequence
from math import inf, nan
from types import SimpleNamespace
from typing import Any

import tensorflow as tf

from weightedce.backends.handed import Array

__all__ = ["inf", "nan"]

float32, float64 = tf.float32, tf.float64
int32, int64 = tf.int32, tf.int64
bool = tf.bool  # noqa: A001 - the standard's name

abs, floor, sign, exp, expm1, tanh, log, log1p = (  # noqa: A001 - the standard's names
    tf.math.abs,
    tf.math.floor,
    tf.math.sign,
    tf.math.exp,
    tf.math.expm1,
    tf.math.tanh,
    tf.math.log,
    tf.math.log1p,
)
minimum, maximum = tf.math.minimum, tf.math.maximum
zeros_like, ones_like = tf.zeros_like, tf.ones_like


def finfo(dtype: Any, /) -> Any:
    """Return the limits of a floating-point dtype."""
    limits = tf.experimental.numpy.finfo(dtype)
    return SimpleNamespace(
        max=float(limits.max), eps=float(limits.eps), smallest_normal=float(limits.tiny)
    )


def asarray(obj: Any, /, *, dtype: Any = None, device: Any = None) -> Array:
    """Convert lists, scalars and tensors; Python floats are float32, integers int64."""
    with tf.device(device):
        if hasattr(obj, "dtype"):
            return tf.convert_to_tensor(obj) if dtype is None else tf.cast(obj, dtype)
        if dtype is None:
            probe = tf.convert_to_tensor(obj)
            dtype = tf.int64 if probe.dtype.is_integer else probe.dtype
        if dtype.is_floating:  # not tf.cast: it goes by way of float32
            return tf.convert_to_tensor(obj, dtype)
        return tf.cast(tf.convert_to_tensor(obj), dtype)


def arange(stop: Any, /, *, dtype: Any = tf.int64, device: Any = None) -> Array:
    """Return 0, 1, ..., stop - 1."""
    with tf.device(device):
        return tf.range(stop if isinstance(stop, int) else tf.cast(stop, dtype), dtype=dtype)


def astype(x: Array, dtype: Any, /) -> Array:
    """Cast."""
    return tf.cast(x, dtype)


def clip(x: Array, /, min: float | None = None, max: float | None = None) -> Array:  # noqa: A002 - the standard's names
    """Return the elements, or the nearer bound for those outside."""
    if max is not None:
        x = tf.minimum(x, tf.constant(max, x.dtype))
    return x if min is None else tf.maximum(x, tf.constant(min, x.dtype))


def where(condition: Array, x1: Any, x2: Any, /) -> Array:
    """Select; one of the two may be a Python scalar and takes the dtype of the other."""
    if not hasattr(x1, "dtype"):
        x1 = _selected(condition, x1, x2.dtype)
    if not hasattr(x2, "dtype"):
        x2 = _selected(~condition, x2, x1.dtype)
    return tf.where(condition, x1, x2)


def _selected(condition: Array, value: Any, dtype: Any) -> Array:
    """Return a number as a constant; NaN and infinities where they are selected alone.

    tf.debugging.enable_check_numerics would report a constant that nobody takes.
    """
    if tf.executing_eagerly() or math.isfinite(value):
        return tf.constant(value, dtype)
    one = tf.ones((), dtype)
    if math.isnan(value):
        return tf.sqrt(tf.where(condition, -one, one))
    found = tf.math.log(tf.where(condition, tf.zeros((), dtype), one))
    return found if value < 0 else -found


def reshape(x: Array, /, shape: Sequence[Any]) -> Array:
    """Give ``x`` another shape."""
    return tf.reshape(x, shape)


def expand_dims(x: Array, /, *, axis: int = 0) -> Array:
    """Insert an axis of size one."""
    return tf.expand_dims(x, axis)


def stack(arrays: Sequence[Array], /, *, axis: int = 0) -> Array:
    """Join arrays of one shape along a new axis."""
    return tf.stack(arrays, axis=axis)


def squeeze(x: Array, /, axis: int) -> Array:
    """Remove an axis of size one."""
    return tf.squeeze(x, axis=[axis])


def broadcast_to(x: Array, /, shape: Sequence[Any]) -> Array:
    """Repeat axes of size one up to ``shape``."""
    return x if x.shape.is_fully_defined() and x.shape == shape else tf.broadcast_to(x, shape)


def permute_dims(x: Array, /, axes: Sequence[int]) -> Array:
    """Put the axes in another order."""
    return tf.transpose(x, axes)


def take(x: Array, indices: Array, /, *, axis: int | None = None) -> Array:
    """Pick ``indices`` along ``axis``."""
    return tf.gather(x, indices, axis=axis or 0)


def sum(x: Array, /, *, axis: int | None = None, keepdims: Any = False) -> Array:  # noqa: A001
    """Sum; small integers are summed in int64, as the standard says."""
    if x.dtype in (tf.int8, tf.int16, tf.int32, tf.uint8, tf.uint16, tf.uint32):
        x = tf.cast(x, tf.int64)
    return tf.reduce_sum(x, axis=axis, keepdims=keepdims)


def min(x: Array, /, *, axis: int | None = None, keepdims: Any = False) -> Array:  # noqa: A001
    """Return the least element."""
    return tf.reduce_min(x, axis=axis, keepdims=keepdims)


def max(x: Array, /, *, axis: int | None = None, keepdims: Any = False) -> Array:  # noqa: A001
    """Return the greatest element."""
    return tf.reduce_max(x, axis=axis, keepdims=keepdims)


def any(x: Array, /, *, axis: int | None = None, keepdims: Any = False) -> Array:  # noqa: A001
    """Tell whether any element is true."""
    return tf.reduce_any(x, axis=axis, keepdims=keepdims)


def argmax(x: Array, /, *, axis: int, keepdims: Any = False) -> Array:
    """Return the index of the first maximum."""
    index = tf.argmax(x, axis=axis, output_type=tf.int64)
    return tf.expand_dims(index, axis) if keepdims else index


def sort(x: Array, /, *, axis: int = -1) -> Array:
    """Sort in ascending order."""
    return tf.sort(x, axis=axis)


def argsort(x: Array, /, *, axis: int = -1) -> Array:
    """Return the indices that sort in ascending order, first ones first."""
    return tf.cast(tf.argsort(x, axis=axis, stable=True), tf.int64)


def cumulative_sum(x: Array, /, *, axis: int | None = None) -> Array:
    """Return the sums up to each element."""
    return tf.cumsum(x, axis=axis or 0)


def searchsorted(x1: Array, x2: Array, /, *, side: Any = "left") -> Array:
    """Return where each of ``x2`` belongs in the sorted ``x1``."""
    return tf.searchsorted(x1, x2, side=side, out_type=tf.int64)
