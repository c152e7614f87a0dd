"""
A focal loss undone
===================

A focal loss says nothing sure: what is easy counts less, so probabilities stay near 1/2. No shift
takes that back, but `undo_loss` does, for any loss: it asks where the expected loss would be least.
"""

import matplotlib.pyplot as plt
import numpy as np

from weightedce import binary_focal_loss, undo_loss

# %%
# What a model learns that may say any probability: for each true probability the logit where the
# mean focal loss is least.

logits = np.linspace(-8, 8, 4001)
positive = binary_focal_loss(logits, np.ones_like(logits), gamma=2.0, reduction="none")
negative = binary_focal_loss(logits, np.zeros_like(logits), gamma=2.0, reduction="none")
truth = np.linspace(0.01, 0.99, 99)
learnt = logits[[(p * positive + (1 - p) * negative).argmin() for p in truth]]


def sigmoid(z):
    """Return probabilities of logits."""
    return 1 / (1 + np.exp(-z))


undone = sigmoid(undo_loss(binary_focal_loss, learnt, gamma=2.0))
for p in (0.05, 0.5, 0.95):
    k = abs(truth - p).argmin()
    print(f"true {p:.2f}: focal says {sigmoid(learnt[k]):.3f}, undone {undone[k]:.3f}")

# %%

figure, axis = plt.subplots(figsize=(4.6, 4.4), layout="constrained")
axis.plot(truth, truth, color="#bbbbbb", linewidth=4, label="the truth")
axis.plot(truth, sigmoid(learnt), color="#D55E00", label="said after training with gamma = 2")
axis.plot(truth, undone, "--", color="#0072B2", label="undo_loss")
axis.set(xlabel="true probability", ylabel="said")
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
plt.show()
