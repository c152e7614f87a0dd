"""The example trains, in every library, and its losses move the errors as they are asked to."""

import re
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from libraries import DIFFERENTIABLE, LONG
from weightedce import balanced

sys.path.insert(0, str(Path(__file__).parent.parent / "examples"))
import importlib

import losses
import network
import rows
import tables
import train_imbalanced
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
# of labels, with margins, of soft counts: the others are made of the same blocks
@pytest.mark.parametrize("loss", losses.LOSSES if LONG else ("weighted", "ldam", "f-beta"))
def test_libraries_train_alike(table, loss):
    histories = {
        name: train(name, table, losses.LOSSES[loss], steps=20)[2] for name in DIFFERENTIABLE
    }
    assert largest_difference(histories).relative <= TOLERANCE["float64"]
    for history in histories.values():
        assert history[-1] < history[0]
        assert np.isfinite(history).all()


def test_the_demo_says_what_happened(tmp_path, monkeypatch):
    """The command itself, on a network that is drawn and not trained: a step of nothing."""
    monkeypatch.setattr(train_imbalanced, "check", lambda *_: None)

    def untrained(start, *_, advance, steps, **__):
        advance(steps)
        return start, [0.5]

    fake = SimpleNamespace(train=untrained)
    monkeypatch.setattr(train_imbalanced, "import_module", lambda _: fake)
    monkeypatch.setattr(train_imbalanced, "find_spec", lambda _: True)
    told = []
    monkeypatch.setattr(train_imbalanced.console, "print", lambda *x, **_: told.extend(x))
    app = typer.Typer()
    app.command()(train_imbalanced.main)
    given = ["--library", "jax", "--data", "abalone19", "--seeds", "2", "--output", str(tmp_path)]
    result = CliRunner().invoke(app, [*given, "--loss", "all"])
    assert result.exit_code == 0, result.output
    said = [x for x in told if isinstance(x, str) and "rare cases missed instead of" in x]
    assert {x.partition(":")[0] for x in said} == set(losses.LOSSES) - {"plain"}
    assert all("no help" in x for x in said)  # the same network whatever the loss
    assert {p.name for p in tmp_path.iterdir()} >= {"abalone19.png", "abalone19-curves.png"}


def test_a_threshold_is_moved_and_weights_come_back():
    """Logits that are right for the data, and the same with weights in them."""
    labels = np.repeat([0, 1], [90, 10])
    right = np.tile(np.log([0.95, 0.05]), (100, 1))
    right[labels == 1] = np.log([0.7, 0.3])
    weighted = right + np.log(balanced([90, 10]))
    plain, moved = rows.Seen("plain", right, labels, [90, 10]).ways()
    heavy, back = rows.Seen("weighted", weighted, labels, [90, 10]).ways()
    assert [name for name, _ in (plain, moved, heavy, back)] == [
        "plain", "plain, threshold moved", "weighted", "weighted, calibrated back",
    ]  # fmt: skip
    assert (plain[1].missed, moved[1].missed, moved[1].false_alarms) == (1.0, 0.0, 0.0)
    assert heavy[1].missed == 0.0
    assert back[1] == pytest.approx(plain[1])
    assert heavy[1].log_loss > back[1].log_loss


@pytest.mark.parametrize(
    ("weighted", "moved", "said"),
    [
        (0.9, 0.9, r"accuracy rises \(\+0.300 .*alone \(8 and 8\) does as well"),
        (0.9, 0.7, r"accuracy rises .*; against a moved threshold alone \(8 and 8\) it rises"),
        (0.6, 0.9, r"accuracy stays, .*: no help; against a moved threshold alone .* it falls"),
        (0.5, 0.9, r"accuracy falls .*: no help; against a moved threshold alone .* it falls"),
    ],
)
def test_the_demo_says_when_weights_do_not_help(weighted, moved, said):
    def of(accuracy):
        each = [accuracy - 1e-3, accuracy + 1e-3, accuracy]
        return [rows.Scores(1 - x, x, 0.1, 0.01, 0.5, 0.3) for x in each]

    found = {"plain": of(0.6), "plain, threshold moved": of(moved), "weighted": of(weighted)}
    (sentence,) = rows.sentences(found, 80, 800)
    assert re.search(said, sentence)
    assert "Of 80 alarms 72 are right." in sentence
    (alone,) = rows.sentences({k: v[:1] for k, v in found.items()}, 80, 800)
    assert "One split says nothing of chance" in alone
