"""What is timed: for each library and mode, our call and the named peer's, on the same data.

Each function of `MODES` takes a `Work` and returns two calls without arguments, ours and the
peer's. A call computes value and gradient (NumPy: the value) and returns when both are there.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Call = Callable[[], Any]


class Work(NamedTuple):
    """One loss on one size: ``size`` is (N,) for binary losses, (N, K) for those over classes."""

    family: str
    size: tuple[int, ...]
    dtype: str = "float32"

    def data(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return logits, targets and weights."""
        random = np.random.default_rng(0)
        z = random.standard_normal(self.size, dtype=np.float32)
        if len(self.size) == 1:
            return z, (random.random(self.size) < 0.1).astype(np.float32), np.float32(9.0)
        y = random.integers(0, self.size[1], self.size[0])
        return z, y, random.uniform(0.5, 5.0, self.size[1]).astype(np.float32)


BINARY = ((32,), (100_000,), (4_000_000,))
CLASSES = ((65_536, 10), (8_192, 1_000), (1_024, 32_000))
CORE = [Work("bce", size) for size in BINARY] + [Work("ce", size) for size in CLASSES]
FOCAL = [Work("binary focal", size) for size in BINARY[1:]] + [Work("focal", CLASSES[1])]


def torch_pair(work: Work, compiled: bool) -> tuple[Call, Call]:
    import torch
    import torch.nn.functional as F  # noqa: N812 - torch's custom

    import weightedce

    z, y, w = (torch.tensor(x) for x in work.data())
    z = z.to(getattr(torch, work.dtype)).requires_grad_()

    def torchvision_focal(z: Any, y: Any) -> Any:
        p = torch.sigmoid(z)
        loss = F.binary_cross_entropy_with_logits(z, y, reduction="none")
        return (loss * (1 - (p * y + (1 - p) * (1 - y))) ** 2).mean()

    def by_hand_focal(z: Any, y: Any) -> Any:
        lp = F.log_softmax(z, -1).gather(-1, y[:, None])[:, 0]
        return (-lp * (1 - lp.exp()) ** 2).mean()

    pairs = {
        "bce": (
            lambda z: weightedce.binary_cross_entropy(z, y, pos_weight=w),
            lambda z: F.binary_cross_entropy_with_logits(
                z, y.to(z.dtype), pos_weight=w.to(z.dtype)
            ),
        ),
        "ce": (
            lambda z: weightedce.cross_entropy(z, y, class_weight=w, reduction="weighted_mean"),
            lambda z: F.cross_entropy(z, y, weight=w.to(z.dtype)),
        ),
        "binary focal": (
            lambda z: weightedce.binary_focal_loss(z, y, gamma=2.0),
            lambda z: torchvision_focal(z, y),
        ),
        "focal": (
            lambda z: weightedce.focal_loss(z, y, gamma=2.0),
            lambda z: by_hand_focal(z, y),
        ),
    }

    def call(loss: Any) -> Call:
        loss = torch.compile(loss) if compiled else loss

        def step() -> Any:
            z.grad = None
            value = loss(z)
            value.backward()
            return value, z.grad

        return step

    ours, peer = pairs[work.family]
    return call(ours), call(peer)


def jax_pair(work: Work) -> tuple[Call, Call]:
    import jax
    import jax.numpy as jnp
    import optax

    import weightedce

    z, y, w = (jnp.asarray(x) for x in work.data())
    z = z.astype(work.dtype)

    def optax_bce(z: Any, y: Any, w: Any) -> Any:
        return (jnp.where(y == 1, w, 1.0) * optax.sigmoid_binary_cross_entropy(z, y)).mean()

    def optax_ce(z: Any, y: Any, w: Any) -> Any:
        w = w[y]
        return (w * optax.softmax_cross_entropy_with_integer_labels(z, y)).sum() / w.sum()

    def by_hand_focal(z: Any, y: Any, _: Any) -> Any:
        loss = optax.softmax_cross_entropy_with_integer_labels(z, y)
        return (loss * (1 - jnp.exp(-loss)) ** 2).mean()

    pairs = {
        "bce": (lambda z, y, w: weightedce.binary_cross_entropy(z, y, pos_weight=w), optax_bce),
        "ce": (
            lambda z, y, w: weightedce.cross_entropy(
                z, y, class_weight=w, reduction="weighted_mean"
            ),
            optax_ce,
        ),
        "binary focal": (
            lambda z, y, _: weightedce.binary_focal_loss(z, y, gamma=2.0),
            lambda z, y, _: optax.sigmoid_focal_loss(z, y, gamma=2.0).mean(),
        ),
        "focal": (lambda z, y, _: weightedce.focal_loss(z, y, gamma=2.0), by_hand_focal),
    }

    def call(loss: Any) -> Call:
        step = jax.jit(jax.value_and_grad(loss))
        return lambda: jax.block_until_ready(step(z, y, w))

    ours, peer = pairs[work.family]
    return call(ours), call(peer)


