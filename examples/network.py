"""The network, in NumPy: where training starts, and what a trained one predicts."""

from typing import NamedTuple

import numpy as np


class Parameters(NamedTuple):
    """One hidden layer of tanh units, one logit for each of the two classes."""

    hidden_weight: np.ndarray
    hidden_bias: np.ndarray
    output_weight: np.ndarray
    output_bias: np.ndarray


def initial(features: int, units: int, dtype: str, seed: int) -> Parameters:
    """Draw the numbers that every library starts from."""
    random = np.random.default_rng(seed)
    hidden = random.normal(scale=features**-0.5, size=(features, units))
    output = random.normal(scale=units**-0.5, size=(units, 2))
    drawn = Parameters(hidden, np.zeros(units), output, np.zeros(2))
    return Parameters(*(number.astype(dtype) for number in drawn))


def logits(parameters: Parameters, features: np.ndarray) -> np.ndarray:
    """Apply the network: (N, features) to (N, 2)."""
    hidden = np.tanh(features @ parameters.hidden_weight + parameters.hidden_bias)
    return hidden @ parameters.output_weight + parameters.output_bias
