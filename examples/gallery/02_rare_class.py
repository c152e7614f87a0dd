"""
500,000 examples against 31,000
===============================

Class weights move the line between the classes towards the frequent one. Here is the line, before
and after.
"""

import matplotlib.pyplot as plt
import torch

from weightedce import balanced, class_counts
from weightedce.torch import CrossEntropyLoss

# %%
# The same proportion with fewer points: one in seventeen is of the rare class.

torch.manual_seed(0)
labels = (torch.rand(1700) < 31 / 531).long()
features = torch.randn(1700, 2) + torch.tensor([1.6, 1.2]) * labels[:, None]
weight = balanced(class_counts(labels, 2))
print("class weights", weight)


def line(criterion):
    """Train a linear model; return it with the share of each class that it finds."""
    model = torch.nn.Linear(2, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        criterion(model(features), labels).backward()
        optimizer.step()
    found = model(features).argmax(1) == labels
    return model, [found[labels == k].float().mean().item() for k in (0, 1)]


# %%

figure, panels = plt.subplots(1, 2, figsize=(8, 3.8), sharey=True, layout="constrained")
grid = torch.cartesian_prod(torch.linspace(-4, 5, 120), torch.linspace(-4, 5, 120))
for panel, (name, criterion) in zip(
    panels, {"plain": CrossEntropyLoss(), "weighted": CrossEntropyLoss(weight)}.items(), strict=True
):
    model, recall = line(criterion)
    print(f"{name:8} frequent found {recall[0]:.2f}, rare found {recall[1]:.2f}")
    decided = model(grid).argmax(1).reshape(120, 120).T
    panel.contourf(torch.linspace(-4, 5, 120), torch.linspace(-4, 5, 120), decided, [-1, 0.5, 2],
                   colors=["#e8e8e8", "#cfe3f3"])  # fmt: skip
    for k, colour in ((0, "#888888"), (1, "#D55E00")):
        panel.scatter(*features[labels == k].T, s=6, color=colour)
    panel.set_title(
        f"{name}: {recall[1]:.0%} of the rare found,\n{recall[0]:.0%} of the frequent", fontsize=11
    )
plt.show()
