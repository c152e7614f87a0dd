"""
Boosted trees: LightGBM
=======================

Any loss of yes/no targets as an objective of LightGBM. `calibrated` takes weights and gamma out of
the predictions again.
"""

import lightgbm
import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_classification

from weightedce import binary_cross_entropy, binary_focal_loss
from weightedce.boosting import Objective

x, y = make_classification(
    8000, 10, n_informative=5, weights=[0.93], flip_y=0.02, class_sep=0.8, random_state=0
)
y = y.astype(float)
train, test = slice(0, 4000), slice(4000, None)

objectives = {
    "plain": Objective(binary_cross_entropy),
    "pos_weight 13": Objective(binary_cross_entropy, pos_weight=13.0),
    "focal, gamma 2": Objective(binary_focal_loss, gamma=2.0),
}
said = {}
for name, objective in objectives.items():
    start = objective.start(y[train])
    data = lightgbm.Dataset(x[train], y[train], init_score=np.full(4000, start))
    settings = {
        "objective": objective,
        "max_depth": 3,
        "learning_rate": 0.1,
        "verbose": -1,
        "num_threads": 1,
    }
    margins = lightgbm.train(settings, data, 60).predict(x[test]) + start
    said[name] = [1 / (1 + np.exp(-z)) for z in (margins, objective.calibrated(margins))]
    raw, calibrated = (p.mean() for p in said[name])
    print(f"{name:15} says {raw:.3f}, calibrated {calibrated:.3f}; true {y[test].mean():.3f}")

# %%

figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
places = np.arange(3)
for shift, k, label, colour in (
    (-0.2, 0, "as trained", "#D55E00"),
    (0.2, 1, "calibrated", "#0072B2"),
):
    axis.bar(
        places + shift, [each[k].mean() for each in said.values()], 0.4, label=label, color=colour
    )
axis.axhline(y[test].mean(), color="#999999", label="true share")
axis.set_xticks(places, list(said))
axis.set_ylabel("mean probability")
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
plt.show()
