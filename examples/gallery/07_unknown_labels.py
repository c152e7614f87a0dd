"""
Several labels, some of them unknown
====================================

In a table of findings many cells are empty: nobody looked. To fill in 0 teaches the model that the
finding is not there. `ignore_index=-1` leaves these cells out.
"""

import matplotlib.pyplot as plt
import torch

from weightedce import binary_cross_entropy

torch.manual_seed(0)
truth = (torch.rand(1500, 3) < torch.tensor([0.4, 0.25, 0.15])).long()
features = torch.randn(1500, 3) + 1.5 * truth
known = torch.where(torch.rand(1500, 3) < 0.5, truth, -1)  # half of the cells are empty
filled = known.clamp(min=0)


def probabilities(targets):
    """Train a linear model; return what it says."""
    model = torch.nn.Linear(3, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.05)
    for _ in range(400):
        optimizer.zero_grad()
        binary_cross_entropy(model(features), targets, ignore_index=-1).backward()
        optimizer.step()
    return model(features).sigmoid().detach()


said = {
    "true share": truth.float(),
    "left out (-1)": probabilities(known),
    "filled with 0": probabilities(filled),
}
for name, p in said.items():
    print(f"{name:14}", *(f"{share:.2f}" for share in p.mean(0).tolist()))

# %%
# With zeros in the empty cells the model halves every probability.

figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
for i, ((name, p), colour) in enumerate(
    zip(said.items(), ("#999999", "#0072B2", "#D55E00"), strict=True)
):
    axis.bar([k + 0.27 * (i - 1) for k in range(3)], p.mean(0), 0.27, label=name, color=colour)
axis.set_xticks(range(3), [f"finding {k}" for k in range(3)])
axis.set_ylabel("mean probability")
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
plt.show()
