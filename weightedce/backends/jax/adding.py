"""JAX: several sums over the classes in one loop, and counts that 32 bits do not hold."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from weightedce.backends.adding import PIECE, folded
from weightedce.backends.handed import Array
from weightedce.backends.jax.labels import explicit

MOST = 2**31  # no integer of 32 bits, JAX's own without x64, counts so many


def count(flags: Array, dtype: Any) -> Array:
    """Return how many of the flags are true, as a float."""
    if flags.size < MOST:
        return jnp.sum(flags, dtype=jnp.int32).astype(dtype)
    return jnp.sum(flags, dtype=dtype)  # as a tree, whose branches are far from 2**24


def sums(axis: int, arrays: Sequence[Array]) -> Sequence[Array]:
    """Return the sum of each array over the classes, in one loop.

    Each in a loop of its own takes 1 ns an element. XLA compiles a sum of one array as a tree, but
    adds several one by one, so these stop at `PIECE` classes, and what they leave is summed alone:
    over 128,000 classes that is 2 ulp instead of 240.
    """
    first, *others = arrays
    if explicit(first):  # arrays that lie in different ways make no loop together
        return [jnp.sum(x, axis=axis, keepdims=True) for x in arrays]
    # JAX cannot differentiate this reduction where some arrays have a tangent and some have none
    linked = (first, *(jax.lax.select(jnp.array(False), first, x) for x in others))
    if first.shape[axis] <= PIECE:
        return [jnp.expand_dims(x, axis) for x in _together(axis, linked)]
    pieces, left = zip(*(folded(jnp, x, x.shape, axis) for x in linked), strict=True)
    found = [jnp.sum(x, axis=axis, keepdims=True) for x in _together(axis, pieces)]
    if not left[0].shape[axis]:
        return found
    more = (jnp.expand_dims(x, axis) for x in _together(axis, left))
    return [a + b for a, b in zip(found, more, strict=True)]


def _together(axis: int, arrays: Sequence[Array]) -> Sequence[Array]:
    nothing = tuple(jnp.zeros((), x.dtype) for x in arrays)
    found: Sequence[Array] = jax.lax.reduce(tuple(arrays), nothing, _add, (axis,))
    return found


def _add(some: Sequence[Array], more: Sequence[Array]) -> tuple[Array, ...]:
    """Add one by one; a function made anew in each eager call would be compiled in each."""
    return tuple(a + b for a, b in zip(some, more, strict=True))
