"""TensorFlow: sums over the replicas of tf.distribute."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf

from weightedce.backends.handed import Array


def across(sums: Array, devices: Any, gradients: str | None) -> Array:
    """Return the sums over the replicas, whose gradients tf.distribute adds up."""
    if devices is not None:
        raise TypeError(
            f"devices: expected None for the replicas of the strategy at work, got {devices!r:.80}"
        )
    context = tf.distribute.get_replica_context()
    if context is None:
        raise ValueError("across: expected to be called by a replica, inside of strategy.run")
    if context.num_replicas_in_sync == 1:
        return sums
    factor = context.num_replicas_in_sync if gradients == "mean" else 1

    @tf.custom_gradient
    def total(part: Array) -> tuple[Array, Callable[[Array], Array]]:
        return context.all_reduce("SUM", part), lambda upstream: _sent_back(upstream * factor)

    found: Array = total(sums)
    return found


def adder(devices: Any) -> Callable[[Array], Array] | None:
    """Return what adds up a NumPy vector of integers over the replicas of an eager step."""
    if devices is not None:
        return None
    context = tf.distribute.get_replica_context()
    if context is not None and context.num_replicas_in_sync == 1:
        return None
    if context is None or not tf.executing_eagerly():
        raise ValueError(
            "across: expected a counter inside of an eager strategy.run: in a tf.function add up "
            "class_counts(labels, K) by the replica context's all_reduce"
        )

    def added(counts: Array) -> Array:
        found: Array = context.all_reduce("SUM", tf.constant(counts)).numpy()
        return found

    return added


@tf.custom_gradient
def _sent_back(gradient: Array) -> tuple[Array, Callable[[Array], Array]]:
    """Return the gradient of a replica's part, which has no derivative."""

    def refused(_: Array) -> Array:
        raise NotImplementedError(
            "across: expected first derivatives, since second ones are made of the gradients of "
            "all replicas"
        )

    return tf.identity(gradient), refused
