"""Weighted training in JAX: the loop itself is compiled."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from losses import Loss
from network import Parameters
from weightedce import class_counts

CHUNK = 50  # steps between two looks at the progress bar


def train(
    start: Parameters,
    features: np.ndarray,
    labels: np.ndarray,
    *,
    loss_of: Loss,
    steps: int,
    learning_rate: float,
    momentum: float,
    advance: Callable[[int], None],
) -> tuple[Parameters, list[float]]:
    """Return the trained parameters and the loss at every step."""
    if features.dtype == np.float64:
        jax.config.update("jax_enable_x64", True)
    counts = class_counts(labels, 2).tolist()
    features, labels = jnp.asarray(features), jnp.asarray(labels)

    def objective(parameters: Parameters) -> jax.Array:
        hidden = jnp.tanh(features @ parameters.hidden_weight + parameters.hidden_bias)
        logits = hidden @ parameters.output_weight + parameters.output_bias
        return loss_of(logits, labels, counts)

    def step(
        state: tuple[Parameters, Parameters], _: None
    ) -> tuple[tuple[Parameters, Parameters], jax.Array]:
        parameters, velocity = state
        loss, gradient = jax.value_and_grad(objective)(parameters)
        velocity = jax.tree.map(lambda v, g: momentum * v + g, velocity, gradient)
        parameters = jax.tree.map(lambda p, v: p - learning_rate * v, parameters, velocity)
        return (parameters, velocity), loss

    @partial(jax.jit, static_argnames="length")
    def run(
        state: tuple[Parameters, Parameters], length: int
    ) -> tuple[tuple[Parameters, Parameters], jax.Array]:
        return jax.lax.scan(step, state, length=length)

    parameters = jax.tree.map(jnp.asarray, start)
    state = parameters, jax.tree.map(jnp.zeros_like, parameters)
    losses: list[float] = []
    while len(losses) < steps:
        state, chunk = run(state, length=min(CHUNK, steps - len(losses)))
        losses += chunk.tolist()
        advance(len(chunk))
    return jax.tree.map(np.asarray, state[0]), losses
