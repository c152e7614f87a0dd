"""Accelerate: the criterion is prepared with the model, and a step is the plain one."""

import accelerate
import pytest
import torch
from torch.utils.data import DataLoader, TensorDataset

import weightedce.torch as wt

FEATURES = torch.randn(12, 4, generator=torch.Generator().manual_seed(0))
LABELS = torch.arange(12) % 3


def made():
    torch.manual_seed(0)
    model = torch.nn.Linear(4, 3)
    return model, torch.optim.SGD(model.parameters(), lr=0.1)


@pytest.mark.parametrize("name", ["CrossEntropyLoss", "FocalLoss"])
def test_a_step_of_what_was_prepared_is_the_plain_step(name):
    option = {"weight" if name == "CrossEntropyLoss" else "class_weight": [1.0, 2.0, 5.0]}
    plain, optimizer = made()
    loss = getattr(wt, name)(**option)(plain(FEATURES), LABELS)
    loss.backward()
    optimizer.step()

    accelerator = accelerate.Accelerator(cpu=True)
    data = DataLoader(TensorDataset(FEATURES, LABELS), batch_size=12)
    model, optimizer, data, criterion = accelerator.prepare(
        *made(), data, getattr(wt, name)(**option)
    )
    for features, labels in data:
        found = criterion(model(features), labels)
        accelerator.backward(found)
        optimizer.step()
    assert found.item() == loss.item()
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)


def test_a_weight_that_is_learnt_is_prepared_too():
    accelerator = accelerate.Accelerator(cpu=True)
    criterion = accelerator.prepare(wt.CrossEntropyLoss(torch.nn.Parameter(torch.ones(3))))
    accelerator.backward(criterion(torch.zeros(3, 3), torch.tensor([0, 1, 1])))
    assert criterion.weight.grad is not None