def tensorflow_pair(work: Work, mode: str) -> tuple[Call, Call]:
    import tensorflow as tf

    import weightedce

    z, y, w = (tf.constant(x) for x in work.data())
    z = tf.cast(z, work.dtype)

    def native_ce(z: Any, y: Any, w: Any) -> Any:
        w = tf.gather(w, y)
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(y, z)
        return tf.reduce_sum(w * tf.cast(loss, w.dtype)) / tf.reduce_sum(w)

    def keras_focal(z: Any, y: Any, _: Any) -> Any:
        p = tf.sigmoid(z)
        loss = tf.nn.sigmoid_cross_entropy_with_logits(y, z)
        return tf.reduce_mean(loss * (1 - (p * y + (1 - p) * (1 - y))) ** 2)

    def by_hand_focal(z: Any, y: Any, _: Any) -> Any:
        loss = tf.nn.sparse_softmax_cross_entropy_with_logits(y, z)
        return tf.reduce_mean(loss * (1 - tf.exp(-loss)) ** 2)

    pairs = {
        "bce": (
            lambda z, y, w: weightedce.binary_cross_entropy(z, y, pos_weight=w),
            lambda z, y, w: tf.reduce_mean(
                tf.nn.weighted_cross_entropy_with_logits(
                    tf.cast(y, z.dtype), z, tf.cast(w, z.dtype)
                )
            ),
        ),
        "ce": (
            lambda z, y, w: weightedce.cross_entropy(
                z, y, class_weight=w, reduction="weighted_mean"
            ),
            native_ce,
        ),
        "binary focal": (
            lambda z, y, _: weightedce.binary_focal_loss(z, y, gamma=2.0),
            keras_focal,
        ),
        "focal": (lambda z, y, _: weightedce.focal_loss(z, y, gamma=2.0), by_hand_focal),
    }

    def call(loss: Any) -> Call:
        def step(z: Any, y: Any, w: Any) -> Any:
            with tf.GradientTape() as tape:
                tape.watch(z)
                value = loss(z, y, w)
            return value, tape.gradient(value, z)

        if mode != "eager":
            step = tf.function(step, jit_compile=mode == "xla")
        return lambda: step(z, y, w)[1][0].numpy()

    ours, peer = pairs[work.family]
    return call(ours), call(peer)


def numpy_pair(work: Work) -> tuple[Call, Call]:
    from sklearn._loss import HalfBinomialLoss, HalfMultinomialLoss

    import weightedce

    z, y, w = work.data()
    if work.family == "bce":
        peer = HalfBinomialLoss()
        weight = np.where(y == 1, w, np.float32(1.0))
        return (
            lambda: weightedce.binary_cross_entropy(z, y, pos_weight=w),
            lambda: peer(y, z, sample_weight=weight, n_threads=2),
        )
    many = HalfMultinomialLoss(n_classes=work.size[1])
    labels, weight = y.astype(np.float32), w[y]
    return (
        lambda: weightedce.cross_entropy(z, y, class_weight=w, reduction="weighted_mean"),
        lambda: many(labels, z, sample_weight=weight, n_threads=2),
    )


MODES: dict[str, Callable[[Work], tuple[Call, Call]]] = {
    "torch eager": lambda work: torch_pair(work, compiled=False),
    "torch.compile": lambda work: torch_pair(work, compiled=True),
    "jax.jit": jax_pair,
    "tf.function": lambda work: tensorflow_pair(work, "function"),
    "tf.function(jit_compile)": lambda work: tensorflow_pair(work, "xla"),
    "TensorFlow eager": lambda work: tensorflow_pair(work, "eager"),
    "NumPy value": numpy_pair,
}
