"""What values may be, wherever they can be seen; the first one that may not, with its position.

Weights and counts are finite and at least 0; labels and targets in a range.
"""

from collections.abc import Callable
from math import inf, isnan
from typing import Any

from weightedce.backends import Array, Backend, backend_of, host
from weightedce.call.columns import flat, is_sequence


def check_listed(name: str, listed: Any, signed: bool = False) -> None:
    """Refuse Python numbers, nested in lists, that are no weights."""
    if all(_is_weight(number, signed) for number in flat(listed)):
        return
    place, bad = _first_of(listed, signed)
    raise _refusal(name, place, bad, signed)


def _is_weight(number: Any, signed: bool) -> bool:
    return bool((signed or number >= 0) and abs(number) < inf)


def _first_of(listed: Any, signed: bool) -> tuple[list[int], Any]:
    """Return the position of the first number that is none, and the number."""
    if not is_sequence(listed):
        return [], listed
    for i, item in enumerate(listed):
        for number in flat(item):
            if not _is_weight(number, signed):
                place, bad = _first_of(item, signed)
                return [i, *place], bad
    raise AssertionError  # only asked where there is one


def checked_on_host(name: str, array: Array, backend: Backend, signed: bool = False) -> bool:
    """Refuse a NumPy array that is no weight; tell whether it could be read."""
    if not backend.sees_numpy():
        return False
    found = host().extremes(array) if array.size else None
    if found is not None and not _are_weights(*found, signed):
        _refuse(name, array, signed)
    return True


def checked(name: str, weight: Array, signed: bool = False) -> Array:
    """Return a weight that is one, as far as can be read, and elsewhere NaN where it is none."""
    if 0 in weight.shape:
        return weight
    backend = backend_of(weight)
    found = backend.extremes(weight)
    if found is None:
        xp = backend.namespace
        most = xp.finfo(weight.dtype).max
        none = (weight < (-most if signed else 0.0)) | (weight > most)
        return xp.where(none, xp.nan, weight)
    if not _are_weights(*found, signed):
        _refuse(name, weight, signed)
    return weight


def _are_weights(least: float, greatest: float, signed: bool) -> bool:
    """Tell by the extremes, NaN if there is one, whether all are finite and >= 0."""
    return bool((least > -inf if signed else least >= 0) and greatest < inf)


def _refuse(name: str, array: Array, signed: bool) -> None:
    """Raise for the first element that is no weight."""
    backend = backend_of(array)
    xp = backend.namespace
    array = backend.detach(array)
    fits = (array > -inf if signed else array >= 0) & (array < inf)
    first = _first_true(~fits)
    bad = float(xp.reshape(array, (-1,))[first])
    raise _refusal(name, place_of(first, array.shape), bad, signed)


def all_inside(
    name: str,
    values: Array,
    outside: Array,
    low: int,
    high: int,
    hint: Callable[[int], str] | None = None,
) -> bool:
    """Raise for the first value that is ``outside``; tell whether that could be checked.

    A tracer, a compiled graph, an accelerator cannot be asked: False, and the caller puts NaN.
    Whole numbers are asked for where there is a ``hint``: what to write if such a one is meant.
    """
    backend = backend_of(outside)
    xp = backend.namespace
    found = backend.read(xp.any(outside))
    if found:
        first = _first_true(outside)
        bad: Any = xp.reshape(values, (-1,))[first]
        bad = int(bad) if float(bad).is_integer() else float(bad)
        place = placed(name, place_of(first, values.shape))
        kind = "values" if hint is None or isinstance(bad, int) else "whole numbers"
        more = hint(bad) if hint is not None and isinstance(bad, int) else ""
        if isnan(bad):
            more = " (NaN, or a null); if it means not labelled, ignore_index=float('nan')"
        raise ValueError(f"{name}: expected {kind} in {low}..{high}, got {place} = {bad}{more}")
    return found is not None


def _first_true(flags: Array) -> int:
    """Return where the first true one is in the flat array."""
    xp = backend_of(flags).namespace
    return int(xp.argmax(xp.astype(xp.reshape(flags, (-1,)), xp.int32), axis=0))


def place_of(first: int, shape: Any) -> list[int]:
    """Return the position of an element that is ``first`` in the flat array."""
    place: list[int] = []
    for size in reversed(shape):
        first, index = divmod(first, int(size))
        place.insert(0, index)
    return place


def placed(name: str, place: list[int]) -> str:
    """Return a name with a position as errors show it."""
    return f"{name}[{', '.join(map(str, place))}]" if place else name


def _refusal(name: str, place: list[int], bad: Any, signed: bool) -> ValueError:
    expected = "finite numbers" if signed else "finite numbers >= 0"
    return ValueError(f"{name}: expected {expected}, got {placed(name, place)} = {bad!r}")
