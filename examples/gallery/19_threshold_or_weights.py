"""
A threshold or weights?
=======================

On data that a model can describe well, weighted training is a plain model with another threshold:
both lie on the same precision–recall curve. Try the threshold first.
"""

import matplotlib.pyplot as plt
import torch
from sklearn.metrics import average_precision_score, precision_recall_curve

from weightedce import binary_cross_entropy

torch.manual_seed(0)
labels = (torch.rand(20_000) < 0.05).double()
features = torch.randn(20_000, 3, dtype=torch.float64) + 1.0 * labels[:, None]
train, test = slice(0, 10_000), slice(10_000, None)


def scores(pos_weight):
    """Fit a logistic regression; return the logits of the rows that it has not seen."""
    model = torch.nn.Linear(3, 1, dtype=torch.float64)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=50)

    def closure():
        optimizer.zero_grad()
        loss = binary_cross_entropy(
            model(features[train])[:, 0], labels[train], pos_weight=pos_weight
        )
        loss.backward()
        return loss

    optimizer.step(closure)
    return model(features[test])[:, 0].detach().numpy()


truth = labels[test].numpy()
figure, axis = plt.subplots(figsize=(5.5, 4), layout="constrained")
for pos_weight, style, colour in ((1.0, "-", "#999999"), (19.0, "--", "#0072B2")):
    z = scores(pos_weight)
    precision, recall, _ = precision_recall_curve(truth, z)
    area = average_precision_score(truth, z)
    axis.plot(
        recall,
        precision,
        style,
        color=colour,
        label=f"pos_weight {pos_weight:g}, PR-AUC {area:.3f}",
    )
    decided = z > 0
    hits = (decided & (truth == 1)).sum()
    here = hits / truth.sum(), hits / decided.sum()
    print(f"pos_weight {pos_weight:g}: PR-AUC {area:.3f}", end="; ")
    print(f"at 1/2 recall {here[0]:.2f}, precision {here[1]:.2f}")
    axis.plot(*here, "o", color=colour, markersize=9)
axis.set(xlabel="recall", ylabel="precision", title="One curve; the dots are where 1/2 decides")
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
plt.show()
