"""Shapes, dtypes, labels, and one style of error. Computes nothing.

Every error names the argument, says what came and what was expected.
"""

from math import inf
from numbers import Integral, Real
from typing import Any

from weightedce import options
from weightedce.backends import Array, Backend, backend_of

Shape = tuple[Any, ...]  # integers; a size that a graph does not know yet is a 0-d array

# Soft targets may leave [0, 1] by what rounding in bfloat16 does to a mixture (2**-8), no more.
ROUNDING_SLACK = 0.01

NUMBERS = (list, tuple, Real)  # what users write that is no array


def library(name: str, array: Array) -> Backend:
    """Return the adapter of the library of ``array``, or raise a TypeError that names it."""
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
    kind = _dtype_name(array.dtype)
    if kind not in ("float16", "bfloat16"):
        raise TypeError(f"{name}: expected dtype float64, float32, bfloat16 or float16, got {kind}")
    return xp.astype(array, xp.float32)


def is_integer(array: Array) -> bool:
    """Tell whether the dtype is an integer one (bool is not)."""
    return "int" in _dtype_name(array.dtype)


def is_floating(array: Array) -> bool:
    """Tell whether the dtype is a real floating-point one."""
    return "float" in _dtype_name(array.dtype)


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
    kind = _dtype_name(value.dtype)
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
        raise ValueError(f"{name}: expected one number for one logit, got shape {_print(mine)}")
    if len(mine) > 1 or not _stretches(mine[0], shape[axis]):
        raise ValueError(
            f"{name}: expected a scalar or shape {_print((shape[axis],))}, one weight along "
            f"axis {axis} of logits of shape {_print(shape)}, got shape {_print(mine)}"
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
            f"{name}: expected the leading axes of the loss, whose shape is {_print(shape)} "
            f"(axes of size 1 stretch), got shape {_print(mine)}"
        )
    if 0 < len(mine) < len(shape):
        ones = (1,) * (len(shape) - len(mine))
        weight = backend.namespace.reshape(weight, (*mine, *ones))
    return _stretched(weight, mine, shape)


def same_shape(name: str, array: Array, shape: Shape, hint: str = "") -> Array:
    """Return ``array`` if it has ``shape``."""
    backend = backend_of(array)
    mine = backend.shape(array)
    known = _known(*mine, *shape)
    if known and mine == shape:
        return array
    if len(mine) != len(shape) or any(
        _known(a, b) and a != b for a, b in zip(mine, shape, strict=True)
    ):
        raise ValueError(f"{name}: expected shape {_print(shape)}{hint}, got shape {_print(mine)}")
    return backend.fixed(array, shape)


def axis_of(shape: Shape, axis: int, of: str = "logits") -> int:
    """Return ``axis`` of the logits counted from the front, if they have it."""
    axis = options.whole("axis", axis)
    if not -len(shape) <= axis < len(shape):
        raise ValueError(
            f"axis: expected -{len(shape)} <= axis < {len(shape)} for {of} of shape "
            f"{_print(shape)}, got {axis}"
        )
    return axis % len(shape)


def class_count(shape: Shape, axis: int) -> int:
    """Return the number of classes along ``axis``, if it is known and not 0."""
    size = shape[axis]
    if not _known(size) or size < 1:
        raise ValueError(
            f"logits: expected a known number of classes, at least 1, along axis {axis}, got "
            f"shape {_print(shape)}"
        )
    return int(size)


def class_labels(name: str, labels: Array) -> Array:
    """Return integer labels of any width in the library's default integer dtype."""
    xp = library(name, labels).namespace
    if not is_integer(labels):
        raise TypeError(f"{name}: expected integers, got dtype {_dtype_name(labels.dtype)}")
    return xp.astype(labels, xp.arange(0).dtype)


