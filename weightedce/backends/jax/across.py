"""JAX: sums over the axes of a mesh, and of counts over processes."""

from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from jax.experimental import multihost_utils

from weightedce.backends.handed import Array


def across(sums: Array, devices: Any, gradients: str | None) -> Array:
    """Return the sums over axes of a mesh; JAX knows what becomes of the gradient."""
    if gradients is not None:
        raise TypeError(
            f"gradients: expected None, since JAX differentiates sums over devices itself, got "
            f"{gradients!r}"
        )
    if devices is None:
        raise TypeError(
            "devices: expected the name of an axis of jax.shard_map, or several, got None: "
            "outside of it an array is that of all devices, and so are its sums"
        )
    try:
        found: Array = jax.lax.psum(sums, devices)
    except NameError as error:
        raise ValueError(
            f"devices: expected the name of an axis of the jax.shard_map around it, or "
            f"several, got {devices!r:.80} ({error})"
        ) from None
    return found


def adder(devices: Any) -> Callable[[Array], Array] | None:
    """Return what adds up a NumPy vector of integers over the processes of jax.distributed.

    A program for several devices of one process runs once, and so does its counter.
    """
    several = isinstance(devices, tuple | list) and devices
    if isinstance(devices, str) or (several and all(isinstance(name, str) for name in devices)):
        raise TypeError(
            f"devices: expected None, for all processes of jax.distributed, got {devices!r:.80}: "
            f"a counter reads labels, which inside of jax.shard_map nobody can: there write "
            f"jax.lax.psum(class_counts(labels, K), {devices!r:.80})"
        )
    if devices is not None or not jax.distributed.is_initialized() or jax.process_count() == 1:
        return None
    return _added


def _added(counts: Array) -> Array:
    halves = counts.view(np.uint32)  # where JAX has no integers of 64 bits
    parts = np.asarray(multihost_utils.process_allgather(halves)).reshape(-1, halves.size)
    found: Array = np.ascontiguousarray(parts).view(np.int64).sum(axis=0)
    return found
