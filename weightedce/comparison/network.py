"""A small network in NumPy, trained with any loss of this library: no framework is asked for."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from scipy.optimize import minimize
from threadpoolctl import threadpool_limits

from weightedce.curvature.derivatives import derivatives

UNITS = 16  # of the one hidden layer
STEPS = 200
PENALTY = 1e-3  # times half the squared weights, beside the mean loss
Predict = Callable[[np.ndarray], np.ndarray]


def train(
    features: np.ndarray,
    labels: np.ndarray,
    *,
    loss: Callable[..., Any],
    options: Mapping[str, Any],
    classes: int,
    seed: int,
    derived: Callable[..., Any] = derivatives,
) -> Predict:
    """Return the logits of a trained network as a function of the features.

    One hidden layer of tanh units. L-BFGS takes all rows at once, so there is no learning rate
    to choose, and no loss is favoured by one. ``derived`` gives loss and slope by logits: another
    than `derivatives` where a loss is no sum over rows.
    """
    random = np.random.default_rng(seed)
    shapes = [(features.shape[1], UNITS), (UNITS, classes)]
    weights = [random.normal(scale=shape[0] ** -0.5, size=shape) for shape in shapes]
    parts = [weights[0], np.zeros(UNITS), weights[1], np.zeros(classes)]
    # one thread: of products this small, threads that share a core take 4 times as long
    with threadpool_limits(1, user_api="blas"):
        found = minimize(
            lambda flat: value_and_slope(
                split(flat, parts), features, labels, loss, options, derived
            ),
            np.concatenate([part.ravel() for part in parts]),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": STEPS},
        )
    first, first_bias, second, second_bias = split(found.x, parts)
    return lambda x: np.tanh(x @ first + first_bias) @ second + second_bias


def split(flat: np.ndarray, like: list[np.ndarray]) -> list[np.ndarray]:
    """Return a vector as arrays of the shapes of ``like``."""
    pieces = np.split(flat, np.cumsum([part.size for part in like])[:-1])
    return [x.reshape(part.shape) for x, part in zip(pieces, like, strict=True)]


def value_and_slope(
    parts: list[np.ndarray],
    features: np.ndarray,
    labels: np.ndarray,
    loss: Callable[..., Any],
    options: Mapping[str, Any],
    derived: Callable[..., Any] = derivatives,
) -> tuple[float, np.ndarray]:
    """Return the mean loss with its penalty, and the derivative to all parameters in a vector."""
    first, first_bias, second, second_bias = parts
    hidden = np.tanh(features @ first + first_bias)
    found = derived(loss, hidden @ second + second_bias, labels, reduction="mean", **options)
    slope = found.first
    back = (slope @ second.T) * (1 - hidden**2)
    slopes = (
        features.T @ back + PENALTY * first,
        back.sum(axis=0),
        hidden.T @ slope + PENALTY * second,
        slope.sum(axis=0),
    )
    penalty = PENALTY * ((first**2).sum() + (second**2).sum()) / 2
    return float(found.loss + penalty), np.concatenate([x.ravel() for x in slopes])
