"""
Long-tailed digits
==================

Real digits, thinned out so that a 0 is thirty times as frequent as a 9. A small network fits every
training example, and weights fade; a margin, by logit adjustment, does not. The difference is real
but not large: look at the whole picture.
"""

import matplotlib.pyplot as plt
import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from weightedce import balanced, class_counts, cross_entropy, logit_adjusted_cross_entropy

images, digits = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(
    images / 16, digits, test_size=0.5, stratify=digits, random_state=0
)
random = np.random.default_rng(0)
keep = np.concatenate(
    [
        random.permutation(np.flatnonzero(train_y == k))[: int(90 * 30 ** (-k / 9))]
        for k in range(10)
    ]
)
x, y = torch.tensor(train_x[keep], dtype=torch.float32), torch.tensor(train_y[keep])
unseen, truth = torch.tensor(test_x, dtype=torch.float32), torch.tensor(test_y)
counts = class_counts(y, 10)
print("examples of each digit:", counts.tolist())

losses = {
    "plain": cross_entropy,
    "balanced weights": lambda z, t: cross_entropy(z, t, class_weight=balanced(counts)),
    "logit-adjusted": lambda z, t: logit_adjusted_cross_entropy(z, t, prior=counts / counts.sum()),
}


def recall(loss, seed):
    """Train; return the share of each digit that is found among unseen ones."""
    torch.manual_seed(seed)
    model = torch.nn.Sequential(torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(200):
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()
    right = model(unseen).argmax(1) == truth
    return [right[truth == k].float().mean().item() for k in range(10)]


found = {name: np.array([recall(loss, seed) for seed in range(3)]) for name, loss in losses.items()}
for name, each in found.items():
    print(
        f"{name:17} mean recall {each.mean():.3f}, seeds apart by {np.ptp(each.mean(axis=1)):.3f}"
    )

# %%

figure, axis = plt.subplots(figsize=(7, 3.6), layout="constrained")
for (name, each), style in zip(found.items(), ("o-", "s--", "^-"), strict=True):
    axis.plot(each.mean(axis=0), style, label=name)
axis.set_xticks(range(10), [f"{k}\n{n}" for k, n in enumerate(counts.tolist())])
axis.set(xlabel="digit, and how many examples of it", ylabel="found")
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
plt.show()
