"""The operators in passes, by the names that the kernels have, and what they keep.

Softplus and masses have none: passes that wait for nothing and keep the limits at infinite logits
move as many bytes as the composed form.
"""

from typing import Any

from weightedce.backends.torch.passes.elements import elements, elements_slope
from weightedce.backends.torch.passes.labels import labels, labels_slope
from weightedce.numerics import stable

__all__ = [
    "elements",
    "elements_slope",
    "has",
    "kept",
    "labels",
    "labels_slope",
]


def has(name: str, block: Any) -> bool:
    """Tell whether there are passes for an operator, and the numerics of its block."""
    if name == "labels":
        return block is stable.focused
    return name == "elements" and block is not stable.softplus_with_slope


def kept(name: str, given: Any) -> list[list[int]]:
    """Return the shapes of what an operator keeps for the gradient."""
    if name != "labels":
        return []
    rows = list(given.logits.shape)
    rows[given.axis] = 1
    return [list(given.logits.shape), rows, rows, rows]
