"""
Gradient accumulation that equals the whole batch
=================================================

With class weights a mean of the means of parts is not the mean of the whole: the parts hold
different classes. Sums add up. `reduction="total"` gives sums, and the weight of the whole batch is
known from the labels alone.
"""

import matplotlib.pyplot as plt
import torch

from weightedce import balanced, class_counts, sample_weights
from weightedce.torch import CrossEntropyLoss

torch.manual_seed(0)
labels = torch.multinomial(torch.tensor([0.77, 0.2, 0.03]), 600, replacement=True)
features = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 1.5]])[labels] + 0.7 * torch.randn(600, 2)
features = features.double()
weight = balanced(class_counts(labels, 3)).double()
PARTS = [slice(0, 40), slice(40, 150), slice(150, 600)]


def gradient(way):
    """Return the gradient of a linear model's weight."""
    torch.manual_seed(1)
    model = torch.nn.Linear(2, 3, dtype=torch.float64)
    if way == "whole batch":
        CrossEntropyLoss(weight)(model(features), labels).backward()
    for part in PARTS if way != "whole batch" else ():
        if way == "mean of means":
            loss = CrossEntropyLoss(weight)(model(features[part]), labels[part]) / len(PARTS)
        else:
            total = CrossEntropyLoss(weight, reduction="total")(model(features[part]), labels[part])
            loss = total.loss / sample_weights(labels, weight).sum()
        loss.backward()
    return model.weight.grad


whole = gradient("whole batch")
off = {
    way: ((gradient(way) - whole).norm() / whole.norm()).item()
    for way in ("mean of means", "totals")
}
for way, distance in off.items():
    print(f"{way:14} is off by {distance:.1e}, relative")

# %%

figure, axis = plt.subplots(figsize=(6, 2.4), layout="constrained")
bars = axis.barh(list(off), list(off.values()), color=["#D55E00", "#0072B2"])
axis.bar_label(bars, [f" {distance:.0e}" for distance in off.values()])
axis.set_xscale("log")
axis.set_xlim(1e-18, 100)
axis.set_xlabel("distance from the gradient of the whole batch, relative")
axis.spines[["top", "right"]].set_visible(False)
plt.show()
