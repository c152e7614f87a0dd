"""JAX: several sums over the classes in one loop, and counts that 32 bits do not hold."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp

from weightedce.backends.adding import PIECE
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
    adds several one by one, so these stop after some classes that lie side by side, and what they
    leave is summed alone: over 128,000 classes that is 2 ulp instead of 240.
    """
    first, *others = arrays
    if explicit(first):  # arrays that lie in different ways make no loop together
        return [jnp.sum(x, axis=axis, keepdims=True) for x in arrays]
    # JAX cannot differentiate this reduction where some arrays have a tangent and some have none
    linked = (first, *(jax.lax.select(jnp.array(False), first, x) for x in others))
    classes = first.shape[axis]
    if classes <= PIECE:
        return [jnp.expand_dims(x, axis) for x in _together(axis, linked)]
    size = _side_by_side(classes)
    split = (*first.shape[:axis], -1, size, *first.shape[axis + 1 :])
    pieces = [_filled(x, axis, size).reshape(split) for x in linked]
    return [jnp.sum(x, axis=axis, keepdims=True) for x in _together(axis + 1, pieces)]


def _side_by_side(classes: int) -> int:
    """Return how many classes make a piece, of which there is a whole number if there can be."""
    size = max(n for n in range(1, 2 * PIECE + 1) if classes % n == 0)
    return size if size >= PIECE // 4 else PIECE


def _filled(array: Array, axis: int, size: int) -> Array:
    """Return the array with as many zeros as its last piece lacks."""
    missing = -array.shape[axis] % size
    if not missing:
        return array
    return jnp.pad(array, [(0, missing if i == axis else 0) for i in range(array.ndim)])


def _together(axis: int, arrays: Sequence[Array]) -> Sequence[Array]:
    nothing = tuple(jnp.zeros((), x.dtype) for x in arrays)
    found: Sequence[Array] = jax.lax.reduce(tuple(arrays), nothing, _add, (axis,))
    return found


def _add(some: Sequence[Array], more: Sequence[Array]) -> tuple[Array, ...]:
    """Add one by one; a function made anew in each eager call would be compiled in each."""
    return tuple(a + b for a, b in zip(some, more, strict=True))
