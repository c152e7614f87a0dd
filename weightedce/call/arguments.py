"""What comes in, laid beside the logits: library, dtype, shape; one style of error.

Weights, masks, labels and counts are constants: whatever they come in, they become arrays of the
library of the logits. Every error names the argument, says what came and what was expected.
"""

from collections.abc import Callable
from math import inf
from numbers import Real
from typing import Any

from weightedce.backends import Array, Backend, backend_of, host
from weightedce.backends.contract import Shape
from weightedce.call import columns, options, values
from weightedce.call.columns import is_sequence
from weightedce.call.dtypes import computed_in, dtype_name, library

COUNT_FIRST = " (weights of classes come of counts: balanced(class_counts(labels, K)))"


def beside(name: str, value: Any, logits: Array, dtype: Any) -> Array:
    """Return ``value`` as an array beside ``logits``: see `columns` for what else it may be.

    ``dtype=None`` keeps the dtype that it has.
    """
    if type(value) is type(logits) and value.dtype == logits.dtype:
        library(name, value)
        return value  # so it is most often, and what follows takes time
    backend = theirs = backend_of(logits)
    xp = backend.namespace
    if type(value) is type(logits) and value.dtype != object:
        library(name, value)
    elif isinstance(value, Real) or is_sequence(value):
        return _of_numbers(name, value, logits, dtype)
    else:
        value, theirs = array_of(name, value, backend)
    if theirs.namespace is xp or backend.sees_numpy():  # a compiler knows of no NumPy dtype
        kind = dtype_name(value.dtype)
        if not kind.startswith(("bool", "int", "uint", "float", "bfloat")):
            raise TypeError(f"{name}: expected real numbers, got dtype {kind}")
    if theirs.namespace is not xp:
        value = backend.constant(_on_host(name, value, theirs, backend), logits)
    return value if dtype is None or value.dtype == dtype else xp.astype(value, dtype)


def weight_beside(name: str, value: Any, logits: Array, *, signed: bool = False) -> Array:
    """Return a weight as an array beside ``logits``, which are in the dtype to compute in.

    Negative, infinite and NaN weights are refused where they can be read, and NaN elsewhere;
    ``signed`` ones, such as costs, may be negative.
    """
    if type(value) is type(logits) and value.dtype == logits.dtype:
        library(name, value)
        return values.checked(name, value, signed)
    dtype = logits.dtype
    if isinstance(value, Real) or is_sequence(value):
        if not holds_arrays(value):
            value = columns.plain_numbers(name, value)
            values.check_listed(name, value, signed)
            return _of_listed(name, value, value, logits, dtype)
    else:
        backend = backend_of(logits)
        value, theirs = array_of(name, value, backend)
        if theirs.namespace is not backend.namespace:
            value = _on_host(name, value, theirs, backend)
            if values.checked_on_host(name, value, backend, signed):
                return beside(name, value, logits, dtype)
    return values.checked(name, beside(name, value, logits, dtype), signed)


def number(
    name: str, value: Any, logits: Array, low: float = -inf, high: float = inf
) -> float | Array:
    """Return a number that a formula takes traced: a float, or a 0-d array beside ``logits``.

    What can be read is checked; what cannot, or may want a gradient, stays an array.
    """
    if type(value) is not float and not isinstance(value, Real):
        if len(getattr(value, "shape", (1,))) or isinstance(value, str):
            return options.number(name, value, low, high)  # which says what is wrong with it
        found = options.known(value)
        if found is None:
            return beside(name, value, logits, computed_in("logits", logits))
        value = found
    return options.number(name, value, low, high)


def smoothing(value: Any, logits: Array, shape: Shape, axis: int) -> float | Array:
    """Return ``label_smoothing``: a number, or one of each class or label laid along their axis."""
    name = "label_smoothing"
    if not is_vector(value):
        return number(name, value, logits, 0, 1)
    vector = beside(name, value, logits, logits.dtype)
    values.all_inside(name, vector, ~((vector >= 0.0) & (vector <= 1.0)), 0, 1)
    return along_axis(name, vector, shape, axis)


def is_vector(value: Any) -> bool:
    """Tell whether there is a number for each class, not one for all."""
    return type(value) is not float and (is_sequence(value) or len(getattr(value, "shape", ())) > 0)


def array_of(name: str, value: Any, beside: Backend | None = None) -> tuple[Array, Backend]:
    """Return the array that ``value`` is or holds, and its library."""
    value = columns.column(value, name)
    try:
        backend = library(name, value)
    except TypeError as error:
        # h5py, xarray, Pillow: what NumPy can make an array of; not its own masked arrays
        if not hasattr(value, "__array__") or isinstance(value, host().namespace.ndarray):
            raise
        try:
            value, backend = host().namespace.asarray(value), host()
        except (TypeError, RuntimeError):  # a sparse or nested tensor
            raise error from None
    if backend is host() and (beside or backend).sees_numpy() and value.dtype == object:
        value = columns.of_objects(name, value)
    return value, backend


