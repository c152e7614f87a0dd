"""Probabilities, and the logits behind them where a backend shows them: each in its own way."""

import warnings
from functools import partial

import keras
import numpy as np
import pytest
from tools import BACKEND, COMPILED, LONG, OFTEN, gradient, numpy, tensor

import weightedce
from weightedce import keras as ours

RANDOM = np.random.default_rng(1)
Z = RANDOM.normal(size=(6, 4)).astype("float32")
Y = RANDOM.integers(0, 2, (6, 4))
LABELS = RANDOM.integers(0, 4, 6)
COUNTS = [50, 30, 15, 5]
ACTIVATIONS = {"sigmoid": keras.activations.sigmoid, "softmax": keras.activations.softmax}


seen = pytest.mark.skipif(BACKEND == "jax" and not LONG, reason="JAX shows no logits")


@pytest.mark.parametrize(
    ("name", "compiled"),
    [
        (name, compiled)
        for name in ACTIVATIONS
        for compiled in (COMPILED if name == "sigmoid" or BACKEND != "torch" else OFTEN)
    ],
)
def test_saturated_probabilities_train_where_logits_can_be_seen(name, compiled):
    z = np.array([[-40.0, 0.0], [60.0, 200.0]], "float32")
    if name == "sigmoid":
        loss, y = ours.BinaryCrossentropy(), tensor([[1, 1], [0, 1]])
        mine = lambda z: loss(y, ACTIVATIONS[name](z))  # noqa: E731
        exact = weightedce.binary_cross_entropy(z, np.array([[1, 1], [0, 1]]))
        slopes = np.array([[-0.25, -0.125], [0.25, 0.0]])
    else:
        loss, y = ours.SparseCategoricalCrossentropy(), tensor([0, 0], "int32")
        mine = lambda z: loss(y, ACTIVATIONS[name](z))  # noqa: E731
        exact = weightedce.cross_entropy(z, np.array([0, 0]))
        slopes = np.array([[-0.5, 0.5], [-0.5, 0.5]])
    value, slope = gradient(mine, z, compiled)
    if BACKEND == "jax":  # its tracers carry no attributes: logits are lost, values clipped
        if name == "sigmoid":
            np.testing.assert_allclose(slope[0, 0], -0.25, rtol=1e-3)  # p = 4e-18: still there
        assert value < exact
        return
    np.testing.assert_allclose(value, exact, rtol=1e-5)
    np.testing.assert_allclose(slope, slopes, atol=1e-6)


@seen
@pytest.mark.parametrize("compiled", OFTEN if LONG else OFTEN[-1:])  # torch eager, TensorFlow not
def test_logits_of_another_activation_are_not_used(compiled):
    z = RANDOM.normal(size=(3, 3)).astype("float32") * 3
    y = tensor(np.eye(3)[[2, 0, 1]])
    sigmoid, softmax = ACTIVATIONS["sigmoid"], ACTIVATIONS["softmax"]
    binary, categorical = ours.BinaryCrossentropy(), ours.CategoricalCrossentropy()
    along = ours.CategoricalCrossentropy(axis=0)
    for loss, activation in (
        (binary, softmax),
        (categorical, sigmoid),
        (along, softmax),
        (categorical, lambda z: softmax(z, axis=0)),
    ):
        p = numpy(activation(tensor(z)))
        expected = numpy(loss(y, p))  # of probabilities that know of no logits
        value, _ = gradient(lambda z, a=activation, f=loss: f(y, a(z)), z, compiled)
        np.testing.assert_allclose(value, expected, rtol=1e-5)


@seen
def test_scaled_logits_are_those_of_the_probabilities_seen_or_not():
    loss = ours.VectorScalingCrossentropy(counts=COUNTS, gamma=1.0)
    p = keras.activations.softmax(tensor(Z + 3))
    np.testing.assert_allclose(numpy(loss(LABELS, p)), numpy(loss(LABELS, numpy(p))), rtol=1e-5)


def test_logits_that_are_none_are_warned_of():
    z = tensor(Z)
    p = keras.activations.sigmoid(z)
    loss = ours.BinaryCrossentropy(from_logits=True)
    with pytest.warns(UserWarning, match="from_logits=True"):
        value = loss(Y, p)
    np.testing.assert_allclose(numpy(value), weightedce.binary_cross_entropy(Z, Y), rtol=1e-5)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss(Y, z)


def test_the_slope_of_saturated_probabilities():
    p = np.array([[0.0, 1e-20, 1e-5, 0.5, 1.0]], "float32")
    loss = ours.BinaryCrossentropy(reduction="sum")
    of = partial(gradient, compiled=BACKEND == "jax")
    _, slope = of(lambda p: loss(tensor(np.ones((1, 5))), p) * 5, p)
    np.testing.assert_allclose(slope[0, :4], [-1e7, -1e20, -1e5, -2.0], rtol=1e-3)
    assert np.isfinite(slope).all()
    _, slope = of(lambda p: loss(tensor(np.zeros((1, 5))), p) * 5, p)
    assert slope[0, 4] > 1e6
    dice = ours.Dice()
    _, slope = of(lambda p: dice(tensor([[1.0, 0.0]]), p), np.array([[0.0, 0.0]]))
    np.testing.assert_allclose(slope, [[-2.0, 0.0]], atol=1e-5)
