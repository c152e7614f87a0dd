"""Gradient accumulation that equals the full batch, with class weights: PyTorch, a plain loop.

A mean of means is wrong as soon as the parts hold different classes. `LossTotal` holds sums: the
loss of each part is divided by the weight of the whole batch, which the labels alone decide.
"""

import itertools

import torch

from weightedce import balanced, class_counts, sample_weights
from weightedce.torch import CrossEntropyLoss

CLASSES = 3


def make_data(n=600, seed=0):
    """Three Gaussian classes, the last with 3 % of the points."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.multinomial(torch.tensor([0.77, 0.20, 0.03]), n, True, generator=generator)
    centres = torch.tensor([[0.0, 0.0], [2.0, 0.0], [1.0, 1.5]])
    return centres[labels] + 0.7 * torch.randn(n, 2, generator=generator), labels


def train(features, labels, *, parts, steps=100, weighted=True, dtype=torch.float64):
    """Train a linear model on the whole batch, cut into ``parts`` of unequal size."""
    torch.manual_seed(0)
    model = torch.nn.Linear(features.shape[1], CLASSES, dtype=dtype)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.5)
    weight = balanced(class_counts(labels, CLASSES)) if weighted else None
    criterion = CrossEntropyLoss(weight, reduction="total")
    whole = len(labels) if weight is None else sample_weights(labels, weight).sum()
    cuts = [i * i * len(labels) // parts**2 for i in range(parts + 1)]
    for _ in range(steps):
        optimizer.zero_grad()
        for start, stop in itertools.pairwise(cuts):
            total = criterion(model(features[start:stop].to(dtype)), labels[start:stop])
            (total.loss / whole).backward()  # gradients add up
        optimizer.step()
    return model


def recall(model, features, labels):
    """Return the part of each class that the model finds."""
    dtype = next(model.parameters()).dtype
    found = model(features.to(dtype)).argmax(1) == labels
    return [found[labels == k].double().mean().item() for k in range(CLASSES)]


if __name__ == "__main__":
    features, labels = make_data()
    plain = train(features, labels, parts=1, weighted=False)
    whole = train(features, labels, parts=1)
    accumulated = train(features, labels, parts=4)
    difference = (whole.weight - accumulated.weight).abs().max().item()
    print("recall by class, plain:   ", [f"{r:.2f}" for r in recall(plain, features, labels)])
    print("recall by class, weighted:", [f"{r:.2f}" for r in recall(accumulated, features, labels)])
    print(f"largest difference of a parameter, 4 parts against the whole batch: {difference:.1e}")
