"""Sums over the classes, in which each logit keeps its own derivative."""

from typing import Any

import numpy as np

from weightedce.backends.handed import MixedError, RowsError
from weightedce.backends.jet.jet import ALONG, WIDE, Jet


def summed(array: Jet, axis: int | None, keepdims: bool, add: Any) -> Jet:
    """Return the sum by ``add(array, axis, keepdims)``; `RowsError` where it is one over rows."""
    if array.way is None:
        return Jet(add(array.value, axis, keepdims))
    if axis is None or array.way == WIDE or axis % array.ndim != array.axis:
        raise RowsError
    first, second = (
        x if x is None else np.broadcast_to(np.asarray(x, array.dtype), array.shape)
        for x in (array.first, array.second)
    )
    value = add(array.value, axis, keepdims)
    if array.way == ALONG:
        first, second = (x if x is None else add(x, axis, keepdims) for x in (first, second))
        return Jet(value, first, second, ALONG, array.axis if keepdims else -1)
    if keepdims:
        raise MixedError
    first, second = (x if x is None else np.moveaxis(x, axis, -1) for x in (first, second))
    return Jet(value, first, second, WIDE)
