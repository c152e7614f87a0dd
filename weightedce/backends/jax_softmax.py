"""JAX: the softmax block of labels with a derivative of its own.

Autodiff of the block of all classes takes many passes over arrays of the size of the logits;
here the derivative is made of the exponentials that the value needs anyway. The derivative of
the derivative is that of the composed block: forward, reverse, and every order are right.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from weightedce import softmax
from weightedce.backends import Array

Composed = Callable[[Array, Array, int], Array]
FEW = 8  # classes: XLA fuses a comparison with each; with 10 a lookup takes 0.8 of its time


def label_log_softmax(composed: Composed, logits: Array, labels: Array, axis: int) -> Array:
    """Return ``logsumexp(z) - z_y``."""
    return _block(composed, axis, logits, labels)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _block(_: Composed, axis: int, logits: Array, labels: Array) -> Array:
    highest, _, others = _exponentials(logits, labels, axis)
    return softmax.label_loss(_at(logits, labels, axis), highest, others).loss


@_block.defjvp
def _block_jvp(composed: Composed, axis: int, primals: Any, tangents: Any) -> Any:
    logits, labels = primals
    to_others, to_label = _derivative(composed, axis, logits, labels)
    moved = jnp.sum(to_others * tangents[0], axis) + to_label * _at(tangents[0], labels, axis)
    return _block(composed, axis, logits, labels), moved


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _derivative(_: Composed, axis: int, logits: Array, labels: Array) -> Any:
    """Return the derivative to the other classes' logits, 0 for the label, and to the label's.

    Apart, since XLA multiplies the first by what comes from above in the pass that makes it.
    """
    highest, ratios, others = _exponentials(logits, labels, axis)
    found = softmax.label_loss(_at(logits, labels, axis), highest, others)
    return ratios * jnp.expand_dims(found.scale, axis), found.at_label


@_derivative.defjvp
def _derivative_jvp(composed: Composed, axis: int, primals: Any, tangents: Any) -> Any:
    logits, labels = primals
    gradient = jax.grad(lambda z: jnp.sum(composed(z, labels, axis)))
    bend = jax.jvp(gradient, (logits,), (tangents[0],))[1]
    tangent = _without(bend, labels, axis), _at(bend, labels, axis)
    return _derivative(composed, axis, logits, labels), tangent


def _exponentials(logits: Array, labels: Array, axis: int) -> tuple[Array, Array, Array]:
    """Return max z, ``exp(z_k - max z)`` with 0 for the label, and their sum."""
    highest = jnp.max(logits, axis=axis, keepdims=True)
    ratios = softmax.shifted_exp(logits, highest)
    ratios = _without(ratios, labels, axis)
    return jnp.squeeze(highest, axis), ratios, jnp.sum(ratios, axis=axis)


def _without(values: Array, labels: Array, axis: int) -> Array:
    """Return the values with 0 in the place of the label's."""
    if _compares(values, axis):
        return jnp.where(_hit(values, labels, axis), 0.0, values)
    return _each_row(lambda row, label: row.at[label].set(0.0), values, labels)


def _at(values: Array, labels: Array, axis: int) -> Array:
    """Return the values of the labels."""
    if _compares(values, axis):
        return jnp.sum(jnp.where(_hit(values, labels, axis), values, 0.0), axis=axis)
    return _each_row(lambda row, label: row[label], values, labels)


def _compares(values: Array, axis: int) -> bool:
    return values.shape[axis] <= FEW or axis != values.ndim - 1 or _explicit(values)


def _explicit(values: Array) -> bool:
    """Tell whether the axes of a mesh are explicit: JAX then refuses lookups across them."""
    kinds = jax.typeof(values).sharding.mesh.axis_types
    return any(kind == jax.sharding.AxisType.Explicit for kind in kinds)


def look_up(weight: Array, labels: Array) -> Array:
    """Return the weight of each label."""
    if len(weight) > FEW and not _explicit(labels):
        return weight[labels]
    hit = jnp.expand_dims(labels, -1) == jnp.arange(len(weight), dtype=labels.dtype)
    return jnp.sum(jnp.where(hit, weight, 0.0), axis=-1)


def _hit(values: Array, labels: Array, axis: int) -> Array:
    classes = jax.lax.broadcasted_iota(labels.dtype, values.shape, axis)
    return classes == jnp.expand_dims(labels, axis)


def _each_row(of: Callable[[Array, Array], Array], values: Array, labels: Array) -> Array:
    """Map over all axes but the last: such lookups stay within the shards of a batch."""
    for _ in range(labels.ndim):
        of = jax.vmap(of)
    return of(values, labels)
