"""The operators in passes, by the names that the kernels have, and what they keep."""

from typing import Any

import torch

from weightedce.backends.handed import Array
from weightedce.backends.torch.passes.elements import elements, elements_slope, is_softplus
from weightedce.backends.torch.passes.labels import labels, labels_slope
from weightedce.backends.torch.passes.mass import mass, mass_slope
from weightedce.numerics import stable

__all__ = [
    "elements",
    "elements_slope",
    "has",
    "kept",
    "labels",
    "labels_slope",
    "mass",
    "mass_slope",
]


def has(name: str, block: Any) -> bool:
    """Tell whether there are passes for an operator, and the numerics of its block."""
    return name != "labels" or block in (stable.focused, stable.poly, stable.generalized)


def kept(name: str, given: Any) -> list[Array]:
    """Return the places of what an operator keeps for the gradient."""
    z, rows = given.logits, list(given.logits.shape)
    if name == "elements":
        known = is_softplus(given)
        if known and given.signed:
            return []
        return [z.new_empty(rows, dtype=torch.bool if known else torch.float32)]
    rows[given.axis] = 1
    places = []
    if name == "mass":
        rows[given.axis] = 2 if given.targets.ndim < z.ndim else 1
        places = [z.new_empty(rows, dtype=torch.int64), z.new_empty(rows, dtype=torch.float32)]
        rows[given.axis] = 1
    numbers = [z.new_empty(rows, dtype=torch.float32) for _ in range(3 if name == "labels" else 2)]
    return [z.new_empty(z.shape, dtype=torch.float32), *places, *numbers]
