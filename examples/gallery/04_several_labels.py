"""
Several labels, each imbalanced in its own way: Keras
=====================================================

Keras' `class_weight` takes the argmax of a row, which makes no sense where a row has several
labels. A `pos_weight` for each label does what is meant.
"""

import keras
import matplotlib.pyplot as plt
import numpy as np

from weightedce import pos_weights
from weightedce.keras import BinaryCrossentropy

random = np.random.default_rng(0)
shares = np.array([0.3, 0.09, 0.17, 0.05])
targets = (random.random((2000, 4)) < shares).astype("int32")
features = (random.normal(size=(2000, 4)) + targets).astype("float32")
weights = pos_weights(targets)
print("negatives / positives of each label:", weights.round(1))


def recalls(loss):
    """Train a small model and return the share of the positives of each label that it finds."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.layers.Dense(4, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(0.05), loss=loss)
    model.fit(features, targets, batch_size=200, epochs=8, verbose=0)
    found = (model.predict(features, verbose=0) > 0.5) & (targets == 1)
    return found.sum(axis=0) / targets.sum(axis=0)


plain, weighted = recalls(BinaryCrossentropy()), recalls(BinaryCrossentropy(pos_weight=weights))
print("found, plain:   ", plain.round(2))
print("found, weighted:", weighted.round(2))

# %%

figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
axis.bar(np.arange(4) - 0.2, plain, 0.4, label="plain", color="#999999")
axis.bar(np.arange(4) + 0.2, weighted, 0.4, label="pos_weight of each label", color="#0072B2")
axis.set_xticks(range(4), [f"label {k}\n{share:.0%} positive" for k, share in enumerate(shares)])
axis.set(ylabel="positives found", ylim=(0, 1))
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False, ncols=2, loc="upper center")
plt.show()
