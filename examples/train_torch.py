"""Weighted training in PyTorch: an ordinary module, an ordinary optimiser."""

from collections.abc import Callable

import numpy as np
import torch

from losses import Loss
from network import Parameters
from weightedce import class_counts


def train(
    start: Parameters,
    features: np.ndarray,
    labels: np.ndarray,
    *,
    loss_of: Loss,
    steps: int,
    learning_rate: float,
    momentum: float,
    advance: Callable[[int], None],
) -> tuple[Parameters, list[float]]:
    """Return the trained parameters and the loss at every step."""
    torch.set_num_threads(1)  # so small a network only loses time to more
    counts = class_counts(labels, 2).tolist()
    features, labels = torch.tensor(features), torch.tensor(labels)
    inputs, units = start.hidden_weight.shape
    model = torch.nn.Sequential(
        torch.nn.Linear(inputs, units), torch.nn.Tanh(), torch.nn.Linear(units, 2)
    ).to(features.dtype)
    with torch.no_grad():
        for parameter, number in zip(model.parameters(), start, strict=True):
            parameter.copy_(torch.tensor(number.T))  # torch keeps weights as (out, in)
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate, momentum=momentum)

    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(model(features), labels, counts)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        advance(1)
    return Parameters(*(p.detach().numpy().T for p in model.parameters())), losses
