"""
Labels that are wrong
=====================

Cross-entropy pays without bound for a label that the model finds absurd, and learns it by heart in
the end. `generalized_cross_entropy` is bounded. Real digits, three in ten training labels drawn
anew.
"""

import matplotlib.pyplot as plt
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from weightedce import cross_entropy, generalized_cross_entropy

images, digits = load_digits(return_X_y=True)
x, unseen, y, truth = (
    torch.tensor(part)
    for part in train_test_split(images / 16, digits, test_size=0.5, random_state=0)
)
x, unseen = x.float(), unseen.float()
torch.manual_seed(0)
noisy = torch.where(torch.rand(len(y)) < 0.3, torch.randint(10, y.shape), y)
print(f"{(noisy != y).float().mean():.0%} of the training labels are wrong")


def accuracies(loss):
    """Train; return the accuracy on unseen rows, whose labels are right, at each step."""
    torch.manual_seed(1)
    model = torch.nn.Sequential(torch.nn.Linear(64, 128), torch.nn.ReLU(), torch.nn.Linear(128, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    history = []
    for _ in range(200):
        optimizer.zero_grad()
        loss(model(x), noisy).backward()
        optimizer.step()
        history.append((model(unseen).argmax(1) == truth).float().mean().item())
    return history


curves = {
    "cross_entropy": accuracies(cross_entropy),
    "generalized_cross_entropy, q = 0.7": accuracies(generalized_cross_entropy),
}
for name, history in curves.items():
    print(f"{name:36} best {max(history):.3f}, at the end {history[-1]:.3f}")

# %%

figure, axis = plt.subplots(figsize=(6, 3.4), layout="constrained")
for (name, history), colour in zip(curves.items(), ("#D55E00", "#0072B2"), strict=True):
    axis.plot(history, color=colour, label=name)
axis.set(xlabel="step", ylabel="accuracy on unseen rows", ylim=(0.5, 1))
axis.spines[["top", "right"]].set_visible(False)
axis.legend(frameon=False)
plt.show()
