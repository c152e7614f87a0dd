"""What JAX and optax have, and formulas as they are often written with it."""

from typing import Any

from weightedce.validation.peers.peer import peer

BINARY, CLASSES = "binary_cross_entropy", "cross_entropy"


@peer("jax.nn.softplus(-z)", "jax", BINARY)
def softplus(logits: Any, targets: Any) -> Any:
    import jax

    return jax.nn.softplus(jax.numpy.where(targets == 1, -logits, logits))


@peer("jax: max(z, 0) - z y + log1p(exp(-|z|))", "jax", BINARY)
def stable_formula(logits: Any, targets: Any) -> Any:
    import jax.numpy as jnp

    return jnp.maximum(logits, 0) - logits * targets + jnp.log1p(jnp.exp(-jnp.abs(logits)))


@peer("jax: logsumexp(z) - z_y", "jax", CLASSES)
def logsumexp(logits: Any, targets: Any) -> Any:
    import jax

    right = jax.numpy.take_along_axis(logits, targets[:, None], axis=1)[:, 0]
    return jax.nn.logsumexp(logits, axis=1) - right


@peer("optax.sigmoid_binary_cross_entropy", "jax", BINARY, package="optax")
def optax_binary(logits: Any, targets: Any) -> Any:
    import optax

    return optax.losses.sigmoid_binary_cross_entropy(logits, targets)


@peer("optax.softmax_cross_entropy", "jax", CLASSES, package="optax", soft=True)
def optax_softmax(logits: Any, targets: Any) -> Any:
    import optax

    return optax.losses.softmax_cross_entropy(logits, targets)


@peer(
    "optax.softmax_cross_entropy_with_integer_labels", "jax", CLASSES, package="optax", labels=True
)
def optax_labels(logits: Any, targets: Any) -> Any:
    import optax

    return optax.losses.softmax_cross_entropy_with_integer_labels(logits, targets)


@peer(
    "optax.sigmoid_focal_loss, gamma 0.5",
    "jax",
    "binary_focal_loss",
    package="optax",
    options={"gamma": 0.5},
)
def optax_focal_half(logits: Any, targets: Any) -> Any:
    import optax

    return optax.losses.sigmoid_focal_loss(logits, targets, gamma=0.5)


@peer(
    "optax.sigmoid_focal_loss, gamma 2",
    "jax",
    "binary_focal_loss",
    package="optax",
    options={"gamma": 2.0},
)
def optax_focal(logits: Any, targets: Any) -> Any:
    import optax

    return optax.losses.sigmoid_focal_loss(logits, targets, gamma=2.0)


@peer(
    "optax.poly_loss_cross_entropy",
    "jax",
    "poly_cross_entropy",
    package="optax",
    options={"epsilon": 1.0},
    soft=True,
)
def optax_poly(logits: Any, targets: Any) -> Any:
    import optax

    return optax.losses.poly_loss_cross_entropy(logits, targets, epsilon=1.0)
