"""Blocks over classes, by slope and bend: wide of a row's own logits, else along a direction."""

from collections.abc import Callable
from typing import Any

import numpy as np

from weightedce.backends.handed import Array
from weightedce.backends.jet.jet import ALONG, OWN, WIDE, Jet
from weightedce.numerics.bends import Bent


def of_classes(form: Callable[..., Bent], logits: Jet, axis: int, factor: Any) -> Jet | None:
    """Return a form of (K, N) logits, one number a row; None where the way is another.

    Few classes have short rows, in which NumPy is slow: each is gone through for all rows.
    """
    if logits.way not in (OWN, ALONG) or axis != logits.axis:
        return None
    z = np.moveaxis(logits.value, axis, 0)
    by_class = (len(z), -1)
    if factor.ndim == z.ndim:  # one number a class
        factor = np.moveaxis(factor, axis, 0)
    factor = factor.reshape(by_class if factor.ndim == z.ndim else -1)
    found = form(np.ascontiguousarray(z.reshape(by_class)), factor)
    value = found.value.reshape(z.shape[1:])
    all_three: list[Any] = [found.slope, found.bend, found.spread]
    slope, bend, spread = (np.moveaxis(x.reshape(z.shape), 0, -1) for x in all_three)
    first, second = (
        np.moveaxis(x, axis, -1) if isinstance(x, np.ndarray) and x.ndim else x
        for x in (logits.first, logits.second)
    )
    if logits.way == OWN:
        whole = Jet(logits.value, first, second, OWN).chained(value, slope, bend)
        made = Jet(value, whole.first, whole.second, WIDE)
    else:
        made = Jet(value, *_along(slope, spread, first, second), ALONG)
    made.low = None if found.low is None else found.low.reshape(value.shape)
    return made


def _along(slope: Array, spread: Array, first: Array, second: Array) -> tuple[Array, Array]:
    """Return both derivatives along a direction.

    The second is that of the Hessian, a variance: ``sum_k s_k (d_k - mean)^2``, no term of which
    is negative.
    """
    total = spread.sum(axis=-1, keepdims=True)
    mean = (spread * first).sum(axis=-1, keepdims=True) / np.where(total == 0.0, 1.0, total)
    bend = (spread * (first - mean) ** 2).sum(axis=-1)
    if second is not None:
        bend = bend + (slope * second).sum(axis=-1)
    return (slope * first).sum(axis=-1), bend
