"""
A weight for zeros and one for ones, from each batch: JAX
=========================================================

`class_counts` and `balanced` may stand inside `jax.jit`: each batch is weighted by its own counts.
A class that is absent from a batch has weight 0 there.
"""

import jax
import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np

from weightedce import balanced, binary_cross_entropy, class_counts

random = np.random.default_rng(0)
labels = (random.random(6400) < 0.05).astype(np.int32)
features = random.normal(size=(6400, 3)) + 1.2 * labels[:, None]


def loss(parameters, x, y, weighted):
    """Return the loss of a batch."""
    logits = x @ parameters[:3] + parameters[3]
    if not weighted:
        return binary_cross_entropy(logits, y)
    zero_weight, one_weight = balanced(class_counts(y, 2))
    return binary_cross_entropy(logits, y, neg_weight=zero_weight, pos_weight=one_weight)


gradient = jax.jit(jax.grad(loss), static_argnames="weighted")
curves = {}
for weighted in (False, True):
    parameters, recall = jnp.zeros(4), []
    for step in range(200):
        batch = slice(64 * (step % 100), 64 * (step % 100) + 64)
        parameters -= 0.3 * gradient(parameters, features[batch], labels[batch], weighted=weighted)
        found = features[labels == 1] @ parameters[:3] + parameters[3] > 0
        recall.append(float(found.mean()))
    curves[weighted] = recall
for weighted, recall in curves.items():
    print(f"positives found after 200 steps, {weighted=}: {recall[-1]:.2f}")

# %%

figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
axis.plot(curves[False], color="#999999", label="plain")
axis.plot(curves[True], color="#0072B2", label="balanced in each batch of 64")
axis.set(xlabel="step", ylabel="positives found", ylim=(0, 1))
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
plt.show()
