"""Arrays laid beside the logits: library, dtype, shape; one style of error. Computes nothing.

Every error names the argument, says what came and what was expected.
"""

from math import inf
from numbers import Integral, Real
from typing import Any

from weightedce.backends import Array, Backend, backend_of, host
from weightedce.backends.contract import Shape
from weightedce.call import options

NUMBERS = (list, tuple, Real)  # what users write that is no array


def library(name: str, array: Array) -> Backend:
    """Return the backend of the library of ``array``, or raise a TypeError that names it."""
    try:
        backend = backend_of(array)
        backend.shape(array)
    except (TypeError, ValueError) as error:
        raise type(error)(f"{name}: {error}") from None
    return backend


def floating(name: str, array: Array) -> Array:
    """Return ``array`` in the dtype to compute in: float64 stays, all smaller become float32."""
    xp = library(name, array).namespace
    if array.dtype == xp.float32 or array.dtype == xp.float64:
        return array
    kind = dtype_name(array.dtype)
    if kind not in ("float16", "bfloat16"):
        raise TypeError(f"{name}: expected dtype float64, float32, bfloat16 or float16, got {kind}")
    return xp.astype(array, xp.float32)


def is_integer(array: Array) -> bool:
    """Tell whether the dtype is an integer one (bool is not)."""
    return "int" in dtype_name(array.dtype)


def is_floating(array: Array) -> bool:
    """Tell whether the dtype is a real floating-point one."""
    return "float" in dtype_name(array.dtype)


def beside(name: str, value: Any, logits: Array, dtype: Any) -> Array:
    """Return ``value`` (array, number, list of numbers) as an array beside ``logits``.

    ``dtype=None`` keeps the dtype that it has.
    """
    if type(value) is type(logits) and value.dtype == logits.dtype:
        return value  # so it is most often, and what follows takes time
    backend = backend_of(logits)
    xp = backend.namespace
    if isinstance(value, NUMBERS):
        if dtype is None and not numbers_in(name, value):
            dtype = xp.int32  # of nothing: an empty list of labels is a list of labels
        try:
            plain = _plain_numbers(name, value)
            return xp.asarray(plain, dtype=dtype, device=backend.device(logits))
        except (TypeError, ValueError, OverflowError) as error:
            raise ValueError(
                f"{name}: expected numbers in rows of one length, got {value!r:.80} ({error})"
            ) from None
    if library(name, value).namespace is not xp:
        raise TypeError(
            f"{name}: expected an array of the same library as the logits "
            f"({type(logits).__module__}.{type(logits).__qualname__}), got "
            f"{type(value).__module__}.{type(value).__qualname__}: convert it first"
        )
    kind = dtype_name(value.dtype)
    if not kind.startswith(("bool", "int", "uint", "float", "bfloat")):
        raise TypeError(f"{name}: expected real numbers, got dtype {kind}")
    return value if dtype is None or value.dtype == dtype else xp.astype(value, dtype)


def numbers_in(name: str, value: Any) -> list[Any]:
    """Return the numbers in a number or a nested list of numbers."""
    if isinstance(value, list | tuple):
        return [number for item in value for number in numbers_in(name, item)]
    if not isinstance(value, Real):
        raise TypeError(f"{name}: expected numbers, got {type(value).__qualname__}: {value!r:.80}")
    return [value]


def _plain_numbers(name: str, value: Any) -> Any:
    """Return numbers of any kind, nested in lists, as Python's own."""
    if isinstance(value, list | tuple):
        return [_plain_numbers(name, item) for item in value]
    if isinstance(value, bool):
        return value
    return int(value) if isinstance(value, Integral) else float(value)


def column(values: Any) -> Any:
    """Return the NumPy array in a column of a data frame; anything else as it is."""
    return values.to_numpy() if hasattr(values, "to_numpy") else values


def host_array(name: str, values: Any, dtype: type) -> Array:
    """Return a list as a NumPy array, whatever frameworks are there."""
    found = numbers_in(name, values)
    if dtype is int and not all(isinstance(number, Integral) for number in found):
        raise TypeError(f"{name}: expected integers, got {values!r:.80}")
    try:
        return host().namespace.asarray(values, dtype=dtype)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{name}: expected numbers in rows of one length, got {values!r:.80} ({error})"
        ) from None


def nonnegative(name: str, value: Any) -> None:
    """Refuse Python numbers that are no weights: negative, infinite, NaN."""
    if not all(0 <= number < inf for number in numbers_in(name, value)):
        raise ValueError(f"{name}: expected finite numbers >= 0, got {value!r:.80}")


