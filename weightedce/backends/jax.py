"""JAX: speaks the standard itself; places new arrays by itself."""

import jax
import jax.numpy as namespace

from weightedce.backends import Array
from weightedce.backends.numpy import device, fixed, shape

__all__ = ["detach", "device", "fixed", "namespace", "read", "shape"]

detach = jax.lax.stop_gradient


def read(flag: Array) -> bool | None:
    """Read ``flag`` unless it is traced or lives on an accelerator or another host."""
    if isinstance(flag, jax.core.Tracer) or not flag.is_fully_addressable:
        return None
    return bool(flag) if all(device.platform == "cpu" for device in flag.devices()) else None
