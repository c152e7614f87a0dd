"""Arrays in and out of whichever backend KERAS_BACKEND names, and its gradient."""

import os

import keras
import numpy as np

LONG = os.environ.get("WEIGHTEDCE_LONG", "0") != "0"
BACKEND = keras.backend.backend()
assert os.environ["KERAS_BACKEND"] == BACKEND


def _compiled():
    """Return the ways to call a loss, compiled or not.

    Keras compiles every step in JAX, whose single operations take seconds to compile. Dynamo of
    torch 2.12 cannot trace Keras's own activations.
    """
    if BACKEND == "jax" and not LONG:
        return [True]
    if BACKEND == "torch":
        import torch

        return [False, True] if torch.__version__ >= "2.13" else [False]
    return [False, True]


COMPILED = _compiled()
# Dynamo takes four seconds for a function of Keras
OFTEN = COMPILED if LONG or BACKEND != "torch" else [False]
NEUTRAL = "the same code on every backend: the quickest shows it, and the long run the others"


def tensor(x, dtype="float32"):
    return keras.ops.convert_to_tensor(np.asarray(x), dtype=dtype)


def numpy(x):
    return np.asarray(keras.ops.convert_to_numpy(x))


def masked(y_pred, mask):
    """Return predictions with the mask that Keras's layers leave on them."""
    from keras.src.backend import set_keras_mask

    y_pred = tensor(y_pred)
    set_keras_mask(y_pred, tensor(mask, "bool"))
    return y_pred


def gradient(function, x, compiled=False):
    """Return value and gradient of the sum of ``function(x)``."""
    if BACKEND == "jax":
        import jax

        derived = jax.value_and_grad(lambda x: function(x).sum())
        value, slope = (jax.jit(derived) if compiled else derived)(tensor(x))
        return np.asarray(value), np.asarray(slope)
    if BACKEND == "torch":
        import torch

        leaf = tensor(x).detach().clone().requires_grad_(True)
        if compiled:
            torch.compiler.reset()  # it gives up on code that it has compiled a few times
            function = torch.compile(function, backend="eager", fullgraph=True)
        value = function(leaf).sum()
        value.backward()
        return value.detach().numpy(), leaf.grad.numpy()
    import tensorflow as tf

    def derived(x):
        with tf.GradientTape() as tape:
            tape.watch(x)
            value = tf.reduce_sum(function(x))
        return value, tape.gradient(value, x)

    if compiled:
        derived = tf.function(derived, autograph=False)  # which would rewrite Keras's own code
    value, slope = derived(tensor(x))
    return value.numpy(), slope.numpy()
