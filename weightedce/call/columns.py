"""What people hold numbers in that is no array: columns, frames and tables, nested lists.

Pandas, polars, Arrow and Dask are known by what their columns can do, not by name. A null becomes
NaN, which whoever takes the array then refuses with its position, or leaves out.
"""

from collections.abc import Sequence
from decimal import Decimal
from math import nan
from numbers import Integral, Real
from typing import Any

from weightedce.backends import Array, backend_of, host

NUMBER = Real | Decimal  # which is no Real to Python


def column(values: Any, name: str = "values") -> Any:
    """Return the NumPy array in a column, frame or table; anything else as it is.

    A Dask column becomes a Dask array, which is not looked into.
    """
    if hasattr(values, "to_dask_array"):
        return values.to_dask_array()
    if hasattr(values, "column_names") and not hasattr(values, "to_numpy"):  # a table of Arrow
        parts = [column(part, name) for part in values.columns]
        return host().namespace.stack(parts, axis=-1)
    if not hasattr(values, "to_numpy"):
        return values
    if hasattr(values, "combine_chunks") or hasattr(values, "buffers"):  # Arrow has to be told
        array = values.to_numpy(zero_copy_only=False)
    else:
        array = values.to_numpy()
    return of_objects(name, array) if array.dtype == object else array


def of_objects(name: str, array: Array) -> Array:
    """Return an array of Python's objects, such as a nullable column gives, as one of numbers."""
    numbers = [_number(name, item) for item in array.reshape(-1).tolist()]
    return host().namespace.asarray(numbers).reshape(array.shape)


def _number(name: str, item: Any) -> Any:
    """Return a number, or NaN for what stands for none."""
    if isinstance(item, NUMBER):
        return plain(item)
    if item is None or str(item) in ("<NA>", "NaT"):
        return nan
    raise TypeError(
        f"{name}: expected numbers, got {type(item).__qualname__}: {item!r:.80}: number the "
        f"classes 0, 1, ..., as .astype('category').cat.codes does"
    )


def plain(number: Any) -> Any:
    """Return a number of any kind as Python's own."""
    if isinstance(number, bool):
        return number
    return int(number) if isinstance(number, Integral) else float(number)


def is_sequence(value: Any) -> bool:
    """Tell whether a value is a list or something like it: range, array.array, deque."""
    return isinstance(value, list | tuple) or (
        isinstance(value, Sequence) and not isinstance(value, str | bytes)
    )


def plain_numbers(name: str, value: Any) -> Any:
    """Return numbers of any kind, nested in sequences and arrays, as Python's own in lists."""
    if is_sequence(value):
        return [plain_numbers(name, item) for item in value]
    if isinstance(value, NUMBER):
        return plain(value)
    if isinstance(value, host().namespace.bool_):
        return bool(value)
    if value is None:
        return nan
    if hasattr(value, "shape") and not isinstance(value, host().namespace.generic):
        array = column(value, name)
        found = backend_of(array).to_host(array)
        if found is not None:
            return plain_numbers(name, found.tolist())
    raise TypeError(f"{name}: expected numbers, got {type(value).__qualname__}: {value!r:.80}")


def flat(value: Any) -> list[Any]:
    """Return the items of nested lists."""
    if isinstance(value, list):
        return [number for item in value for number in flat(item)]
    return [value]


def host_array(name: str, values: Any, dtype: type | None = None) -> Array:
    """Return nested sequences of numbers as a NumPy array, whatever frameworks are there."""
    listed = plain_numbers(name, values)
    try:
        return host().namespace.asarray(listed, dtype=dtype if flat(listed) else dtype or int)
    except (ValueError, OverflowError) as error:
        raise ValueError(
            f"{name}: expected numbers in rows of one length, got {values!r:.80} ({error})"
        ) from None