def are_labels(targets: Array, shape: Shape, axis: int, ignore_index: int | None) -> bool:
    """Tell by rank whether ``targets`` are class labels or a distribution over the classes."""
    rank = len(targets.shape)
    if rank == len(shape) - 1:
        if is_integer(targets):
            return True
        raise TypeError(
            f"targets: expected integer class labels, since they have one axis fewer than the "
            f"logits, got dtype {_dtype_name(targets.dtype)} of shape {_print(targets.shape)} for "
            f"logits of shape {_print(shape)}"
        )
    if rank != len(shape):
        raise ValueError(
            f"targets: expected class labels (shape of the logits without axis {axis}) or a "
            f"distribution (shape of the logits), got shape {_print(targets.shape)} for logits of "
            f"shape {_print(shape)}"
        )
    if ignore_index is not None:
        raise ValueError(
            f"ignore_index: expected None for targets that are a distribution, got "
            f"{ignore_index!r}: use mask"
        )
    return False


def seen_between(values: Array, low: float, high: float) -> bool:
    """Tell whether all values can be seen at once, and are between ``low`` and ``high``.

    Least and greatest value take one pass; to say which value is outside takes four.
    """
    extremes = getattr(backend_of(values), "extremes", None)
    found = None if extremes is None or 0 in values.shape else extremes(values)
    return found is not None and low <= found[0] and found[1] <= high


def all_inside(name: str, values: Array, outside: Array, low: int, high: int) -> bool:
    """Raise for the first value that is ``outside``; tell whether that could be checked.

    A tracer, a compiled graph, an accelerator cannot be asked: False, and the caller puts NaN.
    """
    backend = backend_of(outside)
    xp = backend.namespace
    found = backend.read(xp.any(outside))
    if found:
        first = int(xp.argmax(xp.astype(xp.reshape(outside, (-1,)), xp.int32), axis=0))
        bad = xp.reshape(values, (-1,))[first]
        position: list[str] = []
        for size in reversed(values.shape):
            first, index = divmod(first, int(size))
            position.insert(0, str(index))
        place = f"[{', '.join(position)}]" if position else ""
        value = int(bad) if is_integer(bad) else float(bad)
        raise ValueError(f"{name}: expected values in {low}..{high}, got {name}{place} = {value}")
    return found is not None


def in_range(name: str, values: Array, target_range: str) -> Array:
    """Return targets that are probabilities, or of any size for ``"any"``."""
    return values if target_range == "any" else probabilities(name, values)


def probabilities(name: str, values: Array) -> Array:
    """Return ``values`` if they are in [0, 1] up to rounding; NaN where nothing can be raised."""
    low, high = -ROUNDING_SLACK, 1.0 + ROUNDING_SLACK
    if seen_between(values, low, high):
        return values

    def outside() -> Array:
        return (values < low) | (values > high)

    if all_inside(name, values, outside(), 0, 1):
        return values
    backend = backend_of(values)

    def marked() -> Array:
        return backend.namespace.where(outside(), backend.namespace.nan, values)

    branch = getattr(backend, "unless_between", None)
    return marked() if branch is None else branch(values, low, high, marked)


def _dtype_name(dtype: Any) -> str:
    return str(getattr(dtype, "name", dtype)).rpartition(".")[2]


def _known(*sizes: Any) -> bool:
    """Tell whether sizes are known now; in a graph they may be 0-d arrays."""
    return not [size for size in sizes if not isinstance(size, int)]  # `all` takes twice as long


def _stretches(mine: Any, theirs: Any) -> bool:
    """Tell whether a size stretches to another without growing it; unknown ones may."""
    # not `mine in (1, theirs)`: torch.compile answers that wrongly for sizes it keeps symbolic
    return not _known(mine, theirs) or mine == 1 or mine == theirs


def _stretched(weight: Array, mine: Shape, shape: Shape) -> Array:
    """Return ``weight``; where sizes are unknown, make a graph fail, not grow, when it runs."""
    if _known(*mine, *shape):
        return weight
    return backend_of(weight).namespace.broadcast_to(weight, shape)


def _print(shape: Shape) -> str:
    return str(tuple(size if _known(size) else None for size in shape))
