"""Library and dtype of what comes in: dense, real, and what is computed in."""

from typing import Any

from weightedce.backends import Array, Backend, backend_of


def wing(name: str, array: Array) -> Backend:
    """Return the same without a look at the array: in a third of the time."""
    try:
        return backend_of(array)
    except TypeError as error:
        raise TypeError(f"{name}: {error}") from None


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
    dtype = computed_in(name, array)
    return array if array.dtype == dtype else backend_of(array).namespace.astype(array, dtype)


def computed_in(name: str, array: Array) -> Any:
    """Return the dtype to compute in beside ``array``."""
    xp = library(name, array).namespace
    if array.dtype == xp.float32 or array.dtype == xp.float64:
        return array.dtype
    kind = dtype_name(array.dtype)
    if kind not in ("float16", "bfloat16"):
        raise TypeError(f"{name}: expected dtype float64, float32, bfloat16 or float16, got {kind}")
    return xp.float32


def is_integer(array: Array) -> bool:
    """Tell whether the dtype is an integer one (bool is not)."""
    return "int" in dtype_name(array.dtype)


def is_floating(array: Array) -> bool:
    """Tell whether the dtype is a real floating-point one."""
    return "float" in dtype_name(array.dtype)


def dtype_name(dtype: Any) -> str:
    """Return the name of a dtype of any library."""
    return str(getattr(dtype, "name", dtype)).rpartition(".")[2]
