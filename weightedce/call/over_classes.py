"""Formulas of a batch over classes: of its labels alone where they have all the mass."""

from collections.abc import Callable
from functools import partial
from typing import Any

from weightedce.backends import Array, backend_of
from weightedce.backends.handed import Shards
from weightedce.call.at_once import Formula, OfLabels
from weightedce.call.class_batch import ClassBatch
from weightedce.numerics import softmax, stable
from weightedce.numerics.mass import mass_log_softmax

NEAR = 8.0
FAR = 30.0  # a logarithm: products of two such factors and their powers stay in range


def over_classes(
    batch: ClassBatch, logits: Array, of: Callable[..., Array], *per_class: Array
) -> Array:
    """Return ``sum_k mass_k * of(-log p_k)`` for p = softmax(z), one number per example.

    ``of`` takes class k's number of each ``per_class`` as well, which lie along the class axis. A
    label without smoothing has one class with mass, and nothing of the size of the logits is
    needed but their gradient.
    """
    if batch.one_class:
        minus_log_p = _label_log_softmax(batch, logits)
        given = (batch.of_labels(x) for x in per_class)
        return stable.times(batch.label_mass, of(minus_log_p, *given))
    if batch.shards is not None:
        return _mass_of_shards(batch, logits, of, *per_class)
    losses = of(softmax.negative_log_softmax(logits, batch.axis), *per_class)
    return stable.weighted_sum(batch.mass, losses, batch.axis)


def weighted_log_softmax(batch: ClassBatch, logits: Array) -> Array:
    """Return ``sum_k mass_k * (logsumexp(z) - z_k)``, one number per example."""
    if batch.one_class:
        return over_classes(batch, logits, lambda minus_log_p: minus_log_p)
    if batch.shards is not None:
        return _mass_of_shards(batch, logits, None)
    mass = batch.mass
    if batch.labels is not None or batch.outside is None:
        return mass_log_softmax(logits, mass, batch.axis)
    # after the mass, whose sums, of which a mark makes NaN, are kept for the reduction
    unmarked = batch._replace(outside=None).mass
    return mass_log_softmax(logits, mass, batch.axis, unmarked)


def _label_log_softmax(batch: ClassBatch, logits: Array) -> Array:
    """Return ``logsumexp(z) - z_y``, over the classes of all devices."""
    if batch.shards is None:
        return softmax.label_log_softmax(logits, batch.labels, batch.axis)
    backend, shards = backend_of(logits), _of(batch, logits)
    return backend.label_loss_of_shards(shards, logits, batch.labels, batch.outside, batch.axis)


def _mass_of_shards(
    batch: ClassBatch, logits: Array, of: Callable[..., Array] | None, *per_class: Array
) -> Array:
    """Return ``sum_k mass_k * of(-log p_k)`` over the classes of all devices."""
    arrays = [logits, batch.mass, *(batch.here(x) for x in per_class)]
    shards = _of(batch, logits)
    loss, whole = backend_of(logits).mass_loss_of_shards(shards, of, arrays, batch.axis)
    batch.keep_whole(whole)
    return loss


def _of(batch: ClassBatch, logits: Array) -> Shards:
    """Return where the classes are; of other logits than the batch's the highest is not known."""
    shards: Any = batch.shards
    found: Shards = shards if logits is batch.logits else shards._replace(highest=None)
    return found


def prior_log_softmax(batch: ClassBatch, logits: Array, prior: softmax.Prior) -> Array:
    """Return the same of ``logits + prior.log``.

    Where all sums are seen to be small, the blocks that are fast take them: one of 8 is rounded
    by 4 ulp of its exponential. Of the others the factors are taken, unless one is out of range.
    Where devices share the classes, which cannot look each for itself, it is the sums.
    """
    xp, axis = batch.xp, batch.axis
    moved = logits + batch.here(prior.log)
    none = prior.log < -xp.finfo(logits.dtype).max
    if batch.shards is not None:
        # a class that does not occur has no gradient, also where its loss is infinite
        return weighted_log_softmax(batch, xp.where(batch.here(none), -xp.inf, moved))
    if stable.seen_between(moved, -NEAR, NEAR):
        return weighted_log_softmax(batch, moved)
    far = xp.abs(prior.log) > FAR
    z = xp.where(none, -xp.inf, xp.where(far, moved, logits))
    near = softmax.Prior(xp.where(far, 1.0, prior.factor), xp.where(far, 0.0, prior.log))
    if batch.one_class:
        loss = softmax.composed_label_loss(z, batch.labels, axis, near)
        return stable.times(batch.label_mass, loss)
    return stable.weighted_sum(batch.mass, softmax.negative_log_softmax(z, axis, near), axis)


LOG_SOFTMAX = partial(stable.focused, gamma=0.0)  # of -log p, that itself
CROSS_ENTROPY = Formula(
    lambda b: weighted_log_softmax(b, b.logits), OfLabels(masses=True), LOG_SOFTMAX
)
