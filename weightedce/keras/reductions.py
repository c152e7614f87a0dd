"""Keras's reductions of a weighted loss, by those of the library."""

from collections.abc import Callable
from typing import Any, Literal

from keras import ops

from weightedce.backends import Array, backend_of
from weightedce.call import arguments
from weightedce.call.reductions import ratio
from weightedce.keras import replicas

# The mean of the library by its name in Keras, and what of the total it divides by.
DENOMINATORS = {
    "sum_over_batch_size": ("mean", "count"),
    "mean": ("mean", "count"),
    "weighted_mean": ("weighted_mean", "weight"),
}
Reduction = Literal[
    "sum_over_batch_size", "mean", "mean_with_sample_weight", "weighted_mean", "sum", "none", None
]
CountsReduction = Literal[
    "sum_over_batch_size",
    "mean",
    "mean_with_sample_weight",
    "weighted_mean",
    "sum",
    "none",
    "pooled",
    None,
]


def leading(name: str, value: Any, shape: tuple[Any, ...]) -> Array:
    """Return a sample weight or mask laid along the leading axes of a loss of ``shape``."""
    value = ops.convert_to_tensor(value)
    while len(value.shape) > len(shape) and value.shape[-1] == 1:
        value = ops.squeeze(value, axis=-1)
    return arguments.along_leading(name, value, shape)


def kept(mask: Any, shape: tuple[Any, ...], used: Array | None) -> Array | None:
    """Return the mask of a loss of ``shape``: Keras's mask and the elements that are ``used``."""
    if mask is not None:
        mask = leading("mask", mask, shape)
        mask = ops.broadcast_to(ops.cast(mask, "bool"), shape)
    if mask is None or used is None:
        return used if mask is None else mask
    return ops.logical_and(mask, used)


def reduced(
    loss: Callable[[str], Any],
    reduction: str | None,
    *,
    sample_weight: Array | None,
    keep: Array | None,
    labels: int | None,
) -> Array:
    """Reduce ``loss(core reduction)`` by one of Keras's reductions.

    ``labels``: the axis whose losses make one sample, over which Keras averages.
    """
    if reduction in DENOMINATORS:
        core, denominator = DENOMINATORS[reduction]
        if replicas.replicas() == 1:
            return loss(core)
        total = loss("total")
        return replicas.mean(total.loss, getattr(total, denominator))
    losses = loss("none")
    if reduction == "mean_with_sample_weight":
        weight = ops.ones_like(losses)
        if sample_weight is not None:
            weight = weight * ops.cast(sample_weight, losses.dtype)
        if keep is not None:
            weight = ops.where(keep, weight, ops.zeros_like(weight))
        divided = ratio if replicas.replicas() == 1 else replicas.mean
        return divided(ops.sum(losses), ops.sum(weight))
    if labels is not None and keep is None:
        losses = ops.mean(losses, axis=labels)
    elif labels is not None:
        count = ops.sum(ops.cast(keep, losses.dtype), axis=labels)
        losses = ratio(ops.sum(losses, axis=labels), count)
    return ops.sum(losses) if reduction == "sum" else losses


def known_shape(array: Array) -> tuple[Any, ...]:
    """Return the shape; a size that a TensorFlow graph does not know yet is a 0-d tensor."""
    return backend_of(array).shape(array)
