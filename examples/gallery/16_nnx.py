"""
Flax NNX and optax
==================

A compiled training step that takes its class weights from the batch it is given, where half of the
labels are missing.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import optax
from flax import nnx

from weightedce import balanced, class_counts, cross_entropy

UNLABELLED = -1
random = np.random.default_rng(0)
labels = random.choice(3, 12_800, p=[0.9, 0.08, 0.02])
features = random.normal(size=(12_800, 4))
features[:, :2] += np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 1.5]])[labels]
given = np.where(random.random(12_800) < 0.5, labels, UNLABELLED)


def plain(model, x, y):
    """Return the loss without weights."""
    return cross_entropy(model(x), y, ignore_index=UNLABELLED)


def weighted(model, x, y):
    """Weigh the classes by how often they occur in this batch; one may be absent."""
    class_weight = balanced(class_counts(y, 3, ignore_index=UNLABELLED))
    return cross_entropy(model(x), y, class_weight=class_weight, ignore_index=UNLABELLED)


def recall(loss):
    """Train for an epoch; return the share of each class that is found."""
    rngs = nnx.Rngs(0)
    model = nnx.Sequential(nnx.Linear(4, 16, rngs=rngs), nnx.tanh, nnx.Linear(16, 3, rngs=rngs))
    optimizer = nnx.Optimizer(model, optax.adam(0.02), wrt=nnx.Param)

    @nnx.jit
    def step(model, optimizer, x, y):
        optimizer.update(model, nnx.grad(loss)(model, x, y))

    for x, y in zip(features.reshape(-1, 128, 4), given.reshape(-1, 128), strict=True):
        step(model, optimizer, jnp.asarray(x), jnp.asarray(y))
    decided = np.asarray(model(jnp.asarray(features)).argmax(axis=1))
    return [float((decided[labels == k] == k).mean().round(2)) for k in range(3)]


found = {"plain": recall(plain), "weighted": recall(weighted)}
print(jax.devices()[0].platform, found)

# %%

figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
for shift, (name, shares), colour in zip(
    (-0.2, 0.2), found.items(), ("#999999", "#0072B2"), strict=True
):
    axis.bar([k + shift for k in range(3)], shares, 0.4, label=name, color=colour)
axis.set_xticks(range(3), ["90 %", "8 %", "2 %"])
axis.set(xlabel="class, by its share", ylabel="found", ylim=(0, 1.15))
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False, ncols=2, loc="upper center")
plt.show()
