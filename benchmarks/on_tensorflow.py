"""TensorFlow: eager, a graph, XLA; the losses of tf.nn and of Keras."""

import warnings

import numpy as np

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # its own imports warn
    import keras
    import tensorflow as tf

from library import Library, add, negate
from ours import SMOOTHING


def bce(z, y, w):
    return tf.reduce_mean(tf.nn.weighted_cross_entropy_with_logits(y, z, w))


def ce(z, y, w):
    w = tf.gather(w, y)
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(y, z)
    return tf.reduce_sum(w * tf.cast(loss, w.dtype)) / tf.reduce_sum(w)


def smoothed_ce(z, y, _):
    classes = z.shape[1]
    share = SMOOTHING / classes
    q = tf.one_hot(y, classes, 1.0 - SMOOTHING + share, share)
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(q, z))


def ce_of_distributions(z, q, _):
    return tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(q, z))


def linear(h, w, y):
    z = tf.matmul(h, w, transpose_b=True)
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(y, z))


def binary_focal(z, y, _):
    return keras.losses.BinaryFocalCrossentropy(gamma=2.0, from_logits=True)(y, z)


PEERS = {
    "bce": {"tf.nn.weighted_cross_entropy_with_logits": bce},
    "ce": {"tf.nn.sparse_softmax_cross_entropy_with_logits": ce},
    "smoothed ce": {"tf.nn.softmax_cross_entropy_with_logits": smoothed_ce},
    "ce of distributions": {"tf.nn.softmax_cross_entropy_with_logits": ce_of_distributions},
    "binary focal": {"keras.losses.BinaryFocalCrossentropy": binary_focal},
    "linear": {"tf.matmul, tf.nn.sparse_softmax_cross_entropy_with_logits": linear},
}


class TensorFlow(Library):
    def __init__(self, mode, device):
        self.mode = mode
        tf.config.set_visible_devices([], "GPU")  # or arrays would go there by themselves
        if device != "cpu":
            raise RuntimeError("TensorFlow is timed on the cpu only")

    def array(self, x, dtype=None):
        x = tf.constant(x)
        return tf.cast(x, dtype) if dtype and x.dtype.is_floating else x

    def peers(self, work, rest):
        if work.family != "focal":
            return PEERS[work.family]
        one_hot = tf.one_hot(rest[0], work.size[1])  # made outside: Keras takes no labels here

        def focal(z, *_):
            keras_loss = keras.losses.CategoricalFocalCrossentropy(
                alpha=1.0, gamma=2.0, from_logits=True
            )
            return keras_loss(one_hot, z)

        return {"keras.losses.CategoricalFocalCrossentropy": focal}

    def compile(self, function):
        if self.mode == "TensorFlow eager":
            return function
        xla = self.mode == "tf.function(jit_compile)"
        return tf.function(function, jit_compile=xla, autograph=False)

    def traced(self, loss, count):
        def step(*arrays):
            leaves = arrays[:count]
            with tf.GradientTape() as tape:
                tape.watch(leaves)
                value = loss(*arrays)
            return value, *tape.gradient(value, leaves)

        return self.compile(step)

    def step(self, loss, leaves, rest):
        step = self.traced(loss, len(leaves))

        def call():
            result = step(*leaves, *rest)
            result[0].numpy()  # waits
            return result

        return call

    def ready(self, loss, leaves, rest):
        step = self.traced(loss, len(leaves))
        if self.mode != "TensorFlow eager":
            step = step.get_concrete_function(*leaves, *rest)
        return lambda: step(*leaves, *rest)

    def limits(self, work, leaves, rest):
        move = self.compile(add if work.binary else negate)
        alone = self.compile(lambda z: tf.math.log1p(tf.exp(z)))
        (z,), y = leaves, rest[0]
        return {"read and write": lambda: move(z, y), "exp + log1p": lambda: alone(z)}

    def numbers(self, result):
        return [np.asarray(tf.cast(x, tf.float32)) for x in result]
