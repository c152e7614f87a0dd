"""
The fewest false alarms at a recall that is asked for
=====================================================

Which weight finds 90 % of the positives? It depends on the data and the model, so people try one
after the other. A constraint states the recall, and finds the weight while the model trains.
"""

import matplotlib.pyplot as plt
import torch

from weightedce.torch import BCEWithLogitsLoss, ConstrainedBinaryCrossEntropyLoss

torch.manual_seed(0)
labels = (torch.rand(6000) < 0.05).float()
features = torch.randn(6000, 3) + torch.tensor([1.5, 0.8, 0.0]) * labels[:, None]


def trained(criterion, models):
    """Train linear models side by side; return recall and share of false alarms of each."""
    torch.manual_seed(1)
    model = torch.nn.Linear(3, models)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 1500)
    for _ in range(1500):
        batch = torch.randint(6000, (256,))
        optimizer.zero_grad()
        criterion(model(features[batch]), labels[batch, None].expand(-1, models)).backward()
        optimizer.step()
        schedule.step()
    decided = (model(features) > 0).float()
    return decided[labels == 1].mean(0).tolist(), decided[labels == 0].mean(0).tolist()


# %%
# One linear layer with several outputs is several models at once: a `pos_weight` for each in one
# run, a recall for each in the other.

weights = [0.5, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0]
fixed = trained(BCEWithLogitsLoss(pos_weight=weights), len(weights))
asked = [0.6, 0.8, 0.9]
criterion = ConstrainedBinaryCrossEntropyLoss(recall=asked, axis=1)
constrained = trained(criterion, len(asked))
for recall, found, alarms in zip(asked, *constrained, strict=True):
    print(f"recall asked for {recall}: {found:.3f}, false alarms {alarms:.1%}")

# %%

figure, axis = plt.subplots(figsize=(6, 4), layout="constrained")
axis.plot(fixed[1], fixed[0], "o-", color="#999999", label="pos_weight, fixed")
for weight, recall, alarms in zip(weights, *fixed, strict=True):
    axis.annotate(f"{weight:g}", (alarms, recall), (7, -9), textcoords="offset points")
for recall, found, alarms in zip(asked, *constrained, strict=True):
    axis.axhline(recall, color="#0072B2", linewidth=0.8, linestyle=":")
    name = "recall asked for" if recall == asked[0] else None
    axis.plot(alarms, found, "D", color="#0072B2", label=name)
axis.set(xlabel="false alarms, share of the negatives", ylabel="recall")
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False, loc="lower right")
plt.show()
