"""The same training on one device and on two, by keras.distribution or by MirroredStrategy."""

import keras
import numpy as np

from weightedce.keras import (
    BinaryCrossentropy,
    RecallSpecificity,
    SparseCategoricalCrossentropy,
)

RANDOM = np.random.default_rng(0)
X = RANDOM.normal(size=(32, 5)).astype("float32")
LABELS = (X[:, 0] > 0.5).astype("int32") + (X[:, 1] > 1)
Y = (X[:, :4] > 0.7).astype("int32")


def trained(loss, y, outputs, activation):
    """Return the weights and losses after some steps of the whole batch."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential(
        [keras.Input((5,)), keras.layers.Dense(outputs, activation=activation)]
    )
    model.compile(optimizer=keras.optimizers.SGD(0.5), loss=loss)
    history = model.fit(X, y, batch_size=32, epochs=4, shuffle=False, verbose=0)
    return np.concatenate([w.ravel() for w in model.get_weights()]), history.history["loss"]


CASES = {
    "labels": (lambda: BinaryCrossentropy(pos_weight=[2.5, 10, 5, 20]), Y, 4, "sigmoid"),
    "classes": (
        lambda: SparseCategoricalCrossentropy(class_weight=[1, 2, 4]),
        LABELS,
        3,
        "softmax",
    ),
    "sum": (lambda: BinaryCrossentropy(reduction="sum", neg_weight=0.1), Y, 4, "sigmoid"),
}
if keras.backend.backend() == "jax":  # one computation on two devices: whatever looks at all
    CASES["batch"] = (lambda: BinaryCrossentropy(class_weight="batch"), Y, 4, "sigmoid")
    CASES["counts"] = (lambda: RecallSpecificity(), Y, 4, "sigmoid")


def everything():
    return {name: trained(make(), *rest) for name, (make, *rest) in CASES.items()}


if keras.backend.backend() == "tensorflow":
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
        overlap = trained(RecallSpecificity(), Y, 4, "sigmoid")  # of each replica's half
    assert np.isfinite(overlap[0]).all()
    assert 0 < overlap[1][0] < 1
else:
    one = everything()
    devices = keras.distribution.list_devices()
    print("devices:", len(devices))
    keras.distribution.set_distribution(keras.distribution.DataParallel(devices=devices))
    two = everything()

for case, (weights, losses) in one.items():
    np.testing.assert_allclose(two[case][0], weights, rtol=1e-4, atol=1e-5, err_msg=case)
    if case != "sum":
        np.testing.assert_allclose(two[case][1], losses, rtol=1e-4, err_msg=case)
print("ok")
