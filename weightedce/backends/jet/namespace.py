"""The functions of the standard that losses use, of jets: see `jet`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from weightedce.backends.handed import Array, MixedError
from weightedce.backends.jet.jet import ALONG, WIDE, Jet, jet, joined, plain
from weightedce.backends.jet.sums import summed

float32, float64, int32, int64, bool_ = np.float32, np.float64, np.int32, np.int64, np.bool_
inf, nan, pi, finfo = np.inf, np.nan, np.pi, np.finfo


def _constant(function: Callable[..., Array]) -> Callable[..., Jet]:
    """Return a function of constants, which loses no derivative."""

    def of_constants(*arrays: Any, **options: Any) -> Jet:
        return Jet(function(*(plain(x) for x in arrays), **_on_no_device(options)))

    return of_constants


def _of_values(function: Callable[..., Array]) -> Callable[..., Jet]:
    """Return a function that has no derivative, or the derivative 0, wherever it has one."""

    def of_values(array: Any, **options: Any) -> Jet:
        return Jet(function(jet(array).value, **options))

    return of_values


def _on_no_device(options: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in options.items() if name != "device"}


arange, take, sort = _constant(np.arange), _constant(np.take), _constant(np.sort)
searchsorted, zeros, ones = _constant(np.searchsorted), _constant(np.zeros), _constant(np.ones)
any, all = _of_values(np.any), _of_values(np.all)  # noqa: A001 - as the standard has it
argmax, argmin = _of_values(np.argmax), _of_values(np.argmin)
floor, ceil, sign = _of_values(np.floor), _of_values(np.ceil), _of_values(np.sign)
isfinite, isinf, isnan = _of_values(np.isfinite), _of_values(np.isinf), _of_values(np.isnan)
zeros_like, ones_like = _of_values(np.zeros_like), _of_values(np.ones_like)


def asarray(values: Any, *, dtype: Any = None, device: Any = None) -> Jet:  # noqa: ARG001
    """Return a jet."""
    return astype(values, dtype) if type(values) is Jet else Jet(np.asarray(values, dtype))


def astype(array: Jet, dtype: Any) -> Jet:
    """Return value and derivatives in a dtype."""
    first, second = (
        x.astype(dtype) if isinstance(x, np.ndarray | np.generic) else x
        for x in (array.first, array.second)
    )
    return array.like(np.asarray(array.value).astype(dtype), first, second)


# --- functions of one number, with their derivatives ---


def exp(x: Jet) -> Jet:
    """Return the exponential."""
    value = np.exp(x.value)
    if x.low is not None:
        value *= 1.0 + x.low
    return x.chained(value, value, value)


def expm1(x: Jet) -> Jet:
    """Return exp(x) - 1."""
    power = np.exp(x.value)
    return x.chained(np.expm1(x.value), power, power)


def log(x: Jet) -> Jet:
    """Return the logarithm."""
    inverse = 1.0 / x.value
    return x.chained(np.log(x.value), inverse, -inverse * inverse)


def log1p(x: Jet) -> Jet:
    """Return log(1 + x)."""
    inverse = 1.0 / (1.0 + x.value)
    return x.chained(np.log1p(x.value), inverse, -inverse * inverse)


def tanh(x: Jet) -> Jet:
    """Return the hyperbolic tangent."""
    value, fading = np.tanh(x.value), np.exp(-2.0 * np.abs(x.value))
    slope = 4.0 * fading / (1.0 + fading) ** 2  # 1 - tanh^2 has no digits where that is 1
    return x.chained(value, slope, -2.0 * value * slope)


def sqrt(x: Jet) -> Jet:
    """Return the square root."""
    value = np.sqrt(x.value)
    return x.chained(value, 0.5 / value, -0.25 / (value * x.value))


def square(x: Jet) -> Jet:
    """Return the square."""
    return x.chained(x.value * x.value, 2.0 * x.value, 2.0)


def abs(x: Jet) -> Jet:  # noqa: A001
    """Return the absolute value, with derivative 0 at 0."""
    return jet(x).__abs__()


# --- of several ---


def where(condition: Any, x: Any, y: Any) -> Jet:
    """Return x where the condition holds, else y, with its derivatives."""
    chosen, x, y = jet(condition).value, jet(x), jet(y)
    way = joined(x, y)
    value = np.where(chosen, x.value, y.value)
    if way.way is None:
        return Jet(value)
    chosen, kind = way.raised(np.asarray(chosen)), value.dtype.type

    def picked(a: Any, b: Any) -> Any:
        if a is None and b is None:
            return None
        a, b = (0.0 if c is None else c for c in (a, b))
        if type(a) is float and type(b) is float:
            if a == b:
                return a
            if (a, b) == (1.0, 0.0):
                return chosen.astype(kind)
            return np.where(chosen, kind(a), kind(b))
        return np.where(chosen, a, b)

    return way.like(value, picked(x.first, y.first), picked(x.second, y.second))


def maximum(x: Any, y: Any) -> Jet:
    """Return the larger one, x where they are alike."""
    return where(jet(x) >= y, x, y)


def minimum(x: Any, y: Any) -> Jet:
    """Return the smaller one, x where they are alike."""
    return where(jet(x) <= y, x, y)


def clip(x: Jet, min: Any = None, max: Any = None) -> Jet:  # noqa: A002
    """Return x between the two."""
    if x.way is None:
        return Jet(np.clip(x.value, plain(min), plain(max)))
    above = x if min is None else maximum(x, min)
    return above if max is None else minimum(above, max)


def max(x: Jet, *, axis: int | None = None, keepdims: bool = False) -> Jet:  # noqa: A001
    """Return the largest along an axis."""
    return _extreme(np.max, np.argmax, x, axis, keepdims)


def min(x: Jet, *, axis: int | None = None, keepdims: bool = False) -> Jet:  # noqa: A001
    """Return the smallest along an axis."""
    return _extreme(np.min, np.argmin, x, axis, keepdims)


def _extreme(of: Any, place_of: Any, x: Jet, axis: int | None, keepdims: bool) -> Jet:
    """Return the extreme along an axis: a sum in which the others have the factor 0."""
    if x.way is None:
        return Jet(of(x.value, axis=axis, keepdims=keepdims))
    if axis is None:
        raise MixedError
    hit = np.zeros(x.shape, bool)
    np.put_along_axis(hit, place_of(x.value, axis=axis, keepdims=True), True, axis)
    return sum(where(hit, x, 0.0), axis=axis, keepdims=keepdims)


def sum(x: Jet, *, axis: int | None = None, keepdims: bool = False) -> Jet:  # noqa: A001
    """Return the sum over an axis or of all elements."""
    return summed(x, axis, keepdims, lambda a, axis, keep: np.sum(a, axis=axis, keepdims=keep))


# --- shapes ---


def reshape(x: Any, shape: Any) -> Jet:
    """Return a constant in another shape."""
    return Jet(np.reshape(plain(x), shape))


def broadcast_to(x: Any, shape: Any) -> Jet:
    """Return the array as large as a shape; what is made of logits has it already."""
    if jet(x).way is not None and x.shape == tuple(shape):
        return jet(x)
    return Jet(np.broadcast_to(plain(x), shape))


def expand_dims(x: Any, *, axis: int) -> Jet:
    """Return the array with an axis more."""
    array = jet(x)
    place = axis % (array.ndim + 1)
    if array.way == WIDE:
        first, second = (
            a if a is None else np.expand_dims(a, place) for a in (array.first, array.second)
        )
        return array.like(np.expand_dims(array.value, place), first, second)
    classes = array.axis + (place <= array.axis >= 0)
    return _moved(array, lambda a: np.expand_dims(a, place), classes)


def squeeze(x: Any, *, axis: int) -> Jet:
    """Return the array without an axis of size 1."""
    array = jet(x)
    place = axis % array.ndim
    classes = -1 if array.axis == place else array.axis - (place < array.axis)
    return _moved(array, lambda a: np.squeeze(a, axis=place), classes)


def permute_dims(x: Any, axes: Any) -> Jet:
    """Return the array with its axes in another order."""
    array = jet(x)
    axes = [axis % array.ndim for axis in axes]
    classes = axes.index(array.axis) if array.axis >= 0 else -1
    return _moved(array, lambda a: np.transpose(a, axes), classes)


def _moved(x: Jet, move: Callable[[Array], Array], axis: int) -> Jet:
    """Return the array in another shape, where that says no other thing."""
    if x.way is None:
        return Jet(move(x.value))
    if x.way != ALONG:
        raise MixedError
    first, second = (
        move(np.broadcast_to(a, x.shape)) if isinstance(a, np.ndarray) else a
        for a in (x.first, x.second)
    )
    return Jet(move(x.value), first, second, ALONG, axis)


def stack(arrays: Any, axis: int = 0) -> Jet:
    """Return constants along an axis more."""
    return Jet(np.stack([plain(x) for x in arrays], axis=axis))


def concat(arrays: Any, axis: int = 0) -> Jet:
    """Return constants behind each other."""
    return Jet(np.concatenate([plain(x) for x in arrays], axis=axis))
