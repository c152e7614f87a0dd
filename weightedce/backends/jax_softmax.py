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
FEW = 8  # classes: a comparison with each is fused; of 10 a lookup takes 0.8 of the time


def label_log_softmax(composed: Composed, logits: Array, labels: Array, axis: int) -> Array:
    """Return ``logsumexp(z) - z_y``."""
    return _block(composed, axis, logits, labels)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _block(_: Composed, axis: int, logits: Array, labels: Array) -> Array:
    return _label_loss(logits, labels, axis)[1].loss


@_block.defjvp
def _block_jvp(composed: Composed, axis: int, primals: Any, tangents: Any) -> Any:
    logits, labels = primals
    moved = jnp.sum(_derivative(composed, axis, logits, labels) * tangents[0], axis)
    return _block(composed, axis, logits, labels), moved


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _derivative(_: Composed, axis: int, logits: Array, labels: Array) -> Array:
    ratios, found = _label_loss(logits, labels, axis)
    scale, at_label = (jnp.expand_dims(x, axis) for x in (found.scale, found.at_label))
    return jnp.where(_hit(logits, labels, axis), at_label, ratios * scale)


@_derivative.defjvp
def _derivative_jvp(composed: Composed, axis: int, primals: Any, tangents: Any) -> Any:
    logits, labels = primals
    gradient = jax.grad(lambda z: jnp.sum(composed(z, labels, axis)))
    bend = jax.jvp(gradient, (logits,), (tangents[0],))[1]
    return _derivative(composed, axis, logits, labels), bend


def _label_loss(logits: Array, labels: Array, axis: int) -> tuple[Array, softmax.LabelLoss]:
    """Return ``exp(z_k - max z)``, 0 for the label, and the loss with its derivative."""
    highest = jnp.max(logits, axis=axis, keepdims=True)
    by, factor = softmax.shift_of(highest, logits.shape[axis])
    ratios = softmax.shifted_exp(logits, by) * factor
    ratios = jnp.where(_hit(logits, labels, axis), 0.0, ratios)
    logit, highest = _at(logits, labels, axis), jnp.squeeze(highest, axis)
    rest = softmax.rest_of(logit, highest, jnp.sum(ratios, axis=axis))
    return ratios, softmax.label_loss(logit, highest, rest)


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
    """Return the weight of each label, or its row of a matrix."""
    if len(weight) > FEW and not _explicit(labels):
        return weight[labels]
    hit = jnp.expand_dims(labels, -1) == jnp.arange(len(weight), dtype=labels.dtype)
    hit = hit.reshape(*hit.shape, *[1] * (weight.ndim - 1))
    return jnp.sum(jnp.where(hit, weight, 0.0), axis=labels.ndim)


def _hit(values: Array, labels: Array, axis: int) -> Array:
    classes = jax.lax.broadcasted_iota(labels.dtype, values.shape, axis)
    return classes == jnp.expand_dims(labels, axis)


def _each_row(of: Callable[[Array, Array], Array], values: Array, labels: Array) -> Array:
    """Map over all axes but the last: such lookups stay within the shards of a batch."""
    for _ in range(labels.ndim):
        of = jax.vmap(of)
    return of(values, labels)
