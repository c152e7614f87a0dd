"""The constrained losses: their state is learned in `fit` alone, and saved with the model."""

import keras
import numpy as np
import pytest
from tools import BACKEND, LONG, NEUTRAL, gradient, numpy

from weightedce.keras import ConstrainedBinaryCrossentropy, ConstrainedCrossentropy

RANDOM = np.random.default_rng(0)
# the last batch is smaller where that compiles nothing anew
ROWS, LAST = (1600, [64]) if BACKEND == "torch" or LONG else (1536, [])
Y = (RANDOM.random(ROWS) < 0.1).astype("int32")
X = (RANDOM.normal(size=(ROWS, 3)) + 0.9 * Y[:, None]).astype("float32")


def compiled(loss, outputs=1, **options):
    keras.utils.set_random_seed(0)
    activation = "sigmoid" if outputs == 1 else "softmax"
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(outputs, activation)])
    steps = keras.optimizers.schedules.CosineDecay(0.1, 195)
    model.compile(keras.optimizers.Adam(steps), loss=loss, **options)
    return model


def state(loss):
    return {k: v for k, v in loss.get_config()["start"].items() if k != "key"}


def test_fit_meets_the_recall_and_evaluate_leaves_the_state(tmp_path):
    loss = ConstrainedBinaryCrossentropy(recall=0.9)
    model = compiled(loss, metrics=[loss.rate])
    few = {"batch_size": 128, "verbose": 0}
    shown = model.fit(X, Y, epochs=15, validation_data=(X[:128], Y[:128]), **few).history
    weight, bias = model.get_weights()
    assert (X @ weight + bias > 0)[Y == 1].mean() == pytest.approx(0.9, abs=0.03)
    learned = state(loss)
    rate = learned["met"] / learned["cases"]
    assert shown["recall"][-1] == pytest.approx(rate, abs=1e-6)
    assert rate == pytest.approx(0.9, abs=0.06)
    of_training = 0.0  # and not of validation
    for rows in 15 * (12 * [128] + LAST):
        of_training = of_training * 1e5 / (1e5 + rows) + rows
    assert learned["examples"] == pytest.approx(of_training, rel=1e-4)
    model.evaluate(X[:128], Y[:128], **few)
    assert state(loss) == learned
    if BACKEND == "tensorflow" and not LONG:
        return  # what is saved is shown by the others, in half the time

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert state(loaded.loss) == pytest.approx(learned)
    loaded.fit(X[:256], Y[:256], epochs=1, **few)
    went_on = state(loaded.loss)
    assert went_on["log_multiplier"] != learned["log_multiplier"]
    assert float(loaded.loss.rate.result()) == pytest.approx(went_on["met"] / went_on["cases"])
    assert state(loss) == learned


@pytest.mark.skipif(BACKEND != "torch" and not LONG, reason=NEUTRAL)
def test_class_weights_that_are_found():
    loss = ConstrainedCrossentropy(recall=[0, 0.8])
    model = compiled(loss, outputs=2, metrics=[loss.rate])
    model.fit(X, Y, batch_size=128, epochs=10, verbose=0)
    assert state(loss)["log_multiplier"][0] == 0 != state(loss)["log_multiplier"][1]
    weight, bias = model.get_weights()
    assert (X @ weight + bias).argmax(axis=1)[Y == 1].mean() == pytest.approx(0.8, abs=0.08)


def test_the_state_moves_where_the_loss_is_differentiated():
    loss = ConstrainedBinaryCrossentropy(recall=0.9, from_logits=True)
    loss(Y[:64], X[:64, 0])
    assert state(loss)["examples"] == 0
    if BACKEND != "jax":  # which keeps a value that is being traced for nobody
        gradient(lambda z: loss(Y[:64], z), X[:64, 0])
        assert state(loss)["examples"] == 64
        assert numpy(loss.rate.result()) == state(loss)["met"] / state(loss)["cases"]


@pytest.mark.skipif(BACKEND != "jax", reason="the other backends keep what is assigned")
def test_without_its_metric_it_raises():
    with pytest.raises(ValueError, match=r"loss.rate.*metrics=\[loss.rate\]"):
        compiled(ConstrainedBinaryCrossentropy(recall=0.9)).fit(X, Y, verbose=0)


def test_a_config_makes_it_again():
    loss = ConstrainedBinaryCrossentropy(precision=[0.5, 0.9], axis=-1, learning_rate=0.02)
    again = ConstrainedBinaryCrossentropy.from_config(loss.get_config())
    assert again.get_config() == loss.get_config()
    assert repr(loss) == (
        "ConstrainedBinaryCrossentropy(precision=[0.5, 0.9], learning_rate=0.02, axis=-1)"
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "recall, specificity, precision: expected one of them, got none"),
        ({"recall": 0.9, "precision": 0.5}, "expected one of them, got .*precision"),
        ({"recall": 0.9, "axis": -1}, "recall: expected a list, one number for each label"),
        ({"recall": [0.9, 0.8]}, "recall: expected one number with axis=None"),
    ],
)
def test_bad_options_are_named_when_it_is_made(options, message):
    with pytest.raises(ValueError, match=message):
        ConstrainedBinaryCrossentropy(**options)
