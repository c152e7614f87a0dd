"""JAX: whether the numbers of an array are there to be read."""

import jax

from weightedce.backends.handed import Array


def readable(array: Array) -> bool:
    """Tell whether an array is in this process's memory: not traced, nor on an accelerator."""
    if isinstance(array, jax.core.Tracer) or not array.is_fully_addressable:
        return False
    return all(device.platform == "cpu" for device in array.devices())
