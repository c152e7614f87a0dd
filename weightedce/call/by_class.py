"""Numbers that come with their classes: ``{class: number}``, a column whose index says the class.

Among the latter are counts as ``value_counts()`` gives them, in the order of their size.
"""

from collections.abc import Mapping
from numbers import Real
from typing import Any

from weightedce.call import columns


def by_class(value: Any) -> bool:
    """Tell whether classes come with the numbers."""
    if type(value) in (float, list):  # so it is most often, and what follows takes time
        return False
    if isinstance(value, Mapping):
        return True
    if (
        isinstance(value, Real)
        or not hasattr(value, "to_numpy")
        or callable(getattr(value, "index", len))
    ):
        return False
    index = value.index
    return len(value.shape) == 1 and not (
        getattr(index, "start", None) == 0 and getattr(index, "step", None) == 1
    )


def in_order(name: str, value: Any, classes: int | None, default: float) -> Any:
    """Return the numbers in the order of the classes, ``default`` for those that are not there.

    Of a column a NumPy array, else a list. ``classes`` None: as many as the largest one says.
    """
    column = not isinstance(value, Mapping)
    if column:
        keys = value.index.to_numpy().tolist()
        numbers = columns.column(value, name).tolist()
    else:
        keys, numbers = list(value), list(value.values())
    places = [_class_of(name, key) for key in keys]
    size = max(places, default=-1) + 1 if classes is None else classes
    if len(set(places)) < len(places):
        raise ValueError(f"{name}: expected each class once, got {_several(keys)}")
    for place in places:
        if place >= size:
            raise ValueError(
                f"{name}: expected numbers for classes in 0..{size - 1}, got one for {place}"
            )
    listed: list[Any] = [default] * size
    for place, number in zip(places, numbers, strict=True):
        listed[place] = number
    return columns.host_array(name, listed) if column else listed


def _class_of(name: str, key: Any) -> int:
    """Return the class that a key names."""
    if isinstance(key, Real) and float(key).is_integer() and float(key) >= 0:
        return int(float(key))
    raise TypeError(
        f"{name}: expected numbers for classes 0, 1, ..., got one for {key!r}: give them in the "
        f"order of the classes, as a list or by to_numpy()"
    )


def _several(keys: list[Any]) -> str:
    return f"{len(keys)} numbers for {len(set(keys))}"
