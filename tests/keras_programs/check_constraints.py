"""The constrained losses: their state is learned in `fit` alone, saved with the model and loaded."""

import keras
import numpy as np
import pytest
from tools import BACKEND, gradient, numpy

from weightedce.keras import ConstrainedBinaryCrossentropy, ConstrainedCrossentropy

RANDOM = np.random.default_rng(0)
Y = (RANDOM.random(1600) < 0.1).astype("int32")
X = (RANDOM.normal(size=(1600, 3)) + 0.9 * Y[:, None]).astype("float32")


def compiled(loss, outputs=1, **options):
    keras.utils.set_random_seed(0)
    activation = "sigmoid" if outputs == 1 else "softmax"
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(outputs, activation)])
    steps = keras.optimizers.schedules.CosineDecay(0.05, 375)
    model.compile(keras.optimizers.Adam(steps), loss=loss, **options)
    return model


def state(loss):
    return {k: v for k, v in loss.get_config()["start"].items() if k != "key"}


def test_fit_meets_the_recall_and_evaluate_leaves_the_state(tmp_path):
    loss = ConstrainedBinaryCrossentropy(recall=0.9)
    model = compiled(loss, metrics=[loss.rate])
    shown = model.fit(X, Y, batch_size=128, epochs=30, verbose=0).history
    found = model.predict(X, verbose=0)[:, 0] > 0.5
    assert found[Y == 1].mean() == pytest.approx(0.9, abs=0.03)
    assert shown["recall"][-1] == pytest.approx(0.9, abs=0.06)
    learned = state(loss)
    assert learned["met"] / learned["cases"] == pytest.approx(shown["recall"][-1], abs=1e-6)
    assert 1e4 < learned["examples"] < 30 * 1600  # of all epochs
    value = model.evaluate(X, Y, verbose=0)
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(value)
    assert state(loss) == learned

    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert state(loaded.loss) == pytest.approx(learned)
    loaded.fit(X, Y, batch_size=128, epochs=1, verbose=0)
    assert state(loaded.loss)["log_multiplier"] != learned["log_multiplier"]
    assert loaded.loss.rate.result() == pytest.approx(
        state(loaded.loss)["met"] / state(loaded.loss)["cases"]
    )
    assert state(loss) == learned


def test_class_weights_that_are_found():
    loss = ConstrainedCrossentropy(recall=[0, 0.8])
    model = compiled(loss, outputs=2, metrics=[loss.rate])
    model.fit(X, Y, batch_size=128, epochs=15, verbose=0, validation_data=(X[:9], Y[:9]))
    assert state(loss)["log_multiplier"][0] == 0 != state(loss)["log_multiplier"][1]
    assert state(loss)["examples"][1] == pytest.approx(15 * 1600, rel=0.15)  # not of validation
    found = model.predict(X, verbose=0).argmax(axis=1)
    assert found[Y == 1].mean() == pytest.approx(0.8, abs=0.06)


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