def weight_beside(name: str, value: Any, logits: Array) -> Array:
    """Return a weight as an array beside ``logits``; Python numbers must be finite and >= 0."""
    if type(value) is not type(logits) and isinstance(value, NUMBERS):
        nonnegative(name, value)
    return beside(name, value, logits, logits.dtype)


def along_axis(name: str, weight: Array, shape: Shape, axis: int) -> Array:
    """Lay a scalar or (K,) weight along ``axis`` of logits of ``shape``."""
    backend = backend_of(weight)
    mine = backend.shape(weight)
    if not mine:
        return weight
    if not shape:
        raise ValueError(f"{name}: expected one number for one logit, got shape {shown(mine)}")
    if len(mine) > 1 or not _stretches(mine[0], shape[axis]):
        raise ValueError(
            f"{name}: expected a scalar or shape {shown((shape[axis],))}, one weight along "
            f"axis {axis} of logits of shape {shown(shape)}, got shape {shown(mine)}"
        )
    return _stretched(lay_along(weight, axis, len(shape)), mine, shape)


def lay_along(vector: Array, axis: int, rank: int) -> Array:
    """Reshape a vector to lie along ``axis`` of arrays of ``rank`` axes."""
    xp = backend_of(vector).namespace
    return xp.reshape(vector, tuple(-1 if i == axis else 1 for i in range(rank)))


def along_leading(name: str, weight: Array, shape: Shape) -> Array:
    """Lay a weight or mask along the leading axes of a loss of ``shape``."""
    backend = backend_of(weight)
    mine = backend.shape(weight)
    if len(mine) > len(shape) or not all(map(_stretches, mine, shape)):
        raise ValueError(
            f"{name}: expected the leading axes of the loss, whose shape is {shown(shape)} "
            f"(axes of size 1 stretch), got shape {shown(mine)}"
        )
    if 0 < len(mine) < len(shape):
        ones = (1,) * (len(shape) - len(mine))
        weight = backend.namespace.reshape(weight, (*mine, *ones))
    return _stretched(weight, mine, shape)


def same_shape(name: str, array: Array, shape: Shape, hint: str = "") -> Array:
    """Return ``array`` if it has ``shape``."""
    backend = backend_of(array)
    mine = backend.shape(array)
    known = all_known(*mine, *shape)
    if known and mine == shape:
        return array
    if len(mine) != len(shape) or any(
        all_known(a, b) and a != b for a, b in zip(mine, shape, strict=True)
    ):
        raise ValueError(f"{name}: expected shape {shown(shape)}{hint}, got shape {shown(mine)}")
    return backend.fixed(array, shape)


def axis_of(shape: Shape, axis: int, of: str = "logits") -> int:
    """Return ``axis`` of the logits counted from the front, if they have it."""
    axis = options.whole("axis", axis)
    if not -len(shape) <= axis < len(shape):
        raise ValueError(
            f"axis: expected -{len(shape)} <= axis < {len(shape)} for {of} of shape "
            f"{shown(shape)}, got {axis}"
        )
    return axis % len(shape)


def class_count(shape: Shape, axis: int) -> int:
    """Return the number of classes along ``axis``, if it is known and not 0."""
    size = shape[axis]
    if not all_known(size) or size < 1:
        raise ValueError(
            f"logits: expected a known number of classes, at least 1, along axis {axis}, got "
            f"shape {shown(shape)}"
        )
    return int(size)


def dtype_name(dtype: Any) -> str:
    """Return the name of a dtype of any library."""
    return str(getattr(dtype, "name", dtype)).rpartition(".")[2]


def all_known(*sizes: Any) -> bool:
    """Tell whether sizes are known now; in a graph they may be 0-d arrays."""
    return not [size for size in sizes if not isinstance(size, int)]  # `all` takes twice as long


def _stretches(mine: Any, theirs: Any) -> bool:
    """Tell whether a size stretches to another without growing it; unknown ones may."""
    # not `mine in (1, theirs)`: torch.compile answers that wrongly for sizes it keeps symbolic
    return not all_known(mine, theirs) or mine == 1 or mine == theirs


def _stretched(weight: Array, mine: Shape, shape: Shape) -> Array:
    """Return ``weight``; where sizes are unknown, make a graph fail, not grow, when it runs."""
    if all_known(*mine, *shape):
        return weight
    return backend_of(weight).namespace.broadcast_to(weight, shape)


def shown(shape: Shape) -> str:
    """Return a shape as errors show it."""
    return str(tuple(size if all_known(size) else None for size in shape))
