"""Jets: NumPy's arrays with their first and second derivatives, for `derivatives`."""

from collections.abc import Callable
from typing import Any

import numpy as np

from weightedce.backends.adding import in_pieces
from weightedce.backends.contract import Backend
from weightedce.backends.handed import Array, Block
from weightedce.backends.jet import namespace
from weightedce.backends.jet.classes import of_classes
from weightedce.backends.jet.jet import ALONG, OWN, Jet
from weightedce.backends.jet.sums import summed
from weightedce.numerics.bends import BENT, label_bent, mass_bent
from weightedce.numerics.mass import mass_with_slope

__all__ = ["Jet", "along", "backend", "beside", "own", "towards"]


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
        """Return the block by its slope and bend, where they are known, else the composed form.

        For speed: of a million logits of float32 binary cross-entropy takes 2 times as long
        without, the focal loss 10 times, smoothed labels of 10 classes 30 times, since each class
        is then gone through by itself. And for digits: see `bends`.
        """
        func, made = block.sloped.func, None
        if all(x.way is None for x in factors):
            values = [np.broadcast_to(x.value, logits.shape) for x in factors]
            if axis is None and func in BENT and logits.way == OWN:
                value, slope, bend, *_ = BENT[func](*block.sloped.args, logits.value, *values)
                made = logits.chained(value, slope, bend)
            elif axis is not None and func is mass_with_slope:
                made = of_classes(mass_bent, logits, axis, *values)
        found = made is not None and np.isfinite(made.value).all()
        return made if found else block.composed(logits, *factors)

    def label_loss(
        self, composed: Callable[..., Array], logits: Array, labels: Array, axis: int, /
    ) -> Array:
        """Return ``logsumexp(z) - z_y``."""
        made = of_classes(label_bent, logits, axis, labels.value)
        found = made is not None and np.isfinite(made.value).all()
        return made if found else composed(logits, labels, axis)


def own(logits: Any, axis: int) -> Jet:
    """Return logits that each element is differentiated to; those along an axis are a row."""
    return Jet(logits, 1.0, None, OWN, axis)


def along(logits: Any, axis: int, place: int) -> Jet:
    """Return logits of which those at a place along the axis are what is differentiated to."""
    first = np.zeros_like(logits)
    first[(slice(None),) * axis + (place,)] = 1.0
    return towards(logits, first, axis)


def towards(logits: Any, direction: Any, axis: int) -> Jet:
    """Return logits whose derivatives are those along a direction, of their shape."""
    return Jet(logits, direction, None, ALONG, axis)


def beside(found: Jet, shape: tuple[int, ...], axis: int = -1) -> tuple[Array, Array]:
    """Return both derivatives in the shape of the logits, those to a row's logits on an axis."""
    both = []
    for x in (found.first, found.second):
        x = np.asarray(0.0 if x is None else x, found.dtype)
        x = np.moveaxis(x, -1, axis) if found.wide else x
        x = np.broadcast_to(x, shape)
        both.append(x if x.flags.c_contiguous and x.flags.writeable else np.array(x, order="C"))
    return both[0], both[1]


def _added(array: Array, axis: int | None, keepdims: bool) -> Array:
    """Return the sum as `Backend.sum` promises it."""
    if axis is None or axis % array.ndim == array.ndim - 1:
        return array.sum(axis=axis, keepdims=keepdims)
    return in_pieces(np, array, axis, keepdims)


backend = Jets()
Jet.namespace = namespace
