"""JAX: a softmax whose classes lie along an axis of `jax.shard_map`.

One maximum and one sum go over the devices; value and derivative come of these together, for XLA
would make the collectives of both twice. The derivative of the derivative is that of the plain
form, to the digits of p_k.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from weightedce.backends.handed import Array, Shards
from weightedce.backends.jax.adding import sums as added
from weightedce.numerics import mass as numerics
from weightedce.numerics import softmax, stable

Place = tuple[Any, int, int]  # the name of the axis of the mesh, the axis of classes, how many


def shards(devices: Any, logits: Array, axis: int, _: int) -> Shards:
    """Return how the classes lie; every device has as many, and JAX knows how many there are."""
    mine = logits.shape[axis]
    try:
        start, ranks = jax.lax.axis_index(devices) * mine, jax.lax.axis_size(devices)
    except (NameError, TypeError, ValueError):
        raise ValueError(
            f"shards: expected the name of an axis of the jax.shard_map around it, got "
            f"{devices!r:.80}"
        ) from None
    most, add = partial(_most, devices), partial(jax.lax.psum, axis_name=devices)
    return Shards(devices, start, mine * ranks, mine, None, most, add, partial(_here, start, mine))


def _most(devices: Any, array: Array) -> Array:
    """Return the maximum over the devices, as a constant."""
    return jax.lax.pmax(jax.lax.stop_gradient(array), devices)


def label_loss_of_shards(
    shards: Shards, logits: Array, labels: Array, outside: Array | None, axis: int
) -> Array:
    """Return ``logsumexp(z) - z_y`` of the classes on all devices."""
    place = shards.devices, axis, shards.classes
    lost = jnp.zeros(labels.shape, bool) if outside is None else outside
    found: Array = _labels(place, logits, labels - shards.start, lost)
    return found


def mass_loss_of_shards(
    shards: Shards, of: Callable[..., Array] | None, arrays: Sequence[Array], axis: int
) -> tuple[Array, Array | None]:
    """Return ``sum_k mass_k * of(logsumexp(z) - z_k)``, and for ``of`` None the sum of the mass."""
    logits, mass, *per_class = arrays
    place = shards.devices, axis, shards.classes
    if of is None:
        loss, whole = _mass(place, logits, jnp.broadcast_to(mass, logits.shape))
        return loss, whole
    loss = stable.weighted_sum(mass, of(_minus_log(place, logits), *per_class), axis)
    return shards.sum(loss), None


def _here(start: Array, classes: int, per_class: Array, axis: int) -> Array:
    """Return what lies along an axis for the classes that are here."""
    return jax.lax.dynamic_slice_in_dim(per_class, start, classes, axis)


def _top(place: Place, logits: Array) -> Array:
    """Return the maximum of each row over all devices, as a constant; NaN comes with the sums."""
    top = jax.lax.stop_gradient(jnp.max(logits, place[1], keepdims=True))
    return jax.lax.pmax(jnp.where(top == top, top, -jnp.inf), place[0])


def _softmax(place: Place, logits: Array) -> tuple[Array, Array]:
    """Return -log p_k and p_k in the plain form, which JAX differentiates to any order."""
    name, axis, _ = place
    shift = _top(place, logits)
    shift = jnp.where(jnp.isfinite(shift), shift, 0.0)
    powers = jnp.exp(logits - shift)
    whole = jax.lax.psum(jnp.sum(powers, axis, keepdims=True), name)
    return jnp.log(whole) - (logits - shift), powers / whole


def _total(place: Place, terms: Array) -> Array:
    """Return the sum over the classes of all devices."""
    return jax.lax.psum(jnp.sum(terms, place[1]), place[0])


def _hit(logits: Array, local: Array, axis: int) -> Array:
    classes = jax.lax.broadcasted_iota(local.dtype, logits.shape, axis)
    return classes == jnp.expand_dims(local, axis)


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _labels(place: Place, logits: Array, local: Array, lost: Array) -> Array:
    loss: Array = _labels_with_slope(place, logits, local, lost)[0]
    return loss


@_labels.defjvp
def _labels_jvp(place: Place, primals: Any, tangents: Any) -> Any:
    loss, slope = _labels_with_slope(place, *primals)
    return loss, _total(place, slope * tangents[0])


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _labels_with_slope(
    place: Place, logits: Array, local: Array, lost: Array
) -> tuple[Array, Array]:
    """Return the loss of each row, and its derivative to the logits that are here."""
    name, axis, classes = place
    highest = _top(place, logits)
    by, factor = softmax.shift_of(highest, classes)
    hit = _hit(logits, local, axis)
    powers = jnp.where(hit, 0.0, softmax.shifted_exp(logits, by))
    others = jnp.where(lost, jnp.nan, jnp.sum(powers, axis)) * jnp.squeeze(factor, axis)
    logit = jnp.sum(jnp.where(hit, logits, 0.0), axis)
    others, logit = jax.lax.psum(jnp.stack([others, logit]), name)
    found = softmax.label_loss(logit, jnp.squeeze(highest, axis), others)
    scale, at_label = (jnp.expand_dims(x, axis) for x in (found.scale, found.at_label))
    return found.loss, jnp.where(hit, at_label, powers * (factor * scale))


@_labels_with_slope.defjvp
def _labels_with_slope_jvp(place: Place, primals: Any, tangents: Any) -> Any:
    logits, _, lost = primals
    loss, slope = _labels_with_slope(place, *primals)
    lost = jnp.where(lost, jnp.nan, 1.0).astype(logits.dtype)
    p = _softmax(place, logits)[1] * jnp.expand_dims(lost, place[1])
    moved = jnp.expand_dims(_total(place, p * tangents[0]), place[1])
    return (loss, slope), (_total(place, slope * tangents[0]), p * (tangents[0] - moved))


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _mass(place: Place, logits: Array, mass: Array) -> tuple[Array, Array]:
    found: tuple[Array, Array] = _mass_with_slope(place, logits, mass)[0]
    return found


@_mass.defjvp
def _mass_jvp(place: Place, primals: Any, tangents: Any) -> Any:
    found, slope, minus_log_p = _mass_with_slope(place, *primals)
    bounded = jnp.minimum(minus_log_p, jnp.finfo(minus_log_p.dtype).max)  # 0 * inf = 0
    moved = slope * tangents[0] + tangents[1] * bounded
    both = jax.lax.psum(
        jnp.stack([jnp.sum(moved, place[1]), jnp.sum(tangents[1], place[1])]), place[0]
    )
    return found, (both[0], both[1])


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _mass_with_slope(place: Place, logits: Array, mass: Array) -> Any:
    """Return loss and sum of the mass, the derivative to the logits, and -log p_k, that to mass."""
    name, axis, classes = place
    highest = _top(place, logits)
    terms = numerics.mass_terms(classes, logits, mass, highest)
    sums = terms.summed(*jax.lax.psum(jnp.stack(added(axis, terms.arrays)), name))
    minus_log_p = softmax.distance(logits, highest) + jnp.log1p(sums.rest)
    value = jnp.squeeze(sums.loss(), axis), jnp.squeeze(sums.whole, axis)
    return value, sums.slope(mass), minus_log_p


@_mass_with_slope.defjvp
def _mass_with_slope_jvp(place: Place, primals: Any, tangents: Any) -> Any:
    def plain(logits: Array, mass: Array) -> Any:
        minus_log_p, p = _softmax(place, logits)
        whole = _total(place, mass)
        loss = _total(place, mass * jnp.where(mass == 0.0, 0.0, minus_log_p))
        return (loss, whole), jnp.expand_dims(whole, place[1]) * p - mass, minus_log_p

    return _mass_with_slope(place, *primals), jax.jvp(plain, primals, tangents)[1]


@partial(jax.custom_jvp, nondiff_argnums=(0,))
def _minus_log(place: Place, logits: Array) -> Array:
    """Return -log p_k of the classes that are here."""
    name, axis, classes = place
    highest = _top(place, logits)
    terms = numerics.mass_terms(classes, logits, highest, highest)
    below, ties = jax.lax.psum(jnp.stack(added(axis, terms.arrays[:2])), name)
    nothing = jnp.zeros_like(highest)
    rest = terms.summed(below, ties, nothing, nothing, nothing).rest
    return softmax.distance(logits, highest) + jnp.log1p(rest)


@_minus_log.defjvp
def _minus_log_jvp(place: Place, primals: Any, tangents: Any) -> Any:
    found = _minus_log(place, *primals)
    moved = _total(place, jnp.exp(-found) * tangents[0])
    return found, jnp.expand_dims(moved, place[1]) - tangents[0]
