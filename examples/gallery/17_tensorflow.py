"""
TensorFlow: a step under tf.function
====================================

The loss and its weights are traced once, with the model. The gradient is right at a logit of
exactly 0 too, where `tf.nn.weighted_cross_entropy_with_logits` is not.
"""

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf

from weightedce import binary_cross_entropy

POS_WEIGHT = 10.0


def slope(loss, logits):
    """Return the derivative of the loss of a positive."""
    z = tf.constant(logits)
    with tf.GradientTape() as tape:
        tape.watch(z)
        value = loss(z)
    return tape.gradient(value, z).numpy()


@tf.function
def ours(z):
    """Return the losses of positives."""
    return binary_cross_entropy(z, tf.ones_like(z), pos_weight=POS_WEIGHT, reduction="none")


@tf.function
def tensorflows(z):
    """Return the same by TensorFlow's own function."""
    return tf.nn.weighted_cross_entropy_with_logits(tf.ones_like(z), z, POS_WEIGHT)


print(
    "exact at 0: -5;  weightedce:", slope(ours, [0.0])[0], " tf.nn:", slope(tensorflows, [0.0])[0]
)

# %%

z = np.linspace(-2, 2, 81)
figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
axis.plot(z, slope(tensorflows, z), "s", markersize=4, color="#D55E00", label="tf.nn")
axis.plot(z, slope(ours, z), color="#0072B2", label="weightedce")
axis.set(xlabel="logit of a positive", ylabel="derivative, pos_weight = 10")
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
plt.show()
