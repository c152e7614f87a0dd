"""Flax NNX and optax: a compiled training step that takes its weights from the batch it is given.

python examples/jax_nnx.py        (pip install "weightedce[jax]" flax optax)
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
from flax import nnx

from weightedce import balanced, class_counts, cross_entropy

CLASSES, INPUTS, BATCH, UNLABELLED = 3, 4, 256, -1


def table(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features and labels of three classes, 90 %, 8 % and 2 %; the last are hard to tell."""
    random = np.random.default_rng(seed)
    labels = random.choice(CLASSES, rows, p=[0.90, 0.08, 0.02])
    features = random.normal(size=(rows, INPUTS))
    features[:, :2] += np.array([[0.0, 0.0], [2.0, 0.0], [1.0, 1.5]])[labels]
    return features, labels


def batches(steps: int, seed: int = 0) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return training batches; in the second half of each every other label is missing."""
    features, labels = table(steps * BATCH, seed)
    labels = labels.reshape(steps, BATCH)
    labels[:, BATCH // 2 :: 2] = UNLABELLED
    return list(zip(features.reshape(steps, BATCH, INPUTS), labels, strict=True))


def create(dtype: jnp.dtype = jnp.float32) -> tuple[nnx.Module, nnx.Optimizer]:
    """Return a small network and its optimiser."""
    rngs = nnx.Rngs(0)
    model = nnx.Sequential(
        nnx.Linear(INPUTS, 16, param_dtype=dtype, rngs=rngs),
        nnx.tanh,
        nnx.Linear(16, CLASSES, param_dtype=dtype, rngs=rngs),
    )
    return model, nnx.Optimizer(model, optax.adam(0.02), wrt=nnx.Param)


def weighted(model: nnx.Module, features: jax.Array, labels: jax.Array) -> jax.Array:
    """Weigh the classes by how often they occur in this very batch; one may be absent."""
    weights = balanced(class_counts(labels, CLASSES, ignore_index=UNLABELLED))
    return cross_entropy(model(features), labels, class_weight=weights, ignore_index=UNLABELLED)


def plain(model: nnx.Module, features: jax.Array, labels: jax.Array) -> jax.Array:
    return cross_entropy(model(features), labels, ignore_index=UNLABELLED)


def step_of(loss: Callable[..., jax.Array]) -> Callable[..., jax.Array]:
    """Return the compiled step: loss, gradient, update."""

    @nnx.jit
    def step(
        model: nnx.Module, optimizer: nnx.Optimizer, features: jax.Array, labels: jax.Array
    ) -> jax.Array:
        value, gradient = nnx.value_and_grad(loss)(model, features, labels)
        optimizer.update(model, gradient)
        return value

    return step


def recalls(model: nnx.Module) -> np.ndarray:
    """Return the share of each class that is found, on rows the model has not seen."""
    features, labels = table(20_000, seed=1)
    predicted = np.asarray(model(jnp.asarray(features)).argmax(axis=1))
    return np.array([np.mean(predicted[labels == k] == k) for k in range(CLASSES)])


def main() -> None:
    print("recall of the classes of 90 %, 8 % and 2 %")
    for loss in (plain, weighted):
        model, optimizer = create()
        step = step_of(loss)
        for features, labels in batches(300):
            step(model, optimizer, features, labels)
        print(f"{loss.__name__:9}", *(f"{recall:.2f}" for recall in recalls(model)))


if __name__ == "__main__":
    main()
