"""The same training on one device and on two, by keras.distribution or by MirroredStrategy.

The rows are sorted, so that the two halves of a batch are not alike; the last batch is smaller.
"""

import keras
import numpy as np
from tools import LONG

from weightedce.keras import (
    BinaryCrossentropy,
    CategoricalFocalCrossentropy,
    Dice,
    Lovasz,
    SparseCategoricalCrossentropy,
)

TENSORFLOW = keras.backend.backend() == "tensorflow"
RANDOM = np.random.default_rng(0)
N = 47 if TENSORFLOW else 46  # JAX wants halves of one size
X = RANDOM.normal(size=(N, 5)).astype("float32")
X = X[np.argsort(X[:, 0])]
LABELS = (X[:, 0] > 0.5).astype("int32") + (X[:, 0] > 1)
Y = (X[:, :4] > 0.7).astype("int32")
KNOWN = np.where(X[:, 1:] > 0, Y, 9)
WEIGHT = np.linspace(0, 3, N).astype("float32")


def trained(loss, y, activation, weight=None):
    """Return the weights and losses after some steps."""
    keras.utils.set_random_seed(0)
    outputs = 4 if y.shape == Y.shape else 3
    model = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(outputs, activation=activation)]
    )
    model.compile(optimizer=keras.optimizers.SGD(0.5), loss=loss)
    history = model.fit(
        X, y, sample_weight=weight, batch_size=32, epochs=2, shuffle=False, verbose=0
    )
    return np.concatenate([w.ravel() for w in model.get_weights()]), history.history["loss"]


CASES = {
    "labels, some of them unknown": (
        lambda: BinaryCrossentropy(pos_weight=[2.5, 10, 5, 20], ignore_class=9),
        KNOWN,
        "sigmoid",
        WEIGHT,
    ),
    "classes, by their weights": (
        lambda: SparseCategoricalCrossentropy(
            class_weight=[1, 2, 4], reduction="weighted_mean", ignore_class=2
        ),
        LABELS,
        "softmax",
        WEIGHT,
    ),
    "classes, by the sample weights": (
        lambda: CategoricalFocalCrossentropy(
            class_weight="batch", reduction="mean_with_sample_weight"
        ),
        np.eye(3)[LABELS],
        "softmax",
        WEIGHT,
    ),
    "weights of the batch": (
        lambda: BinaryCrossentropy(class_weight="batch", pos_weight="batch", ignore_class=9),
        KNOWN,
        "sigmoid",
    ),
    "one overlap a label": (lambda: Dice(axis=0), Y, "sigmoid", WEIGHT),
    "sum": (lambda: BinaryCrossentropy(reduction="sum", neg_weight=0.1), Y, "sigmoid"),
    "one order of all errors": (
        lambda: Lovasz(axis=0, errors="probability", ignore_class=9),
        KNOWN,
        "sigmoid",
        WEIGHT,
    ),
    "one overlap a sample": (lambda: Dice(axis=1), Y, "sigmoid"),
}
# a denominator, weights and ratios over both devices: the others are made of the same sums
FEW = (
    "classes, by their weights",
    "weights of the batch",
    "one overlap a label",
    "one order of all errors",
)


def everything():
    names = CASES if LONG else FEW
    return {name: trained(make(), *rest) for name, (make, *rest) in CASES.items() if name in names}


if TENSORFLOW:
    import tensorflow as tf

    cpus = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        cpus[0], [tf.config.LogicalDeviceConfiguration()] * 2
    )
    one = everything()
    strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])
    print("devices:", strategy.num_replicas_in_sync)
    with strategy.scope():
        two = everything()
else:
    one = everything()
    devices = keras.distribution.list_devices()
    print("devices:", len(devices))
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
    two = everything()

for case, (weights, losses) in one.items():
    np.testing.assert_allclose(two[case][0], weights, rtol=1e-5, atol=1e-6, err_msg=case)
    if case != "sum":  # Keras reports the mean over the replicas
        np.testing.assert_allclose(two[case][1], losses, rtol=1e-5, err_msg=case)
print("ok")
