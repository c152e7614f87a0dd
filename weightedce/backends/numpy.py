"""NumPy: speaks the standard itself, on one device, without derivatives."""

from operator import mul as product
from typing import Any

import numpy as namespace

from weightedce.backends import Array
from weightedce.backends.numpy_blocks import (
    attach,
    block_elements,
    by_blocks,
    label_log_softmax,
)

__all__ = [
    "attach",
    "block_elements",
    "by_blocks",
    "detach",
    "device",
    "extremes",
    "fixed",
    "label_log_softmax",
    "namespace",
    "product",
    "read",
    "shape",
]


def detach(array: Array) -> Array:
    """Return ``array``: NumPy has no derivatives."""
    return array


def read(flag: Array) -> bool:
    """Read ``flag``: NumPy is always concrete and on the CPU."""
    return bool(flag)


def extremes(array: Array) -> tuple[Any, Any]:
    """Return the least and the greatest element."""
    # not the methods, which take twice as long for 32 elements
    least, greatest = namespace.minimum, namespace.maximum
    return least.reduce(array, axis=None), greatest.reduce(array, axis=None)


def shape(array: Array) -> tuple[Any, ...]:
    """Return the shape as a tuple."""
    return tuple(array.shape)


def device(_: Array) -> Any:
    """Return the default: there is one device."""
    return None


def fixed(array: Array, _: tuple[Any, ...]) -> Array:
    """Return ``array``: its shape is always known, and has been checked."""
    return array
