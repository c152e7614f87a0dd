"""Jets: NumPy's arrays with their first and second derivatives, for `derivatives`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from weightedce.backends.adding import in_pieces
from weightedce.backends.contract import Backend
from weightedce.backends.handed import Array, Block
from weightedce.backends.jet import namespace
from weightedce.backends.jet.jet import ALONG, OWN, WIDE, Jet, square, summed
from weightedce.numerics.bends import BENT, Bent, label_bent

__all__ = ["Jet", "along", "backend", "own"]


class Jets(Backend):
    """NumPy, with two derivatives carried along. What is made of targets and weights has none."""

    namespace = namespace
    name = "NumPy"

    def read(self, flag: Array, /) -> bool:
        """Return a 0-d boolean as a bool."""
        return bool(flag)

    def extremes(self, array: Array, /) -> tuple[Any, Any]:
        """Return the least and the greatest element; a NaN is found first."""
        values = np.asarray(array.value)
        return values.item(values.argmin()), values.item(values.argmax())

    def to_host(self, array: Array, /) -> Any | None:
        """Return a constant, and None of what has a derivative."""
        return array.value if array.way is None else None

    def constant(self, values: Any, _: Array, /) -> Array:
        """Return a jet without derivatives."""
        return Jet(values)

    def detach(self, array: Array, /) -> Array:
        """Return the value alone."""
        return array if array.way is None else Jet(array.value)

    def bincount(self, labels: Array, size: int, /) -> Array:
        """Count 0..size-1 in a vector of integers in 0..size."""
        return Jet(np.bincount(labels.value, minlength=size)[:size])

    def sum(self, array: Array, /, axis: int | None = None, *, keepdims: bool = False) -> Array:
        """Return the sum, with the derivatives to each logit of the row."""
        return summed(array, axis, keepdims, _added)

    def attach(self, block: Block, axis: int | None, logits: Array, /, *factors: Array) -> Array:
        """Return the block by its slope and bend, where they are known, else the composed form."""
        bent = BENT.get(block.sloped.func)
        if bent is None or not _fits(logits, axis) or any(x.way is not None for x in factors):
            return block.composed(logits, *factors)
        with np.errstate(all="ignore"):
            found = bent(*block.sloped.args, logits.value, *(x.value for x in factors))
        finite = np.isfinite(found.value).all()
        return _chained(found, logits, axis) if finite else block.composed(logits, *factors)

    def label_loss(
        self, composed: Callable[..., Array], logits: Array, labels: Array, axis: int, /
    ) -> Array:
        """Return ``logsumexp(z) - z_y``, wide; where each class is looked at alone composed."""
        if not _fits(logits, axis):
            return composed(logits, labels, axis)
        with np.errstate(all="ignore"):
            found = label_bent(axis, logits.shape[axis], logits.value, labels.value)
        finite = np.isfinite(found.value).all()
        return _chained(found, logits, axis) if finite else composed(logits, labels, axis)


def own(logits: Any, axis: int) -> Jet:
    """Return logits that each element is differentiated to; those along an axis are a row."""
    return Jet(logits, 1.0, None, OWN, axis)


def along(logits: Any, axis: int, place: int) -> Jet:
    """Return logits of which those at a place along the axis are what is differentiated to."""
    first = np.zeros_like(logits)
    first[(slice(None),) * axis + (place,)] = 1.0
    return Jet(logits, first, None, ALONG, axis)


def beside(found: Jet, shape: tuple[int, ...], axis: int = -1) -> tuple[Array, Array]:
    """Return both derivatives in the shape of the logits, those to a row's logits on an axis."""
    both = []
    for x in (found.first, found.second):
        x = np.asarray(0.0 if x is None else x, found.dtype)
        x = np.moveaxis(x, -1, axis) if found.wide else x
        both.append(np.ascontiguousarray(np.broadcast_to(x, shape)))
    return both[0], both[1]


def _fits(logits: Jet, axis: int | None) -> bool:
    """Tell whether a block may be taken by its slope: of the logits' own derivatives."""
    return logits.way == OWN and axis in (None, logits.axis)


def _chained(found: Bent, logits: Jet, axis: int | None) -> Jet:
    """Return a block of logits that are made of others."""
    value, slope, bend = found
    if axis is None:
        return logits.chained(value, slope, bend)
    whole = Jet(logits.value, logits.first, logits.second, OWN).chained(value, slope, bend)
    first, second = (np.moveaxis(x, axis, -1) for x in (whole.first, whole.second))
    return Jet(value, first, second, WIDE)


def _added(array: Array, axis: int | None, keepdims: bool) -> Array:
    """Return the sum as `Backend.sum` promises it."""
    if axis is None or axis % array.ndim == array.ndim - 1:
        return array.sum(axis=axis, keepdims=keepdims)
    return in_pieces(np, array, axis, keepdims)


backend = Jets()
