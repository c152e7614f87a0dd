"""What is done with graphs of TensorFlow: saved, loaded, converted by AutoGraph."""

import logging
import warnings

import numpy as np
import pytest

import weightedce as w
from libraries import DIFFERENTIABLE, LONG

pytestmark = pytest.mark.skipif("tensorflow" not in DIFFERENTIABLE, reason="no TensorFlow")

Y = np.array([0, 1, 2, 1])
LOSSES = {
    "labels": lambda z, y: w.cross_entropy(z, y),
    "smoothed": lambda z, y: w.cross_entropy(z, y, label_smoothing=0.1),
    "distribution": lambda z, y: w.cross_entropy(z, one_hot(y)),
    "focal": lambda z, y: w.focal_loss(z, y),
    "ldam": lambda z, y: w.ldam_cross_entropy(z, y, counts=[5, 3, 1]),
    "cost": lambda z, y: w.expected_cost(z, y, np.ones((3, 3)).tolist()),
    "linear": lambda z, y: w.linear_cross_entropy(z, eye(), y),
    "linear rows": lambda z, y: w.linear_cross_entropy(
        z, eye(), y, label_smoothing=0.1, reduction="none"
    ),
    "binary": lambda z, y: w.binary_cross_entropy(z, one_hot(y), pos_weight=[1.0, 2.0, 3.0]),
    "binary focal": lambda z, y: w.binary_focal_loss(z, one_hot(y), label_smoothing=0.1),
    "asymmetric": lambda z, y: w.asymmetric_loss(z, one_hot(y)),
    "dice": lambda z, y: w.dice_loss(z, one_hot(y), axis=-1),
}


def one_hot(y):
    return DIFFERENTIABLE["tensorflow"].tf.one_hot(y, 3)


def eye():
    return DIFFERENTIABLE["tensorflow"].tf.eye(3)


@pytest.mark.parametrize("name", LOSSES if LONG else ["labels", "linear"])
def test_a_saved_model_whose_step_differentiates_through_another_function(name, tmp_path):
    """Inner and outer function, values, gradients and the gradient of what was loaded."""
    tf = DIFFERENTIABLE["tensorflow"].tf
    loss = LOSSES[name]
    like = [tf.TensorSpec((None, 3)), tf.TensorSpec((None,), tf.int64)]
    x, y = tf.constant(np.random.default_rng(0).normal(size=(4, 3)), tf.float32), tf.constant(Y)
    module = tf.Module()
    module.v = tf.Variable(tf.eye(3))
    module.loss = tf.function(
        lambda x, y: tf.reduce_mean(loss(x @ module.v, y)), input_signature=like, autograph=False
    )

    def step(x, y):
        with tf.GradientTape() as tape:
            value = module.loss(x, y)
        return tape.gradient(value, module.v)

    module.step = tf.function(step, input_signature=like, autograph=False)
    expected = module.loss(x, y).numpy(), module.step(x, y).numpy()
    tf.saved_model.save(module, str(tmp_path))
    again = tf.saved_model.load(str(tmp_path))
    np.testing.assert_allclose(again.loss(x, y), expected[0], rtol=1e-6)
    np.testing.assert_allclose(again.step(x, y), expected[1], rtol=1e-5, atol=1e-7)
    with tf.GradientTape() as tape:
        value = again.loss(x, y)
    np.testing.assert_allclose(tape.gradient(value, again.v), expected[1], rtol=1e-5, atol=1e-7)


# by each way into our code: the others enter as labels and binary targets do
@pytest.mark.parametrize("name", LOSSES if LONG else ("labels", "linear", "binary", "dice"))
def test_autograph_has_nothing_to_say_and_rewrites_none_of_our_code(name, caplog, monkeypatch):
    """It took five seconds for the first loss, and nothing of ours is written for it."""
    tf = DIFFERENTIABLE["tensorflow"].tf
    from tensorflow.python.autograph.impl import api

    rewritten, original = [], api._convert_actual
    monkeypatch.setattr(api, "_convert_actual", lambda f, c: rewritten.append(f) or original(f, c))
    y = tf.constant(Y)

    @tf.function
    def step(z):
        with tf.GradientTape() as tape:
            tape.watch(z)
            value = tf.reduce_mean(LOSSES[name](z, y))
        return tape.gradient(value, z)

    logger = tf.get_logger()
    logger.addHandler(caplog.handler)  # it does not propagate
    try:
        with warnings.catch_warnings(), caplog.at_level(logging.DEBUG, logger.name):
            warnings.simplefilter("error")
            step.get_concrete_function(tf.TensorSpec((4, 3)))
    finally:
        logger.removeHandler(caplog.handler)
    assert not [x.getMessage() for x in caplog.records if x.levelno >= logging.WARNING]
    assert rewritten, "AutoGraph did not run"
    assert not [f for f in rewritten if f.__module__.startswith("weightedce")]


def test_what_is_written_in_place_is_nobody_elses():
    """A graph that has the same arrays of its own keeps them: over many classes two are written."""
    tf = DIFFERENTIABLE["tensorflow"].tf
    rng = np.random.default_rng(0)
    z, q = rng.normal(size=(5, 40)), rng.dirichlet(np.ones(40), 5)

    @tf.function(autograph=False)
    def step(z, q):
        with tf.GradientTape() as tape:
            tape.watch(z)
            loss = w.cross_entropy(z, q, target_range="any") + w.cross_entropy(z, q[::-1])
        highest = tf.reduce_max(z, 1, keepdims=True)
        return tape.gradient(loss, z), -q, tf.exp(z) * tf.exp(-highest)

    slope, minus, powers = step(tf.constant(z), tf.constant(q))
    p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(slope, (2.0 * p - q - q[::-1]) / 5, atol=1e-15)
    assert (minus.numpy() == -q).all()
    np.testing.assert_allclose(powers, p / p.max(axis=1, keepdims=True), rtol=1e-14)
