"""Two replicas with unlike parts of a batch: gradients as of the whole batch. Run by a test."""

import os
import sys

import numpy as np
import pytest

# TensorFlow imports Keras, and that what else is there, which takes as long as all the rest
sys.modules.update(dict.fromkeys(("jax", "keras", "torch")))
import tensorflow as tf  # noqa: E402

import weightedce as w  # noqa: E402

LONG = os.environ.get("WEIGHTEDCE_LONG", "0") != "0"
RANDOM = np.random.default_rng(0)
X, Y = RANDOM.normal(size=(10, 4)), np.sort(RANDOM.integers(0, 3, 10))
WEIGHT = [1.0, 5.0, 20.0]


def of_labels(matrix, x, y):
    return w.cross_entropy(x @ matrix, y, class_weight=WEIGHT, reduction="total")


def of_overlap(matrix, x, y):
    return w.soft_confusion(x @ matrix, tf.one_hot(y, 3), axis=-1)


CASES = {
    "labels": (of_labels, lambda total: total.weighted_mean()),
    "overlap": (of_overlap, lambda counts: tf.reduce_mean(counts.dice_loss())),
}


def derived(matrix, x, y, sums, loss, gradients):
    """Return the loss of all replicas, and the gradient, as an optimizer would add it up."""
    with tf.GradientTape() as tape:
        value = loss(sums(matrix, x, y).across(gradients=gradients))
    gradient = tape.gradient(value, matrix)
    context = tf.distribute.get_replica_context()
    return value, context.all_reduce("MEAN" if gradients == "mean" else "SUM", gradient)


def on_replicas(strategy, matrix, *how):
    """Return what each replica has."""

    @tf.function(autograph=False)
    def step():
        def run():
            parts = tf.constant(((0, 3), (3, 10)))  # rows
            place = tf.distribute.get_replica_context().replica_id_in_sync_group
            begin, end = tf.unstack(parts[place])
            return derived(matrix, tf.constant(X)[begin:end], tf.constant(Y)[begin:end], *how)

        return strategy.run(run)

    return [strategy.experimental_local_results(found) for found in step()]


def counted(strategy):
    """Return what each replica makes of counters, of which the first has seen nothing."""

    def run():
        place = int(tf.distribute.get_replica_context().replica_id_in_sync_group)
        mine = w.ClassCounter(3).update(Y[: place * 10])
        found = mine.across()
        assert mine.counts != found.counts or place == 1
        refused("with the same options", w.ClassCounter(3 + place).across)
        return tf.constant(found.counts)

    return strategy.experimental_local_results(strategy.run(run))


def refused(message, call):
    with pytest.raises((TypeError, ValueError, NotImplementedError), match=message):
        call()


def main():
    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    with strategy.scope():
        matrix = tf.Variable(RANDOM.normal(size=(4, 3)))
        total = of_labels(matrix, X, tf.constant(Y))
        refused("inside of strategy.run", total.across)
    refused("devices: expected None", lambda: total.across("batch"))
    alone = tf.Variable(matrix.numpy())
    for name, how in CASES.items():
        value, gradient = derived(alone, tf.constant(X), tf.constant(Y), *how, None)
        for gradients in (None, "sum", "mean") if name == "labels" or LONG else (None,):
            values, found = on_replicas(strategy, matrix, *how, gradients)
            assert len(values) == 2
            for x, y in zip(values, found, strict=True):
                np.testing.assert_allclose(x, value, rtol=1e-14, err_msg=name)
                np.testing.assert_allclose(y, gradient, rtol=1e-13, atol=1e-15, err_msg=name)

    def twice():
        with tf.GradientTape() as outer:
            with tf.GradientTape() as tape:
                value = of_labels(matrix, tf.constant(X), tf.constant(Y)).across().mean()
            gradient = tape.gradient(value, matrix)
        return outer.gradient(gradient, matrix)

    refused("second ones", lambda: strategy.run(twice))
    assert [found.numpy().tolist() for found in counted(strategy)] == [np.bincount(Y).tolist()] * 2
    in_graph = tf.function(lambda: w.ClassCounter(3).across().counts)
    refused("all_reduce", lambda: strategy.run(in_graph))
    print("gradients of 2 replicas equal those of one")


main()
