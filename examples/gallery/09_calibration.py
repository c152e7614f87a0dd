"""
Probabilities again after weighted training
===========================================

A reliability diagram has what a model says on one axis and what is true on the other. Weights bend
it; `undo_pos_weight` bends it back, without training.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch

from weightedce import binary_cross_entropy, undo_pos_weight

torch.manual_seed(0)
labels = (torch.rand(20_000) < 0.1).double()
features = torch.randn(20_000, 4, dtype=torch.float64) + 0.8 * labels[:, None]
train, test = slice(0, 10_000), slice(10_000, None)
POS_WEIGHT = 9.0

model = torch.nn.Linear(4, 1, dtype=torch.float64)
optimizer = torch.optim.LBFGS(model.parameters(), max_iter=50)


def closure():
    """Return the loss, with its gradient in the parameters."""
    optimizer.zero_grad()
    loss = binary_cross_entropy(model(features[train])[:, 0], labels[train], pos_weight=POS_WEIGHT)
    loss.backward()
    return loss


optimizer.step(closure)
logits = model(features[test])[:, 0].detach()
undone = undo_pos_weight(logits, POS_WEIGHT)


def reliability(z):
    """Return what is said and what is true in ten bins."""
    p, y = z.sigmoid().numpy(), labels[test].numpy()
    bins = np.minimum((p * 10).astype(int), 9)
    there = [k for k in range(10) if (bins == k).sum() > 20]
    return [p[bins == k].mean() for k in there], [y[bins == k].mean() for k in there]


for name, z in (("weighted", logits), ("undone", undone)):
    print(f"{name:8} says {z.sigmoid().mean():.3f} on average; true is {labels[test].mean():.3f}")

# %%

figure, axis = plt.subplots(figsize=(4.6, 4.4), layout="constrained")
axis.plot([0, 1], [0, 1], color="#bbbbbb")
axis.plot(*reliability(logits), "s-", color="#D55E00", label="trained with pos_weight = 9")
axis.plot(*reliability(undone), "o-", color="#0072B2", label="undo_pos_weight")
axis.set(xlabel="what the model says", ylabel="what is true", xlim=(0, 1), ylim=(0, 1))
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
plt.show()
