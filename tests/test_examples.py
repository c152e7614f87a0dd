"""The example trains, in every library, and its losses move the errors as they are asked to."""

import sys
from pathlib import Path

import numpy as np
import pytest

from libraries import DIFFERENTIABLE

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
import importlib

import losses
import network
import tables
from agreement import TOLERANCE, largest_difference


@pytest.fixture(scope="module")
def table():
    return tables.read("page-blocks0", "float64", 0)


def train(name, table, loss, steps=100):
    """Return recall, specificity and the losses of one training run in a library."""
    module = importlib.import_module(f"train_{name}")
    start = network.initial(table.train_features.shape[1], 16, "float64", 0)
    parameters, history = module.train(
        start,
        table.train_features,
        table.train_labels,
        loss_of=loss,
        steps=steps,
        learning_rate=0.05,
        momentum=0.9,
        advance=lambda _: None,
    )
    predicted = network.logits(parameters, table.test_features).argmax(axis=1)
    rare = table.test_labels == 1
    return predicted[rare].mean(), 1 - predicted[~rare].mean(), history


def test_recall_and_specificity_move_as_their_weights_ask(differentiable, table):
    results = [
        train(differentiable.name, table, losses.recall_specificity(weight))
        for weight in (0.1, 0.5, 0.9)
    ]
    recalls, specificities, histories = zip(*results, strict=True)
    assert recalls[0] + 0.1 < recalls[1] < recalls[2]
    assert specificities[0] > specificities[1] > specificities[2] + 0.02
    for history in histories:
        assert history[-1] < 0.8 * history[0]


@pytest.mark.skipif(len(DIFFERENTIABLE) < 2, reason="needs two libraries")
@pytest.mark.parametrize("loss", sorted(losses.LOSSES))
def test_libraries_train_alike(table, loss):
    histories = {
        name: train(name, table, losses.LOSSES[loss], steps=20)[2] for name in DIFFERENTIABLE
    }
    assert largest_difference(histories).relative <= TOLERANCE["float64"]
    for history in histories.values():
        assert history[-1] < history[0]
        assert np.isfinite(history).all()
