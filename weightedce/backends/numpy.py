"""NumPy: speaks the standard itself, on one device, without derivatives."""

from typing import Any

import numpy as namespace

from weightedce.backends import Array
from weightedce.backends.standard import detach, shape

__all__ = ["detach", "device", "namespace", "read", "shape"]


def read(flag: Array) -> bool:
    """Read ``flag``: NumPy is always concrete and on the CPU."""
    return bool(flag)


def device(_: Array) -> Any:
    """Return the default: there is one device."""
    return None
