"""JAX under jit, and optax's losses."""

import jax
import jax.numpy as jnp
import numpy as np
import optax

from library import Library, add, negate
from ours import SMOOTHING


def bce(z, y, w):
    return (jnp.where(y == 1, w, 1.0) * optax.sigmoid_binary_cross_entropy(z, y)).mean()


def ce(z, y, w):
    w = w[y]
    return (w * optax.softmax_cross_entropy_with_integer_labels(z, y)).sum() / w.sum()


def smoothed_ce(z, y, _):
    q = optax.smooth_labels(jax.nn.one_hot(y, z.shape[1]), SMOOTHING)
    return optax.softmax_cross_entropy(z, q).mean()


def softmax_focal(z, y, _):
    loss = optax.softmax_cross_entropy_with_integer_labels(z, y)
    return (loss * (1 - jnp.exp(-loss)) ** 2).mean()


PEERS = {
    "bce": {"optax.sigmoid_binary_cross_entropy": bce},
    "ce": {"optax.softmax_cross_entropy_with_integer_labels": ce},
    "smoothed ce": {"optax.softmax_cross_entropy": smoothed_ce},
    "ce of distributions": {
        "optax.softmax_cross_entropy": lambda z, q, _: optax.softmax_cross_entropy(z, q).mean()
    },
    "binary focal": {
        "optax.sigmoid_focal_loss": lambda z, y, _: optax.losses.sigmoid_focal_loss(
            z, y, gamma=2.0
        ).mean()
    },
    "focal": {"optax and by hand": softmax_focal},
    "linear": {
        "matmul, optax": lambda h, w, y: optax.softmax_cross_entropy_with_integer_labels(
            h @ w.T, y
        ).mean()
    },
}


class JAX(Library):
    def __init__(self, mode, device):  # noqa: ARG002
        self.place = jax.devices(device)[0]

    def array(self, x, dtype=None):
        x = np.asarray(x)
        kind = dtype if x.dtype.kind == "f" else None
        return jax.device_put(jnp.asarray(x, dtype=kind), self.place)

    def peers(self, work, rest):  # noqa: ARG002
        return PEERS[work.family]

    def compiled(self, loss, leaves):
        return jax.jit(jax.value_and_grad(loss, argnums=tuple(range(len(leaves)))))

    def step(self, loss, leaves, rest):
        step = self.compiled(loss, leaves)
        return lambda: jax.block_until_ready(step(*leaves, *rest))

    def ready(self, loss, leaves, rest):
        step = self.compiled(loss, leaves).lower(*leaves, *rest).compile()
        return lambda: jax.block_until_ready(step(*leaves, *rest))

    def limits(self, work, leaves, rest):
        move = jax.jit(add if work.binary else negate)
        alone = jax.jit(lambda z: jnp.log1p(jnp.exp(z)))
        (z,), y = leaves, rest[0]
        return {
            "read and write": lambda: jax.block_until_ready(move(z, y)),
            "exp + log1p": lambda: jax.block_until_ready(alone(z)),
        }

    def numbers(self, result):
        value, gradients = result
        return [np.asarray(x, dtype=np.float32) for x in (value, *gradients)]
