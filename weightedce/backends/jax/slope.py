"""JAX: blocks of logits and factors, elementwise or over classes, with a derivative of their own.

The derivative of the derivative is that of the composed block: forward, reverse, and every order
are right.
"""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jax.custom_derivatives import SymbolicZero

from weightedce.backends.handed import Array, Block


def attach(block: Block, axis: int | None, logits: Array, *factors: Array) -> Array:
    """Return the block in few passes."""
    return _attached(block, axis, logits, *(_laid_like(logits, x) for x in factors))


def _laid_like(logits: Array, factor: Array) -> Array:
    """Return the factor with the sharding of the logits, that of an explicit mesh.

    Selects want it alike; a product takes what is replicated as well.
    """
    alike = jax.typeof(factor).sharding == jax.typeof(logits).sharding
    return factor if alike else factor * jnp.ones_like(logits)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _attached(block: Block, _: int | None, *arrays: Array) -> Array:
    return _selected(block.sloped(*arrays, False)[0])


@partial(_attached.defjvp, symbolic_zeros=True)
def _attached_jvp(block: Block, axis: int | None, primals: Any, tangents: Any) -> Any:
    logits, *factors = arrays = _own(primals)
    still = [isinstance(x, SymbolicZero) for x in tangents]
    along = [jnp.zeros_like(x) if s else t for x, t, s in zip(arrays, tangents, still, strict=True)]
    # at once: of the value alone XLA would make other loops, and read everything twice
    value, slope = _with_slope(block, axis, *arrays)
    tangent = along[0] if still[0] else along[0] * slope
    if axis is not None:
        tangent = jnp.sum(tangent, axis)
    if not all(still[1:]):  # XLA would compute what is multiplied by 0
        tangent += jax.jvp(partial(block.composed, logits), factors, along[1:])[1]
    return value, tangent


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _with_slope(block: Block, _: int | None, *arrays: Array) -> tuple[Array, Array]:
    value, slope = block.sloped(*arrays, True)
    return _selected(value), slope


@_with_slope.defjvp
def _with_slope_jvp(block: Block, axis: int | None, primals: Any, tangents: Any) -> Any:
    def gradient(logits: Array, *factors: Array) -> Array:
        return jax.grad(lambda z: jnp.sum(block.composed(z, *factors)))(logits)

    arrays = _own(primals)
    value, tangent = jax.jvp(partial(_attached, block, axis), arrays, tangents)
    slope, bend = _with_slope(block, axis, *arrays)[1], jax.jvp(gradient, arrays, tangents)[1]
    return (value, slope), (tangent, bend)


def _selected(value: Array) -> Array:
    """Return the value by a select, with which XLA computes what is summed up in one loop.

    Of sums and products it makes a reduction that takes each factor from memory: 4 arrays of the
    size of the logits instead of 1, and on 4 million 25 ms instead of 7.
    """
    return jnp.where(jnp.isnan(value), jnp.nan, value)


def _own(primals: Any) -> tuple[Array, ...]:
    """Return JAX's arrays: a jvp along arrays of NumPy comes here with these."""
    return tuple(jnp.asarray(x) for x in primals)
