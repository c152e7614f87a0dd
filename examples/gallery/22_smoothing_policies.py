"""
Label smoothing beside class weights: two policies
==================================================

An example of class 0 of two classes, weights 1 and 5, smoothing 0.1. Where does its loss want the
probability of class 1? `smoothing_weight="target"`, the default, keeps the smoothed target, 0.05.
`"class"`, as PyTorch has it, weighs each share of the target by its class: the weight of the rare
class reaches into the examples of the frequent one.
"""

import matplotlib.pyplot as plt
import numpy as np

from weightedce import cross_entropy

p = np.linspace(0.005, 0.6, 500)  # the probability of class 1
logits = np.stack([np.log(1 - p), np.log(p)], axis=1)

figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
for policy, style, colour in (("target", "-", "#0072B2"), ("class", "--", "#D55E00")):
    loss = cross_entropy(
        logits,
        np.zeros(500, dtype=int),
        class_weight=[1, 5],
        label_smoothing=0.1,
        smoothing_weight=policy,
        reduction="none",
    )
    best = loss.argmin()
    print(f"{policy:7} smallest at p = {p[best]:.3f}")
    axis.plot(p, loss, style, color=colour, label=f'smoothing_weight="{policy}"')
    axis.plot(p[best], loss[best], "o", color=colour, markersize=8)
axis.set(xlabel="probability of class 1", ylabel="loss of an example of class 0")
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
plt.show()
