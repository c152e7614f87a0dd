"""
Decisions from costs
====================

A false alarm costs 1, a miss 20. Train plainly, then decide where the cost is least. When the costs
change there is nothing to train again. Real data: 569 tumours, from scikit-learn.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict

from weightedce import cost_threshold, minimum_cost

features, benign = load_breast_cancer(return_X_y=True)
features = (features - features.mean(0)) / features.std(0)
features = features[:, :4]  # the first four, to leave it hard
malignant = 1 - benign
model = LogisticRegression()
p = cross_val_predict(model, features, malignant, cv=10, method="predict_proba")[:, 1]


def cost(threshold, fn):
    """Return the cost of deciding at a threshold."""
    decided = p > threshold
    return (decided & (malignant == 0)).sum() + fn * (~decided & (malignant == 1)).sum()


for fn in (1, 5, 20, 50):
    threshold = cost_threshold(fp=1, fn=fn)
    there, at_half = cost(threshold, fn), cost(0.5, fn)
    print(f"a miss costs {fn:2}: threshold {threshold:.3f}, cost {there:4}; at 0.5: {at_half:4}")

# %%
# A third decision is a column more in the table of costs: where an alarm costs 8 and a miss 50, to
# look again for 2 pays in between.

costs = [[0, 8, 2], [50, 0, 2]]  # rows: benign, malignant; columns: let go, alarm, look again
decisions = minimum_cost(p, costs)
print("let go, alarm, look again:", np.bincount(decisions, minlength=3))

# %%

thresholds = np.linspace(0.005, 0.9, 200)
figure, axis = plt.subplots(figsize=(6, 3.6), layout="constrained")
axis.plot(thresholds, [cost(t, 20) for t in thresholds], color="#0072B2")
axis.axvline(
    cost_threshold(fp=1, fn=20),
    color="#D55E00",
    linestyle="--",
    label="cost_threshold(fp=1, fn=20)",
)
axis.axvline(0.5, color="#999999", linestyle=":", label="1/2")
axis.set(xlabel="threshold", ylabel="cost, a miss being 20")
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
plt.show()