def _on_host(name: str, value: Array, theirs: Backend, backend: Backend) -> Array:
    """Return a constant of another library than the logits as a NumPy array."""
    if theirs is host():
        return value
    if not (theirs.differentiates and backend.differentiates):
        found = theirs.to_host(value)
        if found is not None:
            return found
    raise TypeError(
        f"{name}: expected numbers, a NumPy array, or an array of the library of the logits, "
        f"{backend.name}, got one of {theirs.name}: no gradient goes from one to the other; if it "
        f"is a constant, convert it with numpy.asarray, outside of compiled code"
    )


def _of_numbers(name: str, value: Any, logits: Array, dtype: Any) -> Array:
    """Return a number or nested numbers, 0-d arrays among them, as an array."""
    backend = backend_of(logits)
    xp = backend.namespace
    if holds_arrays(value):
        dtype = computed_in("logits", logits) if dtype is None else dtype
        rows = [beside(name, item, logits, dtype) for item in value]
        if len({backend.shape(row) for row in rows}) > 1:
            raise ValueError(f"{name}: expected numbers in rows of one length")
        return xp.stack(rows)
    return _of_listed(name, value, columns.plain_numbers(name, value), logits, dtype)


def _of_listed(name: str, value: Any, listed: Any, logits: Array, dtype: Any) -> Array:
    """Return one of Python's numbers, or nested lists of them, as an array.

    Errors show ``value``, which came.
    """
    backend = backend_of(logits)
    xp = backend.namespace
    if dtype is None:
        numbers = columns.flat(listed)
        if any(isinstance(number, float) for number in numbers):
            dtype = computed_in("logits", logits)
        elif not numbers:
            dtype = xp.int32  # of nothing: an empty list of labels is a list of labels
        elif not backend.sees_numpy():  # they may be symbols of a compiler
            return backend.constant(listed, logits)
        elif max(map(abs, numbers)) >= 2**63:
            raise ValueError(f"{name}: expected integers of 64 bits, got {value!r:.80}")
    try:
        return xp.asarray(listed, dtype=dtype, device=backend.device(logits))
    except (TypeError, ValueError, OverflowError) as error:
        raise ValueError(
            f"{name}: expected numbers in rows of one length, got {value!r:.80} ({error})"
        ) from None


def holds_arrays(value: Any) -> bool:
    """Tell whether there are arrays in nested sequences."""
    if type(value) is float:  # so it is most often, and what follows takes time
        return False
    if is_sequence(value):
        return any(map(holds_arrays, value))
    return not isinstance(value, Real | host().namespace.bool_) and hasattr(value, "shape")


def along_axis(name: str, weight: Array, shape: Shape, axis: int) -> Array:
    """Lay a scalar or (K,) weight along ``axis`` of logits of ``shape``.

    Further axes of size 1, as people give them for broadcasting, say nothing else.
    """
    backend = backend_of(weight)
    mine = backend.shape(weight)
    if not mine:
        return weight
    if not shape:
        raise ValueError(f"{name}: expected one number for one logit, got shape {shown(mine)}")
    if name == "class_weight" and len(mine) == len(shape) > 1 and _alike(mine, shape):
        return backend.fixed(weight, shape)  # of each class in each example
    if len(mine) > 1 and len(mine) <= len(shape):
        longer = [size for size in mine if not all_known(size) or size != 1]
        if len(longer) <= 1:
            mine = tuple(longer) or (1,)
            weight = backend.namespace.reshape(weight, mine)
    if len(mine) > 1 or not _stretches(mine[0], shape[axis]):
        raise ValueError(
            f"{name}: expected a scalar or shape {shown((shape[axis],))}, one weight along "
            f"axis {axis} of logits of shape {shown(shape)}, got shape {shown(mine)}"
            + (COUNT_FIRST if name == "class_weight" and len(mine) == 1 else "")
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


def same_shape(name: str, array: Array, shape: Shape, hint: Callable[[], str] = str) -> Array:
    """Return ``array`` if it has ``shape``; ``hint`` says more if not."""
    backend = backend_of(array)
    mine = backend.shape(array)
    known = all_known(*mine, *shape)
    if known and mine == shape:
        return array
    if len(mine) != len(shape) or any(
        all_known(a, b) and a != b for a, b in zip(mine, shape, strict=True)
    ):
        raise ValueError(f"{name}: expected shape {shown(shape)}{hint()}, got shape {shown(mine)}")
    return backend.fixed(array, shape)


def axis_of(shape: Shape, axis: int, of: str = "logits") -> int:
    """Return ``axis`` of the logits counted from the front, if they have it."""
    axis = options.whole("axis", axis)
    if not shape:
        raise ValueError(f"{of}: expected an axis {axis}, got one number")
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


def all_known(*sizes: Any) -> bool:
    """Tell whether sizes are known now; in a graph they may be 0-d arrays."""
    # `all` takes twice as long; a symbol that torch traces with is no int, but can be compared
    return not [size for size in sizes if not isinstance(size, int) and hasattr(size, "dtype")]


def _alike(mine: Shape, shape: Shape) -> bool:
    """Tell whether two shapes may be the same."""
    return all(not all_known(a, b) or a == b for a, b in zip(mine, shape, strict=True))


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
