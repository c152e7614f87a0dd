"""
A weight for each of the four outcomes
======================================

`pos_weight` weighs what is true. `confusion_cross_entropy` also looks at what the model would
decide: true positives, false negatives, true negatives and false positives have a weight each.
"""

import matplotlib.pyplot as plt
import torch

from weightedce import confusion_cross_entropy

# %%
# Two clouds of points that overlap; one in ten is positive.

torch.manual_seed(0)
labels = (torch.rand(2000) < 0.1).float()
features = torch.randn(2000, 2) + 1.5 * labels[:, None]


def outcomes(**weights):
    """Train a line and count what it decides."""
    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(300):
        optimizer.zero_grad()
        confusion_cross_entropy(model(features)[:, 0], labels, **weights).backward()
        optimizer.step()
    decided = model(features)[:, 0] > 0
    pairs = [(True, 1), (False, 1), (True, 0), (False, 0)]
    return [int(((decided == said) & (labels == true)).sum()) for said, true in pairs]


# %%
# First all weights 1, which is plain cross-entropy. Then a miss counts nine times, and a true
# negative, of which there are plenty, a fifth.

plain = outcomes()
weighted = outcomes(fn=9.0, tn=0.2)
print("          TP   FN   FP   TN")
print("plain   ", *(f"{n:4}" for n in plain))
print("weighted", *(f"{n:4}" for n in weighted))

# %%

figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
kinds = ["found (TP)", "missed (FN)", "false alarms (FP)"]
for shift, counts, name, colour in (
    (-0.2, plain, "plain", "#999999"),
    (0.2, weighted, "weighted", "#0072B2"),
):
    axis.bar_label(
        axis.bar([k + shift for k in range(3)], counts[:3], 0.4, color=colour, label=name)
    )
axis.set_xticks(range(3), kinds)
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
axis.set_title("Misses become found cases and false alarms")
plt.show()
