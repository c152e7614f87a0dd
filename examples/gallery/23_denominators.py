"""
What a weighted mean is divided by
==================================

`"mean"` divides by the number of examples, so weights make the loss and its gradient larger.
`"weighted_mean"`, which PyTorch does for labels, divides by the sum of the weights: then a batch
without a rare example takes as large a step as one with many.
"""

import matplotlib.pyplot as plt
import numpy as np

from weightedce import cross_entropy

# %%
# Batches of ten examples that the model knows nothing about: each loss is log 2. The rare class has
# weight 9. From left to right there are more rare examples in the batch.

logits = np.zeros((10, 2))
rare = range(11)
means = {
    reduction: [
        float(
            cross_entropy(logits, np.arange(10) < n, class_weight=[1.0, 9.0], reduction=reduction)
        )
        for n in rare
    ]
    for reduction in ("mean", "weighted_mean")
}
for reduction, losses in means.items():
    print(f"{reduction:14}", *(f"{loss:.2f}" for loss in losses))

# %%

figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
for (reduction, losses), style, colour in zip(
    means.items(), ("o-", "s--"), ("#0072B2", "#D55E00"), strict=True
):
    axis.plot(rare, losses, style, color=colour, label=f'reduction="{reduction}"')
axis.set(xlabel="rare examples in a batch of ten", ylabel="loss", ylim=(0, None))
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
plt.show()
