"""
Recall and specificity as a loss
================================

Rounded decisions have gradient 0. Soft counts have a gradient, so a loss made of recall and
specificity trains; its two weights choose a point between "miss nothing" and "no false alarm".
"""

import matplotlib.pyplot as plt
import torch

from weightedce import recall_specificity_loss

torch.manual_seed(0)
labels = (torch.rand(3000) < 0.06).float()
features = torch.randn(3000, 3) + 0.9 * labels[:, None]


def trained(recall_weight):
    """Return recall and specificity after training."""
    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    for _ in range(150):
        optimizer.zero_grad()
        recall_specificity_loss(
            model(features)[:, 0], labels,
            recall_weight=recall_weight, specificity_weight=1 - recall_weight,
        ).backward()  # fmt: skip
        optimizer.step()
    decided = model(features)[:, 0] > 0
    return decided[labels == 1].float().mean().item(), (~decided)[labels == 0].float().mean().item()


weights = [0.2, 0.35, 0.5, 0.65, 0.8]
points = [trained(weight) for weight in weights]
for weight, (recall, specificity) in zip(weights, points, strict=True):
    print(f"recall_weight {weight:.2f}: recall {recall:.2f}, specificity {specificity:.2f}")

# %%

figure, axis = plt.subplots(figsize=(5.5, 4), layout="constrained")
axis.plot(*zip(*points, strict=True), "o-", color="#0072B2")
for weight, point in zip(weights, points, strict=True):
    axis.annotate(f"{weight:g}", point, xytext=(6, 4), textcoords="offset points")
axis.set(xlabel="recall", ylabel="specificity", title="What recall_weight chooses")
axis.spines[["top", "right"]].set_visible(False)
plt.show()
