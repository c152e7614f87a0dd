"""JAX: the softmax block of labels with a derivative of its own.

Autodiff of the block of all classes takes many passes over arrays of the size of the logits;
here the derivative is made of the exponentials that the value needs anyway. The derivative of
the derivative is that of the composed block: forward, reverse, and every order are right.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from weightedce.backends.handed import Array
from weightedce.numerics import softmax

Composed = Callable[[Array, Array, int], Array]
FEW = 8  # classes: a comparison with each is fused; of 10 a lookup takes 0.8 of the time
NARROW = 32  # classes: so few are added up faster as a product with ones


def label_loss(composed: Composed, logits: Array, labels: Array, axis: int) -> Array:
    """Return ``logsumexp(z) - z_y``."""
    return _block(composed, axis, logits, labels)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _block(_: Composed, axis: int, logits: Array, labels: Array) -> Array:
    return _label_loss(logits, labels, axis).loss


@_block.defjvp
def _block_jvp(composed: Composed, axis: int, primals: Any, tangents: Any) -> Any:
    loss, derivative = _with_derivative(composed, axis, *primals)
    return loss, jnp.sum(derivative * tangents[0], axis)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _with_derivative(_: Composed, axis: int, logits: Array, labels: Array) -> tuple[Array, Array]:
    found = _label_loss(logits, labels, axis)
    # minus the sum of the others is in the label's place: one factor a row is left to be applied
    signed = _put(found.powers, labels, -found.sums, axis)
    return found.loss, signed * jnp.expand_dims(found.scale, axis)


@_with_derivative.defjvp
def _with_derivative_jvp(composed: Composed, axis: int, primals: Any, tangents: Any) -> Any:
    logits, labels = primals
    gradient = jax.grad(lambda z: jnp.sum(composed(z, labels, axis)))
    bend = jax.jvp(gradient, (logits,), (tangents[0],))[1]
    loss, derivative = _with_derivative(composed, axis, logits, labels)
    return (loss, derivative), (jnp.sum(derivative * tangents[0], axis), bend)


class _LabelLoss(NamedTuple):
    """The loss, and what its derivative is made of."""

    loss: Array
    powers: Array  # of the logits, 0 for the label; the derivative to another is that times `scale`
    sums: Array  # of the powers; the derivative to the label is minus that times `scale`
    scale: Array


def _label_loss(logits: Array, labels: Array, axis: int) -> _LabelLoss:
    highest = jnp.max(logits, axis=axis, keepdims=True)
    by, factor = softmax.shift_of(highest, logits.shape[axis])
    powers = softmax.shifted_exp(logits, by)
    powers = _put(powers, labels, jnp.zeros(labels.shape, powers.dtype), axis)
    sums = _sum(powers, axis)
    highest, factor = (jnp.squeeze(x, axis) for x in (highest, factor))
    found = softmax.label_loss(at_labels(logits, labels, axis), highest, sums * factor)
    return _LabelLoss(found.loss, powers, sums, found.scale * factor)


def _put(values: Array, labels: Array, numbers: Array, axis: int) -> Array:
    """Return the values with a number of each row in the place of its label.

    On a CPU it is written there: a select makes the loop of the exponentials take 1.6 times as
    long, and all of (8192, 1000) 1.3 times. Elsewhere, and for few classes, a select is cheaper.
    """
    few = values.shape[axis] <= NARROW or axis != values.ndim - 1 or explicit(values)
    if few or jax.default_backend() != "cpu":
        return jnp.where(_hit(values, labels, axis), jnp.expand_dims(numbers, axis), values)
    return _each_row(_put_in_row, values, labels, numbers)


def _put_in_row(row: Array, label: Array, number: Array) -> Array:
    return row.at[label].set(number, mode="promise_in_bounds")


def at_labels(values: Array, labels: Array, axis: int = -1) -> Array:
    """Return the values of the labels."""
    axis %= values.ndim
    if _compares(values, axis):
        return _sum(jnp.where(_hit(values, labels, axis), values, 0.0), axis)
    return _each_row(lambda row, label: row[label], values, labels)


def _sum(values: Array, axis: int) -> Array:
    """Return the sum over the classes."""
    if values.shape[axis] > NARROW or axis != values.ndim - 1:
        return jnp.sum(values, axis=axis)
    # XLA on the CPU: 65536 rows of 10 take 0.08 ms, their sum 0.18
    ones = jnp.ones(values.shape[axis], values.dtype)
    return jnp.matmul(values, ones, precision=jax.lax.Precision.HIGHEST)


def _compares(values: Array, axis: int) -> bool:
    return values.shape[axis] <= FEW or axis != values.ndim - 1 or explicit(values)


def explicit(values: Array) -> bool:
    """Tell whether the axes of a mesh are explicit: JAX then refuses lookups across them."""
    kinds = jax.typeof(values).sharding.mesh.axis_types
    return any(kind == jax.sharding.AxisType.Explicit for kind in kinds)


def look_up(weight: Array, labels: Array) -> Array:
    """Return the weight of each label, or its row of a matrix."""
    if len(weight) > FEW and not explicit(labels):
        return weight[labels]
    hit = jax.lax.broadcasted_iota(labels.dtype, (*labels.shape, len(weight)), labels.ndim)
    hit = hit == jnp.expand_dims(labels, -1)
    hit = hit.reshape(*hit.shape, *[1] * (weight.ndim - 1))
    weight = jnp.expand_dims(weight, tuple(range(labels.ndim)))
    return jnp.sum(jnp.where(hit, weight, 0.0), axis=labels.ndim)


def one_hot(labels: Array, logits: Array, axis: int, on: float, off: float) -> Array:
    """Return ``on`` for the class of each label, ``off`` for the others, laid like the logits."""
    found = jnp.where(_hit(logits, labels, axis), jnp.asarray(on, logits.dtype), off)
    return found * jnp.ones_like(logits) if explicit(logits) else found


def _hit(values: Array, labels: Array, axis: int) -> Array:
    classes = jax.lax.broadcasted_iota(labels.dtype, values.shape, axis)
    return classes == jnp.expand_dims(labels, axis)


def _each_row(of: Callable[..., Array], values: Array, labels: Array, *numbers: Array) -> Array:
    """Map over all axes but the last: such lookups stay within the shards of a batch."""
    for _ in range(labels.ndim):
        of = jax.vmap(of)
    return of(values, labels, *numbers)
